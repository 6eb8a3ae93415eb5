#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""04_your_own_layer learns, and learns the same on one rank and on eight.

    04_your_own_layer.py PROGRAM
"""

import re
import subprocess
import sys


def main():
    found = subprocess.run([sys.argv[1]], capture_output=True, text=True, timeout=120)
    rows = re.findall(r"^ +\d+   ([\d.]+)   ([\d.]+)$", found.stdout, re.MULTILINE)
    assert found.returncode == 0 and len(rows) == 8, found.stdout + found.stderr
    for one, eight in rows:
        assert abs(float(one) - float(eight)) < 1e-11, (one, eight)
    assert min(float(one) for one, _ in rows) < 0.1, rows
    gains = found.stdout.split("gains of the first rms_norm:")[1].split()
    assert len(gains) == 24 and len(set(gains)) > 1, gains
    assert subprocess.run([sys.argv[1], "--rubbish"], capture_output=True).returncode == 2


main()
