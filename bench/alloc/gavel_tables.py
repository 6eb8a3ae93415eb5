#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the published job streams under the published policies and prints them beside the published means.

    gavel_tables.py SIMULATE_CLUSTER DATA_FOLDER [NAME...]

DATA_FOLDER holds simulation_throughputs.json and generated/continuous_{single,multi}_seed{0,1,2}.csv. Times are hours: of
mean completion time of jobs 4000 .. 4999 on 36 V100, 36 P100, 36 K80, or for jobs that are all there at the beginning,
of the last completion. A rate is played with the stream of seed 0, and where `MEANS` has it too, with those of the seeds
0, 1 and 2, of which the mean is printed; jobs that are all there at the beginning are always such a mean. Streams are
made anew, so long that jobs arrive until all that are measured have ended (gavel_stream.py); a point where they did not
is marked with an asterisk. NAME: tables to play, all if none.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from gavel_stream import write_stream

# From the notebooks published with Narayanan et al., OSDI 2020: {jobs an hour, or jobs: hours}.
TABLES = {
    "single, max-min, agnostic": ("single", ["--policy", "max_min_agnostic"],
        {2.0: 23.47, 4.0: 23.49, 4.4: 23.81, 4.8: 35.79, 5.2: 63.78, 5.6: 95.99}),
    "single, max-min": ("single", ["--policy", "max_min_perf"],
        {2.0: 16.95, 4.0: 16.82, 4.4: 17.48, 4.8: 18.97, 5.2: 22.02, 5.6: 28.96, 6.0: 41.23}),
    "single, max-min, space sharing": ("single", ["--policy", "max_min_packed"],
        {2.0: 18.26, 4.0: 16.96, 4.4: 17.78, 4.8: 18.67, 5.2: 19.14, 5.6: 19.64, 6.0: 20.42}),
    "single, finish-time fairness, agnostic": ("single", ["--policy", "ftf", "--agnostic"],
        {2.0: 23.47, 4.0: 23.43, 4.4: 23.75, 4.8: 34.93, 5.2: 64.46, 5.6: 85.54, 6.0: 109.14}),
    "single, finish-time fairness": ("single", ["--policy", "ftf"],
        {2.0: 17.07, 4.0: 17.57, 4.4: 18.62, 4.8: 20.43, 5.2: 23.38, 5.6: 30.47, 6.0: 43.05}),
    "single, FIFO, agnostic": ("single", ["--policy", "fifo", "--agnostic"],
        {2.0: 18.32, 4.0: 25.38, 4.4: 44.28, 4.8: 99.19, 5.2: 151.67}),
    "single, FIFO": ("single", ["--policy", "fifo"],
        {2.0: 15.45, 4.0: 17.08, 4.4: 18.19, 4.8: 22.24, 5.2: 56.69, 5.6: 104.12, 6.0: 150.04}),
    "single, FIFO, space sharing": ("single", ["--policy", "fifo", "--space-sharing"],
        {2.0: 15.45, 4.0: 17.08, 4.4: 18.18, 4.8: 21.14, 5.2: 38.11, 5.6: 83.40, 6.0: 127.10}),
    "single, AlloX": ("single", ["--policy", "allox"],
        {2.0: 16.93, 4.0: 17.13, 4.4: 18.54, 4.8: 20.92, 5.2: 21.96, 5.6: 25.32}),
    "single, Gandiva": ("single", ["--policy", "gandiva"],
        {2.0: 17.61, 4.0: 18.88, 4.4: 25.65, 4.8: 30.46, 5.2: 34.32, 5.6: 42.54}),
    "multi, max-min, agnostic": ("multi", ["--policy", "max_min_agnostic"],
        {0.2: 25.93, 1.0: 26.10, 2.0: 28.91, 2.2: 30.82, 2.4: 38.71, 2.6: 70.54, 2.8: 169.93}),
    "multi, max-min": ("multi", ["--policy", "max_min_perf"],
        {0.2: 18.55, 1.0: 18.54, 2.0: 21.90, 2.2: 24.61, 2.4: 30.03, 2.6: 36.44, 2.8: 55.78}),
    "multi, max-min, space sharing": ("multi", ["--policy", "max_min_packed"],
        {0.2: 18.72, 1.0: 19.01, 2.0: 20.85, 2.2: 22.89, 2.4: 26.22, 2.6: 30.51, 2.8: 38.25, 3.0: 46.94}),
    "multi, finish-time fairness, agnostic": ("multi", ["--policy", "ftf", "--agnostic"],
        {2.0: 28.87, 2.4: 38.65, 2.6: 64.38}),
    "multi, finish-time fairness": ("multi", ["--policy", "ftf"],
        {2.0: 21.80, 2.4: 27.93, 2.6: 33.90, 2.8: 41.56, 3.0: 52.19}),
    "all at once, multi, makespan": ("multi", ["--policy", "makespan"],
        {100: 161.16, 200: 161.16, 300: 161.16, 400: 161.29, 500: 169.42, 600: 194.99, 700: 244.23}),
    "all at once, multi, makespan, space sharing": ("multi", ["--policy", "makespan", "--space-sharing"],
        {100: 163.6, 200: 163.6, 300: 161.2, 400: 168.5, 500: 168.1, 600: 183.2, 700: 226.2}),
    "all at once, multi, FIFO": ("multi", ["--policy", "fifo", "--agnostic"],
        {100: 182.32, 200: 229.43, 300: 295.56, 400: 350.50, 500: 426.58, 600: 506.23, 700: 619.52}),
    "all at once, multi, Gandiva": ("multi", ["--policy", "gandiva"],
        {100: 166.61, 200: 178.88, 300: 199.87, 400: 224.10, 500: 263.87, 600: 301.28, 700: 347.34}),
    "multi, FIFO, agnostic": ("multi", ["--policy", "fifo", "--agnostic"],
        {2.0: 37.56, 2.4: 129.27, 2.6: 304.76, 2.8: 414.68, 3.0: 537.18}),
    "multi, FIFO": ("multi", ["--policy", "fifo"], {2.0: 27.68, 2.4: 43.94, 2.6: 93.60, 2.8: 204.44, 3.0: 301.75}),
    "multi, FIFO, space sharing": ("multi", ["--policy", "fifo", "--space-sharing"],
        {2.0: 27.34, 2.4: 42.34, 2.6: 82.18}),
    "multi, Gandiva": ("multi", ["--policy", "gandiva"],
        {0.2: 18.55, 1.0: 18.96, 2.0: 25.16, 2.2: 30.02, 2.4: 38.79, 2.6: 60.43}),
}
# The same, means of the seeds 0, 1 and 2.
MEANS = {
    "multi, max-min, agnostic": {0.2: 23.91, 1.0: 24.14, 2.0: 25.22, 2.2: 26.34, 2.4: 36.70, 2.6: 72.43, 2.8: 198.84},
    "multi, max-min": {0.2: 17.29, 1.0: 17.22, 2.0: 18.69, 2.2: 20.53, 2.4: 26.27, 2.6: 32.52, 2.8: 45.97},
    "multi, finish-time fairness, agnostic": {2.4: 38.15, 2.6: 62.09},
    "multi, finish-time fairness": {2.0: 18.63, 2.4: 22.97, 2.6: 28.65, 2.8: 37.05, 3.0: 47.87},
    "multi, FIFO, agnostic": {2.0: 31.08, 2.4: 191.71, 2.6: 348.96, 2.8: 467.02, 3.0: 593.72},
    "multi, FIFO": {2.0: 20.38, 2.4: 39.32, 2.6: 138.03, 2.8: 247.44, 3.0: 345.47},
    "multi, Gandiva": {0.2: 17.29, 1.0: 17.58, 2.0: 20.80, 2.2: 23.94, 2.4: 35.16, 2.6: 57.96},
}
SEEDS = (0, 1, 2)
# Least seconds between two computations of shares: those of the published program, and those of its figures, it seems. A
# round is a little shorter than 360 s, as its steps are whole, so 1000 s and 720 s are both three rounds.
RESETS = (1920, 1000)
# Shares of plait itself: exact, ties by the stated rule, computed whenever jobs have changed, debts kept.
OWN = ["--reset", "0", "--rounds", "owed"]


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    names = sys.argv[3:] or list(TABLES)

    folder = tempfile.TemporaryDirectory()
    streams = {}

    def stream_of(kind, seed):
        if (kind, seed) not in streams:
            streams[kind, seed] = pathlib.Path(folder.name) / f"{kind}{seed}.csv"
            write_stream(data, kind, seed, 20000, streams[kind, seed])
        return streams[kind, seed]

    def once(kind, options, rate, seed):
        at_once = isinstance(rate, int)
        with tempfile.NamedTemporaryFile(suffix=".json") as said:
            subprocess.run(
                [program, "--jobs", stream_of(kind, seed), "--throughputs", data / "simulation_throughputs.json",
                 "--cluster", "v100=36,p100=36,k80=36", "--measure", f"0:{rate}" if at_once else "4000:5000",
                 "--rate", "0" if at_once else str(rate), "--seed", str(seed), "--json", said.name, *options],
                check=True, stdout=subprocess.DEVNULL)
            found = json.load(open(said.name))
            return found["makespan_hours" if at_once else "mean_jct_hours"], found["stream_ended"] and not at_once

    def played(kind, options, rate, seeds):
        all_of_them = [once(kind, options, rate, seed) for seed in seeds]
        ended = "*" if any(one[1] for one in all_of_them) else ""
        return sum(one[0] for one in all_of_them) / len(seeds), ended

    for name in names:
        kind, options, published = TABLES[name]
        rows = [(str(rate), rate, SEEDS if isinstance(rate, int) else (0,), hours) for rate, hours in published.items()]
        rows += [(f"{rate}, mean", rate, SEEDS, hours) for rate, hours in MEANS.get(name, {}).items()]
        print(f"\n{name}\n\n| jobs/h, or jobs | published | 1920 s | | 1000 s | | plait |\n|-:|-:|-:|-:|-:|-:|-:|")
        for label, rate, seeds, hours in rows:
            again = [played(kind, [*options, "--as-published", "--reset", str(r)], rate, seeds) for r in RESETS]
            own = played(kind, [*options, *OWN], rate, seeds)
            cells = [f"{h:.2f}{ended} | {100 * (h / hours - 1):+.1f} %" for h, ended in again]
            print(f"| {label} | {hours:.2f} | " + " | ".join(cells) + f" | {own[0]:.2f}{own[1]} |", flush=True)


if __name__ == "__main__":
    main()
