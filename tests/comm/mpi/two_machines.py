#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two machines out of one: two network namespaces of their own, joined by a pair of virtual network devices. Needs root
and the program ip; where they are not there, the exit status is 77.

    two_machines.py PROGRAM MPIRUN [MPIRUN'S ARGUMENTS...]      runs four ranks of PROGRAM, two on each machine
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
NETWORK = "10.77.0.0/24"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class TwoMachines:
    """mpirun(...) is the command that starts ranks on both; cut() takes the connection away."""

    def __enter__(self):
        if shutil.which("ip") is None:
            print("skipped: the program ip is not here (Debian, Ubuntu: iproute2)")
            sys.exit(SKIPPED)
        self.names = [f"plait{os.getpid()}{side}" for side in "ab"]
        self.devices = [f"pl{os.getpid()}{side}" for side in "ab"]
        try:
            for name in self.names:
                ip("netns", "add", name)
            ip("link", "add", self.devices[0], "netns", self.names[0], "type", "veth", "peer", "name", self.devices[1],
               "netns", self.names[1])
            for number, (name, device) in enumerate(zip(self.names, self.devices)):
                ip("-n", name, "addr", "add", f"10.77.0.{number + 1}/24", "dev", device)
                ip("-n", name, "link", "set", device, "up")
                ip("-n", name, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as wrong:
            self.__exit__()
            print(f"skipped: no network namespaces can be made here: {wrong}")
            sys.exit(SKIPPED)
        self.folder = tempfile.TemporaryDirectory()
        self.agent = Path(self.folder.name) / "agent.sh"  # in the place of ssh
        self.agent.write_text(f'#!/bin/sh\nshift\nexec ip netns exec {self.names[1]} sh -c "$*"\n')
        self.agent.chmod(0o700)
        return self

    def mpirun(self, mpirun):
        return ["ip", "netns", "exec", self.names[0], *mpirun, "--mca", "plm_rsh_agent", str(self.agent),
                "--mca", "btl", "tcp,self", "--mca", "oob_tcp_if_include", NETWORK,
                "--mca", "btl_tcp_if_include", NETWORK, "--host", "10.77.0.1:2,10.77.0.2:2"]

    def cut(self):
        ip("-n", self.names[0], "link", "set", self.devices[0], "down")

    def __exit__(self, *_):
        for name in self.names:
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
            for pid in pids:  # what was started in a namespace of this test's own
                try:
                    os.kill(int(pid), 9)
                except ProcessLookupError:
                    pass
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


def main():
    with TwoMachines() as machines:
        done = subprocess.run([*machines.mpirun(sys.argv[2:]), "-n", "4", sys.argv[1]], timeout=250)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
