#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""03_train learns: its loss falls from that of guessing to nearly nothing.

    03_train.py PROGRAM
"""

import re
import subprocess
import sys


def main():
    found = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=120)
    losses = [float(one) for one in re.findall(r"^step +\d+   loss ([\d.]+)$", found.stdout, re.MULTILINE)]
    assert found.returncode == 0 and len(losses) == 10, found.stdout + found.stderr
    assert losses[0] > 0.3 and losses[-1] < 0.02, losses
    assert subprocess.run([sys.argv[1], "--rubbish"], capture_output=True).returncode == 2


main()
