#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""06_launch prints its place alone, and refuses in one sentence what is set by half or cannot be. Several ranks of it are
started by tests/launch/launchers.py.

    06_launch.py PROGRAM
"""

import os
import re
import subprocess
import sys


def run(*arguments, **variables):
    clean = {name: value for name, value in os.environ.items() if not re.match(r"(SLURM|OMPI|PMIX?|MASTER|RANK)", name)}
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=60, env=clean | variables)


def main():
    alone = run()
    assert alone.returncode == 0 and alone.stdout.startswith("rank 0 of 1, local rank 0, by nobody"), alone
    placed = run("--place", RANK="3", WORLD_SIZE="4", MASTER_ADDR="node1", MASTER_PORT="5000")
    assert "rank 3 of 4, local rank 3, by torchrun, rank 0 at node1 port 5000" in placed.stdout, placed
    for words, found in (
        ("RANK is set and WORLD_SIZE is not", run(RANK="1")),
        ("nothing tells where rank 0 is", run("--rank", "1", "--size", "2")),
        ("rank and size belong together", run("--rank", "1")),
        ("deadline_seconds", run("--deadline", "0", "--rank", "1", "--size", "2")),
    ):
        assert found.returncode == 2 and words in found.stderr and found.stdout == "", (words, found)
    late = run("--rank", "1", "--size", "2", "--address", "127.0.0.1", "--port", "9", "--deadline", "0.3")
    assert late.returncode == 1 and "nobody listens there" in late.stderr, late


main()
