#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the command that docs/launch.md gives for a launcher, with a program that prints the place of each rank.

    launchers.py (plain | mpirun | srun | torchrun) PROGRAM REPOSITORY

Exit status 77 where the launcher is not installed. For srun a cluster of two nodes is started on this machine, in a
folder of the test's own, which needs root. Where there is no torchrun, its variables are set by hand.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from slurm_cluster import Skip, SlurmCluster, free_port  # noqa: E402

LINE = re.compile(r"rank (\d+) of (\d+), local rank (\d+), by ([\w ]+), rank 0 at (\S+) port (\d+), job '(.*)', id (\w+)")


def command_of(launcher, program, repository):
    """The line of docs/launch.md that begins so, with the program put in."""
    text = (repository / "docs" / "launch.md").read_text()
    begin = {"plain": "scripts/launch.sh"}.get(launcher, launcher)
    lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
    found = [line for line in lines if line.startswith(begin + " ") and line.endswith("./06_launch")]
    assert len(found) == 1, f"docs/launch.md has {len(found)} commands that begin with {begin}"
    words = found[0].split()
    words[-1] = program
    if words[0].startswith("scripts/"):
        words[0] = str(repository / words[0])
    return words


def run(words, variables=None, timeout=120):
    clean = {name: value for name, value in os.environ.items() if not re.match(r"(SLURM|OMPI|PMIX?)_", name)}
    for name in "RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT PLAIT_SECRET".split():
        clean.pop(name, None)
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout, env=clean | (variables or {}))


def check(found, size, by):
    """Every rank printed its place once, and all have the same id."""
    rows = LINE.findall(found.stdout)
    told = found.stdout + found.stderr
    assert found.returncode == 0, f"exit status {found.returncode}:\n{told}"
    assert sorted(int(row[0]) for row in rows) == list(range(size)), told
    assert {int(row[1]) for row in rows} == {size} and {row[3] for row in rows} == {by}, told
    assert len({row[7] for row in rows}) == 1 and rows[0][7] != "00000000", told
    assert len({row[4:7] for row in rows}) == 1, told
    return sorted((int(row[0]), int(row[2]), row[4], row[6]) for row in rows)


def plain(program, repository):
    rows = check(run(command_of("plain", program, repository), {"MASTER_PORT": str(free_port())}), 4, "torchrun")
    assert [row[1] for row in rows] == [0, 1, 2, 3], rows
    # A failure ends the others, and its status is the whole's.
    words = command_of("plain", program, repository)[:2] + ["sh", "-c", "[ $RANK != 2 ] || exit 9; sleep 60"]
    begin = time.monotonic()
    assert run(words).returncode == 9 and time.monotonic() - begin < 20
    assert run(words[:1] + ["none", "true"]).returncode == 2
    # One rank with another secret: both sides say why, within their deadline, and nobody hangs.
    split = 'if [ "$RANK" = 1 ]; then export PLAIT_SECRET=other; fi; exec "$0" --deadline 1'
    wrong = run(words[:1] + ["2", "sh", "-c", split, program], {"MASTER_PORT": str(free_port())})
    assert wrong.returncode == 1, wrong
    assert "it does not know this job's secret" in wrong.stderr, wrong.stderr
    # By hand, with options alone.
    words = [program, "--size", "2", "--address", "127.0.0.1", "--port", str(free_port())]
    other = subprocess.Popen(words + ["--rank", "1"], stdout=subprocess.PIPE, text=True)
    first = run(words + ["--rank", "0"])
    first.stdout += other.communicate(timeout=60)[0]
    check(first, 2, "arguments")


def mpirun(program, repository):
    if not shutil.which("mpirun"):
        raise Skip("mpirun is not installed (Debian, Ubuntu: openmpi-bin)")
    # Root in a container, and more ranks than cores, are allowed by these; a user has no need of them.
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    words = command_of("mpirun", program, repository)
    version = run(["mpirun", "--version"]).stdout
    by = "Open MPI" if "Open MPI" in version else "PMI"
    if by == "Open MPI":
        words.insert(1, "--oversubscribe")
    clean_run = subprocess.run(words, capture_output=True, text=True, timeout=120, env=os.environ | allowed)
    rows = check(clean_run, 4, by)
    assert [row[1] for row in rows] == [0, 1, 2, 3] and rows[0][2] == "127.0.0.1", rows


def torchrun(program, repository):
    words = command_of("torchrun", program, repository)
    if not shutil.which("torchrun"):
        print("torchrun is not installed; its variables are set by hand")
        port, ranks = free_port(), []
        for rank in range(4):
            variables = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 4, "LOCAL_WORLD_SIZE": 4, "MASTER_PORT": port,
                         "MASTER_ADDR": "localhost", "TORCHELASTIC_RUN_ID": "by hand", "TORCHELASTIC_RESTART_COUNT": 1,
                         "TORCHELASTIC_USE_AGENT_STORE": "False"}
            text = {name: str(value) for name, value in variables.items()}
            ranks.append(subprocess.Popen([program], stdout=subprocess.PIPE, text=True, env=os.environ | text))
        told = "".join(rank.communicate(timeout=60)[0] for rank in ranks)
        check(subprocess.CompletedProcess([], max(rank.returncode for rank in ranks), told, ""), 4, "torchrun")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = run(words)
        if "'NoneType' object has no attribute 'get'" in found.stderr:
            # torch 1.13 with Python 3.11 starts processes only if their output goes through files.
            found = run(words[:1] + ["--redirects", "1", "--tee", "1", "--log_dir", folder] + words[1:])
        rows = check(found, 4, "torchrun")
    assert [row[1] for row in rows] == [0, 1, 2, 3] and rows[0][3].endswith(".0"), rows


def srun(program, repository):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        with SlurmCluster(folder, {"v1": {}, "v2": {}}, tools=["srun"]) as cluster:
            variables = cluster.environment
            words = command_of("srun", program, repository)
            rows = check(run(words[:1] + ["--nodes=1"] + words[1:], variables), 4, "Slurm")
            assert [row[1] for row in rows] == [0, 1, 2, 3] and rows[0][2] == "127.0.0.1", rows
            # On two nodes rank 0 is on the first; the names of these nodes are known to Slurm alone.
            placed = run(words[:1] + ["--nodes=2", "--ntasks-per-node=2"] + words[1:] + ["--place"], variables)
            told = LINE.findall(placed.stdout)
            assert {row[4] for row in told} == {"v1"} and sorted(row[2] for row in told) == list("0011"), placed
            rows = check(run(words[:1] + ["--nodes=2", "--ntasks-per-node=2"] + words[1:],
                             variables | {"MASTER_ADDR": "127.0.0.1"}), 4, "Slurm")
            assert [row[1] for row in rows] == [0, 1, 0, 1] and rows[0][3].count(".") == 1, rows


def main():
    launcher, program, repository = sys.argv[1:]
    try:
        {"plain": plain, "mpirun": mpirun, "srun": srun, "torchrun": torchrun}[launcher](
            os.path.abspath(program), pathlib.Path(repository).resolve())
    except Skip as reason:
        print(f"skipped: {reason}")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
