#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays the published job streams under the published policies and prints them beside the published means.

    gavel_tables.py SIMULATE_CLUSTER DATA_FOLDER [NAME...]

DATA_FOLDER holds simulation_throughputs.json and generated/continuous_{single,multi}_seed0.csv. Times are hours of
mean completion time of jobs 4000 .. 4999 on 36 V100, 36 P100, 36 K80. NAME: tables to play, all if none.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

# From the notebooks published with Narayanan et al., OSDI 2020, seed 0: {rate: hours}.
TABLES = {
    "single, max-min, agnostic": ("single", ["--policy", "max_min_agnostic"],
        {2.0: 23.47, 4.0: 23.49, 4.4: 23.81, 4.8: 35.79, 5.2: 63.78, 5.6: 95.99}),
    "single, max-min": ("single", ["--policy", "max_min_perf"],
        {2.0: 16.95, 4.0: 16.82, 4.4: 17.48, 4.8: 18.97, 5.2: 22.02, 5.6: 28.96, 6.0: 41.23}),
    "single, max-min, space sharing": ("single", ["--policy", "max_min_packed"],
        {2.0: 18.26, 4.0: 16.96, 4.4: 17.78, 4.8: 18.67, 5.2: 19.14, 5.6: 19.64, 6.0: 20.42}),
    "single, finish-time fairness, agnostic": ("single", ["--policy", "ftf", "--agnostic"],
        {2.0: 23.47, 4.0: 23.43, 4.4: 23.75, 4.8: 34.93, 5.2: 64.46, 5.6: 85.54}),
    "single, finish-time fairness": ("single", ["--policy", "ftf"],
        {2.0: 17.07, 4.0: 17.57, 4.4: 18.62, 4.8: 20.43, 5.2: 23.38, 5.6: 30.47}),
    "single, FIFO, agnostic": ("single", ["--policy", "fifo", "--agnostic"],
        {2.0: 18.32, 4.0: 25.38, 4.4: 44.28, 4.8: 99.19, 5.2: 151.67}),
    "single, FIFO": ("single", ["--policy", "fifo"],
        {2.0: 15.45, 4.0: 17.08, 4.4: 18.19, 4.8: 22.24, 5.2: 56.69, 5.6: 104.12}),
    "single, AlloX": ("single", ["--policy", "allox"],
        {2.0: 16.93, 4.0: 17.13, 4.4: 18.54, 4.8: 20.92, 5.2: 21.96, 5.6: 25.32}),
    "multi, max-min, agnostic": ("multi", ["--policy", "max_min_agnostic"],
        {0.2: 25.93, 1.0: 26.10, 2.0: 28.91, 2.2: 30.82, 2.4: 38.71, 2.6: 70.54}),
    "multi, max-min": ("multi", ["--policy", "max_min_perf"],
        {0.2: 18.55, 1.0: 18.54, 2.0: 21.90, 2.2: 24.61, 2.4: 30.03, 2.6: 36.44, 2.8: 55.78}),
    "multi, FIFO": ("multi", ["--policy", "fifo"], {2.0: 27.68, 2.4: 43.94, 2.6: 93.60}),
}
# Shares of plait itself: exact, ties by the stated rule, computed whenever jobs have changed, debts kept.
OWN = ["--reset", "0", "--rounds", "owed"]


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    names = sys.argv[3:] or list(TABLES)

    def mean(stream, options, rate):
        with tempfile.NamedTemporaryFile(suffix=".json") as said:
            subprocess.run(
                [program, "--jobs", data / f"generated/continuous_{stream}_seed0.csv", "--throughputs",
                 data / "simulation_throughputs.json", "--cluster", "v100=36,p100=36,k80=36", "--measure", "4000:5000",
                 "--rate", str(rate), "--json", said.name, *options],
                check=True, stdout=subprocess.DEVNULL)
            found = json.load(open(said.name))
            return found["mean_jct_hours"], found["seconds"]

    for name in names:
        stream, options, published = TABLES[name]
        print(f"\n{name}\n\n| jobs/h | published | as published | | plait | seconds |\n|-:|-:|-:|-:|-:|-:|")
        for rate, hours in published.items():
            again, _ = mean(stream, [*options, "--as-published"], rate)
            own, seconds = mean(stream, [*options, *OWN], rate)
            print(f"| {rate} | {hours:.2f} | {again:.2f} | {100 * (again / hours - 1):+.1f} % | {own:.2f} | {seconds:.1f} |",
                  flush=True)


if __name__ == "__main__":
    main()
