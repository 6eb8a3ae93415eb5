#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes published streams of jobs anew, as long as wanted.

    gavel_stream.py DATA_FOLDER KIND SEED JOBS OUT.csv

KIND: single, jobs of one worker; multi, gangs of 1, 2, 4 and 8; or priorities, such gangs of which a fifth, drawn, has
priority 5.

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


def gang_of(drawn):
    return 8 if drawn >= 0.95 else 4 if drawn > 0.8 else 2 if drawn >= 0.7 else 1


def jobs_of(data, kind, seed, count):
    """Rows of the stream, as text, in the form of DATA_FOLDER/generated/continuous_single_seed0.csv."""
    with open(data / "generated/job_types.csv") as file:
        rows = list(csv.DictReader(file))
    models = [row["model"] for row in rows]
    distributed = [row["may_be_distributed"] == "1" for row in rows]
    rates = json.load(open(data / "simulation_throughputs.json"))["v100"]
    draw, gaps = random.Random(seed + 2), random.Random(seed + 3)
    for job in range(count):
        gang = gang_of(draw.random())
        if kind == "single":
            gang = 1
        low, high = (3, 4) if draw.random() >= 0.8 else (1.5, 3)
        seconds = 60 * 10 ** draw.uniform(low, high)
        model = draw.choice(range(len(models)))
        while gang > 1 and not distributed[model]:
            model = draw.choice(range(len(models)))
        steps = seconds * rates[repr((models[model], gang))]["null"]
        gap = -math.log(1 - gaps.random())
        line = f"{job},{model},{gang},{seconds:.2f},{steps:.3f},{gap:.8f}"
        yield line if kind != "priorities" else f"{line},{5 if draw.random() <= 0.2 else 1}"


def write_stream(data, kind, seed, count, out):
    head = "job_id,type_id,scale_factor,v100_duration_s,total_steps,unit_gap_to_next"
    lines = [head + ",priority" * (kind == "priorities"), *jobs_of(data, kind, seed, count)]
    known = data / f"generated/continuous_{kind}_seed{seed}.csv"
    if known.exists():
        for number, (line, other) in enumerate(zip(lines, known.read_text().splitlines()), 1):
            if line != other:
                sys.exit(f"gavel_stream.py: line {number} would be {line}, but {known} has {other}")
    out.write_text("\n".join(lines) + "\n")
    types = out.parent / "job_types.csv"
    if not types.exists():
        shutil.copy(data / "generated/job_types.csv", types)


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[2] not in ("single", "multi", "priorities"):
        sys.exit(__doc__)
    write_stream(pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), pathlib.Path(sys.argv[5]))
