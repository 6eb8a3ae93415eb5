#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which axis to put across a slow link: two machines of two ranks each (two_machines.py), joined by 40 Mbit/s and, where
the kernel has netem, half a millisecond. A model of large layers and small batches should have its pipeline across the
link, one of small layers and large batches its data axis. The order of the measured steps must be that of the predicted.

    slow_link.py PROGRAM MPIRUN [MPIRUN'S ARGUMENTS...]      exit status 77 where there are no namespaces or no tc
"""

import subprocess
import sys

from two_machines import SKIPPED, TwoMachines

MEGABITS = 40
LATENCY = 0.0005
MODELS = {"large layers, small batches": (384, 32), "small layers, large batches": (48, 4096)}
# Ranks go pipeline slowest: filled machine by machine, the pipeline crosses; dealt out in turn, the data axis does.
PLACING = {"pipeline": ["--map-by", "slot"], "data": ["--map-by", "node"]}


def limit(machines):
    """Limits both directions of the link; returns its latency, or nothing where there is no tc that can."""
    for kind, latency in ((["netem", "delay", f"{LATENCY * 1000}ms", "rate", f"{MEGABITS}mbit"], LATENCY),
                          (["tbf", "rate", f"{MEGABITS}mbit", "burst", "16kb", "latency", "500ms"], 0.0001)):
        try:
            for name, device in zip(machines.names, machines.devices):
                subprocess.run(["tc", "-n", name, "qdisc", "replace", "dev", device, "root", *kind], check=True,
                               capture_output=True)
            return latency
        except (OSError, subprocess.CalledProcessError):
            continue
    return None


def main():
    program, mpirun = sys.argv[1], sys.argv[2:]
    wrong = 0
    with TwoMachines() as machines:
        latency = limit(machines)
        if latency is None:
            print("skipped: tc can limit no link here")
            return SKIPPED
        for model, (width, batch) in MODELS.items():
            seconds = {}
            for axis, placing in PLACING.items():
                said = subprocess.run(
                    [*machines.mpirun(mpirun), *placing, "-n", "4", program, axis, str(width), str(batch),
                     str(MEGABITS * 1e6 / 8), str(latency)], capture_output=True, text=True, timeout=200)
                if said.returncode != 0:
                    print(said.stdout, said.stderr)
                    return 1
                seconds[axis] = [float(word) for word in said.stdout.split()]
                print(f"{model}, {axis} across the link: measured {1000 * seconds[axis][0]:.1f} ms, "
                      f"predicted {1000 * seconds[axis][1]:.1f} ms")
            faster = [min(seconds, key=lambda axis: seconds[axis][which]) for which in (0, 1)]
            print(f"{model}: the {faster[0]} axis is better across the link, predicted {faster[1]}")
            wrong += faster[0] != faster[1]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
