#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""02_schedule prints orders and times that one writes down by hand, and a picture that is well-formed.

    02_schedule.py PROGRAM
"""

import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml


def run(*arguments):
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=60)


def main():
    found = run()
    for line in (
        "rank 1  F0 F1 F2 B0 F3 B1 F4 B2 F5 B3 F6 B4 F7 B5 B6 B7",
        "rank 2  ..01..aa2bb3cc4dd5ee6ff7gg.hh....  keeps 2",
        "33 units of time, of which 27.3 % are spent waiting",
    ):
        assert line in found.stdout.split("\n"), (line, found.stdout)
    with tempfile.TemporaryDirectory() as folder:
        picture = pathlib.Path(folder) / "step.svg"
        found = run("--schedule", "interleaved2", "--micro", "5", "--svg", str(picture))
        assert "39 units of time" in found.stdout, found.stdout
        assert xml.parse(picture).getroot().tag.endswith("svg")
        assert run("--svg", str(pathlib.Path(folder) / "none" / "step.svg")).returncode == 2
    for wrong in (["--schedule", "zb"], ["--micro", "0"]):
        assert run(*wrong).returncode == 2, wrong


main()
