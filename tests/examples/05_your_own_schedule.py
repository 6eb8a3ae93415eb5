#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""05_your_own_schedule prints the table of docs/add_a_schedule.md, and learns.

    05_your_own_schedule.py PROGRAM
"""

import pathlib
import re
import subprocess
import sys


def main():
    found = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=120)
    page = pathlib.Path(__file__).parents[2] / "docs" / "add_a_schedule.md"
    table = re.search(r"```text\n(.*?)```", page.read_text(), re.DOTALL).group(1)
    assert found.returncode == 0 and table in found.stdout, found.stdout + found.stderr
    losses = [float(one) for one in re.findall(r"^epoch \d   loss ([\d.]+)$", found.stdout, re.MULTILINE)]
    assert len(losses) == 4 and losses[-1] < 0.1, losses
    assert subprocess.run([sys.argv[1], "--rubbish"], capture_output=True).returncode == 2


main()
