#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""01_mesh prints each rank once, at its place and in its groups, and refuses what is no layout.

    01_mesh.py PROGRAM
"""

import re
import subprocess
import sys


def run(*arguments):
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=60)


def main():
    found = run("--data", "4", "--tensor", "2", "--pipeline", "3", "--fastest", "data")
    rows = re.findall(r"^ *(\d+)  \{data (\d), tensor (\d), pipeline (\d)\} +([\d ]+)$", found.stdout, re.MULTILINE)
    # Data fastest, then tensor, then pipeline.
    wanted = [(rank, rank % 4, rank // 4 % 2, rank // 8) for rank in range(24)]
    assert found.returncode == 0 and [tuple(map(int, row[:4])) for row in rows] == wanted, found.stdout
    assert rows[13][4].split() == ["9", "13", "12", "13", "14", "15", "5", "13", "21"], rows[13]
    for wrong in (["--data", "0"], ["--fastest", "rows"], ["--ranks", "3"]):
        assert run(*wrong).returncode == 2, wrong


main()
