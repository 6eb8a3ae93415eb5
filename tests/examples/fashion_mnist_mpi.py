#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program fashion_mnist with ranks as threads and as processes: the same layout gives the same losses, accuracy,
memory and digest of the parameters, to the bit, and one process speaks for all.

    fashion_mnist_mpi.py PROGRAM MPIRUN [MPIRUN'S ARGUMENTS...]
"""

import json
import shutil
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


def processes_stop_and_resume(folder, out):
    """30 steps of threads are 13 steps of processes and then 17 of new ones, or of threads, to the bit."""
    layout = "data2_tensor2_pipeline2"
    common = ["--data", folder, "--layout", layout, "--batch", 60, "--micro", 4, "--dtype", "f64"]
    saved, copy = out / "saved", out / "copy"

    def part(name, comm, *more):
        file = out / f"{name}.json"
        done = run(8 if comm == "mpi" else 0, *common, "--epochs", 3, "--comm", comm, "--json", file, *more)
        return json.loads(file.read_text()) if check_run(done, f"the {name} part", file) else None

    whole = part("whole", "threads")
    first = part("first", "mpi", "--checkpoint", saved, "--steps", 13)
    if whole is None or first is None:
        return
    names = sorted(path.name for path in saved.iterdir())
    check(names == ["step-00000013"] and first["losses"] == whole["losses"][:13], f"processes save 13 steps: {names}")
    shutil.copytree(saved, copy)
    for comm, where in (("mpi", saved), ("threads", copy)):
        rest = part(f"rest-{comm}", comm, "--checkpoint", where, "--resume")
        if rest is None:
            return
        check(rest["first_step"] == 13 and rest["losses"] == whole["losses"][13:], f"{comm} go on where processes were")
        check(rest["parameters_digest"] == whole["parameters_digest"], f"{comm} come to the same parameters")
    for path in (saved / "step-00000030").iterdir():
        if path.suffix == ".safetensors":
            path.write_bytes(path.read_bytes()[:-1])
    broken = run(8, *common, "--comm", "mpi", "--checkpoint", saved, "--resume", "--epochs", 4)
    # 2 where the file was read, and 1 on ranks that were stopped because of it: mpirun gives one of them.
    check(broken.returncode in (1, 2) and "shard-00000.safetensors has" in broken.stderr,
          f"a piece cut short is named by processes: {broken.returncode}, {broken.stderr[-600:]}")


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
        processes_stop_and_resume(folder, out)
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
