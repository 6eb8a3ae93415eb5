#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program fashion_mnist with ranks as threads and as processes: the same layout gives the same losses, accuracy,
memory and digest of the parameters, to the bit, and one process speaks for all.

    fashion_mnist_mpi.py PROGRAM MPIRUN [MPIRUN'S ARGUMENTS...]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # in the folder of the sources
from fashion_mnist import FAILURES, PROGRAM, check, make_data

MPIRUN = sys.argv[2:]


def run(processes, *arguments):
    start = [*MPIRUN, "-n", str(processes)] if processes else []
    return subprocess.run([*start, PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def same_under_both(folder, out, layout, ranks, *more):
    common = ["--data", folder, "--layout", layout, "--batch", 60, "--micro", 4, *more]
    found = {}
    for comm, processes in (("threads", 0), ("mpi", ranks)):
        file = out / f"{layout}-{comm}.json"
        picture = out / f"{layout}-{comm}.svg"
        done = run(processes, *common, "--epochs", 3, "--comm", comm, "--json", file, "--timeline", picture)
        if not check_run(done, f"{layout} with {comm} {more}", file):
            return
        check(done.stdout.count("samples per second") == 1, f"{layout} with {comm}: one process reports: {done.stdout}")
        check(done.stderr.count("epoch  3") == 1, f"{layout} with {comm}: one process shows progress: {done.stderr}")
        check("<svg" in picture.read_text(), f"{layout} with {comm}: the timeline is drawn")
        found[comm] = json.loads(file.read_text())
    threads, mpi = found["threads"], found["mpi"]
    check(len(mpi["losses"]) == 30 and mpi["losses"][-1] < mpi["losses"][0], f"{layout}: it learns")
    for key in ("losses", "test_accuracy", "parameters_digest", "memory_bytes", "ranks", "layout"):
        check(threads[key] == mpi[key], f"{layout} {more}: {key} is the same: {threads[key]} and {mpi[key]}")
    check(mpi["step_seconds"]["measured"] > 0, f"{layout}: steps of processes are measured")


def check_run(done, what, file):
    check(done.returncode == 0, f"{what} ends with 0: {done.stderr[-800:]}")
    return done.returncode == 0 and file.exists()


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "data", Path(scratch) / "out"
        folder.mkdir()
        out.mkdir()
        make_data(folder)
        same_under_both(folder, out, "data2_tensor2_pipeline2", 8)
        same_under_both(folder, out, "data2_pipeline4_gpipe", 8, "--dtype", "f64")
        same_under_both(folder, out, "data2", 2, "--seed", 3)
        compared = run(2, "--data", folder, "--layout", "tensor2", "--batch", 60, "--epochs", 1, "--comm", "mpi",
                       "--compare-serial")
        check(compared.returncode == 0 and compared.stdout.count("agree to") == 1, "--compare-serial compares once")
        wrong = run(3, "--data", folder, "--layout", "data2", "--batch", 60, "--comm", "mpi")
        check(wrong.returncode == 2 and "there are 2 ranks to run and 3 processes" in wrong.stderr,
              f"another number of processes is refused: {wrong.returncode}, {wrong.stderr}")
    print(f"{len(FAILURES)} failures")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
