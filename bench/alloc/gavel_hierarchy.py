#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills the published example of a hierarchy and prints the levels beside the published ones.

    gavel_hierarchy.py SHARE_CLUSTER DATA_FOLDER

18 jobs of 3 entities of weights 1, 2, 3 on 3 + 3 + 3 workers; priorities 1, 2, 1, 2, ... inside. DATA_FOLDER holds
simulation_throughputs.json and generated/job_types.csv. Source: figure 11 of Narayanan et al., OSDI 2020, and the notebook
published with it, which draws rates with the generator of Python's standard library, seed 0: three numbers for each job,
the largest for the fastest type, or a kind of job for each.
"""

import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

TYPES = ["k80", "p100", "v100"]
# Levels of the first and second job of each entity, which the others repeat.
PUBLISHED = {
    ("drawn", False): [0.201, 0.402, 0.402, 0.805, 0.604, 1.207],
    ("drawn", True): [0.167, 0.333, 0.333, 0.667, 0.5, 1.0],
    ("measured", False): [0.194, 0.387, 0.387, 0.775, 0.581, 1.162],
    ("measured", True): [0.167, 0.333, 0.333, 0.667, 0.5, 1.0],
}


def example(rates, data):
    random.seed(0)
    measured = json.load(open(data / "simulation_throughputs.json"))
    models = [row["model"] for row in csv.DictReader(open(data / "generated/job_types.csv"))]
    throughput = []
    for _ in range(18):
        if rates == "drawn":
            throughput.append(sorted(random.random() for _ in TYPES))
        else:
            model = random.choice(models)
            throughput.append([measured[name][f"('{model}', 1)"]["null"] for name in TYPES])
    return {
        "worker_types": TYPES, "num_workers": [3, 3, 3], "throughput": throughput,
        "priority": [1 + i % 2 for i in range(18)],
        "entities": [{"weight": e + 1, "policy": "fairness", "jobs": list(range(6 * e, 6 * e + 6))} for e in range(3)],
    }


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    print("| rates | scheduler | | 1, priority 1 | 1, 2 | 2, 1 | 2, 2 | 3, 1 | 3, 2 |\n|-|-|-|-:|-:|-:|-:|-:|-:|")
    for (rates, agnostic), published in PUBLISHED.items():
        with tempfile.NamedTemporaryFile("w", suffix=".json") as asked, tempfile.NamedTemporaryFile(suffix=".json") as said:
            json.dump(example(rates, data), asked)
            asked.flush()
            options = ["--agnostic"] if agnostic else []
            subprocess.run([program, asked.name, "--policy", "hierarchical", "--json", said.name, *options], check=True,
                           stdout=subprocess.DEVNULL)
            levels = json.load(open(said.name))["levels"]
        for e in range(3):
            assert all(abs(levels[6 * e + i] - levels[6 * e + i % 2]) < 1e-6 for i in range(6)), "unequal in an entity"
        ours = [levels[6 * e + i] for e in range(3) for i in range(2)]
        who = "agnostic" if agnostic else "aware"
        for name, row in (("published", published), ("plait", ours)):
            print(f"| {rates} | {who} | {name} | " + " | ".join(f"{level:.3f}" for level in row) + " |")


if __name__ == "__main__":
    main()
