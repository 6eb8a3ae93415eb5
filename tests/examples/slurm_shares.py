#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slurm_shares shares a Slurm cluster that is started here, with declared GPUs and jobs of seconds.

    slurm_shares.py PROGRAM

The jobs write down when and where they run; what they write is the evidence. Meanwhile the program and slurmctld are
started anew. Exit status 77 where there is no Slurm, or no root to start munged and slurmd.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

NOBODY = dict(user=65534, group=65534, extra_groups=[])
NODES = {"a1": ("v100", 2), "a2": ("v100", 1), "b1": ("k80", 2)}
LIMIT = 300  # seconds for all
ROUND = 4

JOB = """#!/bin/bash
# Writes where it runs, and every fifth of a second that it does.
out="$1/$SLURM_JOB_ID"
say() { echo "$1 $EPOCHREALTIME $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES $UID" >> "$out"; }
trap 'say stop; exit 0' TERM
say start
for ((i = 0; i < 1500; i++)); do
  if [[ -e $1/finish ]]; then say end; exit 0; fi
  if [[ ! -e $1/alive ]]; then exit 1; fi
  sleep 0.2
  say tick
done
"""

THROUGHPUTS = [
    {"model": "big", "gang": 1, "steps_per_second": {"v100": 40, "k80": 8}},
    {"model": "small", "gang": 1, "steps_per_second": {"v100": 12, "k80": 9}},
    {"model": "big", "gang": 2, "steps_per_second": {"v100": 70, "k80": 14}},
    {"model": "big", "gang": 3, "steps_per_second": {"v100": 100}},
]


class Skip(Exception):
    pass


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Cluster:
    """munged, slurmctld and a slurmd for each of some nodes of this machine."""

    def __init__(self, folder):
        self.folder = folder
        self.tools = {name: shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
                      for name in "munged slurmctld slurmd sbatch squeue scontrol sinfo scancel".split()}
        missing = [name for name, path in self.tools.items() if path is None]
        if missing:
            raise Skip(f"{', '.join(missing)}: not installed (Debian, Ubuntu: slurm-wlm munge)")
        if os.geteuid() != 0:
            raise Skip("a Slurm cluster of one's own needs root")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
        self.environment["SLURM_CONF"] = str(folder / "slurm.conf")
        self.started = {}
        host = socket.gethostname().split(".")[0]
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        lines, gres, device = [], [], 0
        for name, (kind, count) in NODES.items():
            lines.append(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs=8 "
                         f"Gres=gpu:{kind}:{count}")
            # Any character devices do for GPUs that nobody opens.
            gres.append(f"NodeName={name} Name=gpu Type={kind} File=/dev/tty[{device}-{device + count - 1}]")
            device += count
            (folder / f"spool.{name}").mkdir()
        (folder / "state").mkdir()
        (folder / "gres.conf").write_text("\n".join(gres) + "\n")
        (folder / "slurm.conf").write_text(f"""ClusterName=test
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
GresTypes=gpu
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
KillWait=2
MessageTimeout=3
SchedulerParameters=sched_interval=1,bf_interval=1
{chr(10).join(lines)}
PartitionName=all Nodes=ALL Default=YES State=UP
""")

    def start(self, name, *words):
        log = open(self.folder / f"{name}.out", "a")
        self.started[name] = subprocess.Popen(words, stdout=log, stderr=log, env=self.environment, cwd=self.folder,
                                              preexec_fn=die_with_parent)

    def start_controller(self):
        self.start("slurmctld", self.tools["slurmctld"], "-D", "-f", self.environment["SLURM_CONF"])

    def stop(self, name):
        one = self.started.pop(name)
        one.terminate()
        try:
            one.wait(20)
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
            for name in NODES:
                self.start(name, self.tools["slurmd"], "-D", "-N", name, "-f", self.environment["SLURM_CONF"])
            while self.run("sinfo", "-h", "-N", "-o", "%T").stdout.count("idle") < len(NODES):
                assert time.monotonic() < until, self.logs()
                time.sleep(0.2)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        (self.folder / "out" / "alive").unlink(missing_ok=True)  # whatever runs then ends by itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            if "slurmctld" in self.started:
                self.run("scancel", "-f", "-s", "KILL", "--user=nobody", timeout=15)
        for name in reversed(list(self.started)):
            self.stop(name)
        # What slurmd started for jobs carries this cluster's name in its environment.
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0") and int(path.name) != os.getpid():
                    os.kill(int(path.name), signal.SIGKILL)

    def submit(self, comment, *options):
        done = self.run("sbatch", "--parsable", "--chdir=/", "--output=/dev/null", "--comment", comment, *options,
                        self.folder / "job.sh", self.folder / "out", **NOBODY)
        assert done.returncode == 0, done
        return int(done.stdout.split(";")[0])

    def jobs(self):
        return {one["job_id"]: one for one in json.loads(self.run("squeue", "--json").stdout)["jobs"]}


def spans(folder, job):
    """Of each time that a job ran: begin, end, node, GPUs; and whether it came to its end."""
    made, has_ended = [], 0
    path = folder / "out" / str(job)
    for line in path.read_text().splitlines() if path.exists() else []:
        word, when, node, gpus, uid = line.split(" ")
        assert int(uid) == 65534, line
        if word == "start":
            made.append([float(when), float(when), node, gpus.split(",")])
        assert made and made[-1][2:] == [node, gpus.split(",")], line
        made[-1][1] = float(when)
        has_ended += word == "end"
    return made, has_ended


def check_apart(folder, jobs):
    """No GPU is with two jobs at a time."""
    by_gpu = {}
    for job in jobs:
        for begin, end, node, gpus in spans(folder, job)[0]:
            for gpu in gpus:
                by_gpu.setdefault((node, gpu), []).append((begin, end, job))
    for gpu, uses in by_gpu.items():
        uses.sort()
        for (_, end, one), (begin, _, other) in zip(uses, uses[1:]):
            assert begin >= end, f"jobs {one} and {other} had GPU {gpu} at once, from {begin} to {end}"
    assert len(by_gpu) == sum(count for _, count in NODES.values()), by_gpu.keys()  # all were used
    return sum(len(uses) for uses in by_gpu.values())


def self_dump(cluster):
    made = [(i, j["job_state"], j["nodes"], j["gres_detail"], j["state_reason"]) for i, j in cluster.jobs().items()]
    return made, cluster.run("sinfo", "-h", "-N", "-O", "NodeList,GresUsed:50,StateLong").stdout, (cluster.folder / "slurmctld.out").read_text()


def share(cluster, program):
    folder = cluster.folder
    state, said = folder / "shares.json", folder / "said.json"
    jobs = {
        cluster.submit("plait: model=big; weight=2", "--hold", "--requeue", "--gpus=1"): 1,
        cluster.submit("plait: model=big", "--hold", "--requeue", "--gpus=1"): 1,
        cluster.submit("plait: model=small", "--hold", "--requeue", "--gpus=1"): 1,
        cluster.submit("plait: model=small", "--requeue", "--gres=gpu:1"): 1,  # not held
        cluster.submit("plait: model=big", "--hold", "--requeue", "--gres=gpu:2"): 2,  # in one node
        cluster.submit("plait: model=small", "--hold", "--requeue", "--gres=gpu:k80:1"): 1,  # it names a type
    }
    words = [program, "--policy", "max_min_perf", "--throughputs", folder / "throughputs.json", "--round", ROUND,
             "--state", state, "--json", said]

    # What it would do, and that it does not do it.
    before = cluster.jobs()
    dry = cluster.run(*words, "--dry-run")
    assert dry.returncode == 0 and "scontrol release" in dry.stdout and not state.exists(), dry
    assert {i: j["job_state"] for i, j in before.items()} == {i: j["job_state"] for i, j in cluster.jobs().items()}

    def begin():
        log = open(folder / "shares.out", "a")
        return subprocess.Popen([*map(str, words)], stdout=log, stderr=log, env=cluster.environment, cwd=folder,
                                preexec_fn=die_with_parent)

    def told():
        return (folder / "shares.out").read_text()

    began = time.time()
    runs = begin()
    try:
        time.sleep(4.5 * ROUND)
        twice = cluster.run(*words)
        assert twice.returncode == 2 and "in use by another slurm_shares" in twice.stderr, twice
        assert runs.poll() is None, told()
        runs.send_signal(signal.SIGTERM)
        assert runs.wait(30) == 0, told()
        kept = {i for i, j in cluster.jobs().items() if j["job_state"] == "RUNNING"}
        assert len(kept) >= 2, (kept, told())  # to end it stops nobody
        runs = begin()
        time.sleep(4 * ROUND)
        assert runs.poll() is None, told()
        runs.kill()  # without a word
        runs.wait()
        runs = begin()
        time.sleep(3 * ROUND)
        cluster.stop("slurmctld")
        time.sleep(2)
        cluster.start_controller()
        time.sleep(4.5 * ROUND + 9)
        print(self_dump(cluster))
        assert runs.poll() is None, told()
        assert "Slurm does not answer" in told() and "Slurm answers again" in told(), told()
        ended = time.time()
        runs.send_signal(signal.SIGTERM)
        assert runs.wait(30) == 0, told()
    finally:
        if runs.poll() is None:
            runs.kill()
        runs.wait()

    books = {one["id"]: one for one in json.loads(said.read_text())["jobs"]}
    assert set(books) == set(jobs), books
    kind = {name: of for name, (of, _) in NODES.items()}
    had = {}
    for job in jobs:
        for first, last, node, _ in spans(folder, job)[0]:
            had[job, kind[node]] = had.get((job, kind[node]), 0) + last - first
    return books, jobs, had, began, ended, told()


def main():
    def out_of_time(*_):
        raise TimeoutError(f"the test took more than {LIMIT} s")

    def ended(number, _):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGALRM, out_of_time)
    signal.signal(signal.SIGTERM, ended)
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        (folder / "out" / "alive").touch()
        (folder / "job.sh").write_text(JOB)
        (folder / "job.sh").chmod(0o755)
        (folder / "throughputs.json").write_text(json.dumps(THROUGHPUTS))
        program = shutil.copy(sys.argv[1], folder / "slurm_shares")
        with Cluster(folder) as cluster:
            try:
                books, jobs, had, began, ended, told = share(cluster, program)
                for job in jobs:
                    print(job, {k: round(v, 1) for k, v in books[job]["due"].items()}, {k: round(v, 1) for k, v in books[job]["received"].items()},
                      {k[1]: round(v, 1) for k, v in had.items() if k[0] == job}, books[job]["owed"])
                print(told, ended - began)
                print(check_apart(folder, jobs))
            except BaseException:
                print(cluster.logs(), file=sys.stderr)
                raise


if __name__ == "__main__":
    try:
        main()
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
