#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes published streams of single-worker jobs anew, as long as wanted.

    gavel_stream.py DATA_FOLDER SEED JOBS OUT.csv

The published simulator lets jobs arrive until those that are measured have ended. DATA_FOLDER/generated has the first
8000 jobs of some streams, and near saturation they are not enough: then the last of the measured jobs have the cluster to
themselves. The numbers are those of Python's random module, drawn in the published order: seed + 2 for jobs, seed + 3
for gaps. Where DATA_FOLDER has the stream, its jobs must be the first of this one, or nothing is written. OUT.csv needs
job_types.csv beside it, which is copied there.
"""

import csv
import json
import math
import pathlib
import random
import shutil
import sys


def jobs_of(data, seed, count):
    """Rows of the stream, as text, in the form of DATA_FOLDER/generated/continuous_single_seed0.csv."""
    with open(data / "generated/job_types.csv") as file:
        models = [row["model"] for row in csv.DictReader(file)]
    rates = json.load(open(data / "simulation_throughputs.json"))["v100"]
    draw, gaps = random.Random(seed + 2), random.Random(seed + 3)
    for job in range(count):
        draw.random()  # would choose the gang
        low, high = (3, 4) if draw.random() >= 0.8 else (1.5, 3)
        seconds = 60 * 10 ** draw.uniform(low, high)
        kind = draw.choice(range(len(models)))
        steps = seconds * rates[repr((models[kind], 1))]["null"]
        gap = -math.log(1 - gaps.random())
        yield f"{job},{kind},1,{seconds:.2f},{steps:.3f},{gap:.8f}"


def write_stream(data, seed, count, out):
    lines = ["job_id,type_id,scale_factor,v100_duration_s,total_steps,unit_gap_to_next", *jobs_of(data, seed, count)]
    known = data / f"generated/continuous_single_seed{seed}.csv"
    if known.exists():
        for number, (line, other) in enumerate(zip(lines, known.read_text().splitlines()), 1):
            if line != other:
                sys.exit(f"gavel_stream.py: line {number} would be {line}, but {known} has {other}")
    out.write_text("\n".join(lines) + "\n")
    types = out.parent / "job_types.csv"
    if not types.exists():
        shutil.copy(data / "generated/job_types.csv", types)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    write_stream(pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), pathlib.Path(sys.argv[4]))
