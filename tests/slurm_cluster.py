# SPDX-License-Identifier: Apache-2.0
"""A Slurm cluster of a test's own, on this machine."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time


class Skip(Exception):
    """Why a test cannot run here."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class SlurmCluster:
    """munged, slurmctld and a slurmd for each of some nodes of this machine, with keys, ports and folders of their own.

    folder: where all of it lies.   nodes: {name: {} or {gpu type: how many}}.   tools: Slurm's commands that the test
    uses.   settings: more lines of slurm.conf.   `environment` leads there. Throws Skip where there is no Slurm or no root.
    """

    def __init__(self, folder, nodes, tools=(), settings=()):
        self.folder, self.nodes, self.started = folder, nodes, {}
        self.tools = {name: shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
                      for name in ("munged", "slurmctld", "slurmd", "sinfo", *tools)}
        missing = [name for name, path in self.tools.items() if path is None]
        if missing:
            raise Skip(f"{', '.join(missing)}: not installed (Debian, Ubuntu: slurm-wlm munge)")
        if os.geteuid() != 0:
            raise Skip("a Slurm cluster of one's own needs root")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
        self.environment["SLURM_CONF"] = str(folder / "slurm.conf")
        host = socket.gethostname().split(".")[0]
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        lines, gres, device = [], [], 0
        for name, gpus in nodes.items():
            words = [f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=8"]
            for kind, count in gpus.items():
                words.append(f"Gres=gpu:{kind}:{count}")
                # Any character devices do for GPUs that nobody opens.
                gres.append(f"NodeName={name} Name=gpu Type={kind} File=/dev/tty[{device}-{device + count - 1}]")
                device += count
            lines.append(" ".join(words))
            (folder / f"spool.{name}").mkdir()
        (folder / "state").mkdir()
        if gres:
            (folder / "gres.conf").write_text("\n".join(gres) + "\n")
            settings = ["GresTypes=gpu", *settings]
        (folder / "slurm.conf").write_text("\n".join([f"""ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2""", *settings, *lines, "PartitionName=all Nodes=ALL Default=YES State=UP OverSubscribe=YES"]) + "\n")

    def start(self, name, *words):
        log = open(self.folder / f"{name}.out", "a")
        self.started[name] = subprocess.Popen(words, stdout=log, stderr=log, env=self.environment, cwd=self.folder,
                                              preexec_fn=die_with_parent)

    def start_node(self, name):
        self.start(name, self.tools["slurmd"], "-D", "-N", name, "-f", self.environment["SLURM_CONF"])

    def crash_node(self, name, jobs):
        """What the machine of that node would look like after its power failed; `jobs`: those that ran there."""
        self.started[name].kill()
        self.started.pop(name).wait()
        for step in (True, False):  # who watches first, or it would tell how its job ended
            for path in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if int(path.name) == os.getpid():
                        continue
                    said = (path / "cmdline").read_bytes().decode(errors="replace")
                    own = (path / "environ").read_bytes().split(b"\0")
                    if f"SLURM_CONF={self.environment['SLURM_CONF']}".encode() in own and any(
                        said.startswith(f"slurmstepd: [{job}.") if step else f"SLURM_JOB_ID={job}".encode() in own
                        for job in jobs
                    ):
                        os.kill(int(path.name), signal.SIGKILL)

    def start_controller(self):
        self.start("slurmctld", self.tools["slurmctld"], "-D", "-f", self.environment["SLURM_CONF"])

    def stop(self, *names):
        ending = [self.started.pop(name) for name in names]
        for one in ending:
            one.terminate()
        for one in ending:
            try:
                one.wait(3)  # a slurmd that has no slurmctld may wait for it much longer
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def run(self, *words, timeout=60, **how):
        return subprocess.run([self.tools.get(words[0], words[0]), *map(str, words[1:])], capture_output=True, text=True,
                              env=self.environment, cwd=self.folder, timeout=timeout, **how)

    def logs(self):
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}"
                         for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*.out")]))

    def __enter__(self):
        try:
            self.start("munged", self.tools["munged"], "--foreground", "--key-file", self.folder / "munge.key",
                       "--socket", self.folder / "munge.socket", "--pid-file", self.folder / "munged.pid",
                       "--log-file", self.folder / "munged.log", "--seed-file", self.folder / "munged.seed")
            until = time.monotonic() + 60
            while not (self.folder / "munge.socket").exists():
                assert self.started["munged"].poll() is None and time.monotonic() < until, self.logs()
                time.sleep(0.1)
            self.start_controller()
            for name in self.nodes:
                self.start_node(name)
            while self.run("sinfo", "-h", "-N", "-o", "%T").stdout.count("idle") < len(self.nodes):
                assert time.monotonic() < until, self.logs()
                time.sleep(0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop(*reversed(list(self.started)))
        # What slurmd started for jobs carries this cluster's name in its environment.
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0") and int(path.name) != os.getpid():
                    os.kill(int(path.name), signal.SIGKILL)
