#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays published jobs on 100 workers, some V100 and the others K80, and prints how many times longer they take where the
scheduler takes both types for equal, beside the published ratios.

    gavel_mix.py SIMULATE_CLUSTER DATA_FOLDER

First of the end of 500 jobs with gangs that are all there at the beginning, under the policy of least makespan, by the part
of V100s; then of the mean completion time of jobs 4000 .. 4999 of the stream of single workers at 4.4 jobs an hour, half
of the workers V100s, under max-min fairness. Each for the streams of the seeds 0, 1 and 2.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from gavel_stream import write_stream
from gavel_tables import OWN, RESETS

# From the notebook published with Narayanan et al., OSDI 2020: {V100s: ratios of the seeds 0, 1, 2}. It does not say how
# many jobs there are and of which kind; of 100, 300 and 500 single jobs and as many with gangs, these are they.
MAKESPAN = {10: (1.399, 1.533, 1.373), 30: (1.578, 1.592, 1.371), 60: (1.673, 1.224, 1.372), 90: (1.237, 1.057, 1.137),
            100: (1.000, 1.000, 1.000)}
# What the notebook prints of half V100s, 4.4 jobs an hour: not that of seed 0.
MAX_MIN = {50: (None, 3.217, 2.756)}
WAYS = [["--as-published", "--reset", str(reset)] for reset in RESETS] + [OWN]


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        said = folder / "said.json"

        def played(kind, v100s, seed, hours, *options):
            stream = folder / f"{kind}{seed}.csv"
            if not stream.exists():
                write_stream(data, kind, seed, 20000, stream)
            cluster = f"v100={v100s}" + (f",k80={100 - v100s}" if v100s < 100 else "")
            subprocess.run(
                [program, "--jobs", stream, "--throughputs", data / "simulation_throughputs.json", "--cluster", cluster,
                 "--seed", str(seed), "--json", said, *options], check=True, stdout=subprocess.DEVNULL)
            return json.loads(said.read_text())[hours]

        def table(published, kind, hours, aware, agnostic, *options):
            print("| V100s | seed | published | " + " | | ".join(f"{reset} s" for reset in RESETS) + " | | plait |\n" +
                  "|-:" * 8 + "|")
            for v100s, ratios in published.items():
                for seed, ratio in enumerate(ratios):
                    cells = []
                    for way in WAYS:
                        slow, fast = (played(kind, v100s, seed, hours, *options, *policy, *way) for policy in (agnostic, aware))
                        off = f" | {100 * (slow / fast / ratio - 1):+.1f} %" if ratio else " |"
                        cells.append(f"{slow / fast:.3f}" + (off if way is not OWN else ""))
                    print(f"| {v100s / 100} | {seed} | {ratio or ''} | " + " | ".join(cells) + " |", flush=True)
            print()

        makespan = ["--policy", "makespan"]
        table(MAKESPAN, "multi", "makespan_hours", makespan, [*makespan, "--agnostic"], "--rate", "0", "--measure", "0:500")
        table(MAX_MIN, "single", "mean_jct_hours", ["--policy", "max_min_perf"], ["--policy", "max_min_agnostic"],
              "--rate", "4.4", "--measure", "4000:5000")


if __name__ == "__main__":
    main()
