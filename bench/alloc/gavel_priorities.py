#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the published stream with priorities and prints mean completion times of both sorts of jobs, in hours.

    gavel_priorities.py SIMULATE_CLUSTER DATA_FOLDER

Jobs 4000 .. 4999 of the stream of seed 1 with gangs at 2.4 jobs an hour, a fifth of them of priority 5, on 36 V100, 36 P100,
36 K80. DATA_FOLDER as for gavel_tables.py.
"""

import csv
import pathlib
import subprocess
import sys
import tempfile

from gavel_stream import write_stream
from gavel_tables import OWN

# Hours of jobs of priority 5, and of the others.
PUBLISHED = {"max_min_agnostic": (28.46, 54.36), "water_filling": (18.55, 20.18)}
WAYS = {"1920 s": ["--as-published", "--reset", "1920"], "1000 s": ["--as-published", "--reset", "1000"], "plait": OWN}


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        stream, times = folder / "stream.csv", folder / "times.csv"
        write_stream(data, "priorities", 1, 20000, stream)
        with open(stream) as file:
            priority = {row["job_id"]: int(row["priority"]) for row in csv.DictReader(file)}
        print("| policy | | published | " + " | ".join(WAYS) + " |\n| --- | --- |" + " -: |" * (1 + len(WAYS)))
        for policy, published in PUBLISHED.items():
            means = {5: [], 1: []}
            for options in WAYS.values():
                subprocess.run(
                    [program, "--policy", policy, "--jobs", stream, "--throughputs", data / "simulation_throughputs.json",
                     "--cluster", "v100=36,p100=36,k80=36", "--measure", "4000:5000", "--rate", "2.4", "--csv", times,
                     *options], check=True, stdout=subprocess.DEVNULL)
                hours = {5: [], 1: []}
                with open(times) as file:
                    for row in csv.DictReader(file):
                        hours[priority[row["job"]]].append(float(row["jct_s"]) / 3600)
                for one, all_hours in hours.items():
                    means[one].append(sum(all_hours) / len(all_hours))
            for one, hours in zip(means, published):
                print(f"| {policy} | priority {one} | {hours:.2f} | " + " | ".join(f"{h:.2f}" for h in means[one]) + " |",
                      flush=True)


if __name__ == "__main__":
    main()
