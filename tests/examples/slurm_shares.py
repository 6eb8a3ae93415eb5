#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slurm_shares shares a Slurm cluster that is started here, with declared GPUs and jobs of seconds.

    slurm_shares.py PROGRAM

The jobs write down when and where they run; what they write is the evidence. Meanwhile the program and slurmctld are
started anew. Exit status 77 where there is no Slurm, or no root to start munged and slurmd.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from slurm_cluster import Skip, SlurmCluster, die_with_parent  # noqa: E402

NOBODY = dict(user=65534, group=65534, extra_groups=[])
NODES = {"a1": ("v100", 2), "a2": ("v100", 1), "b1": ("k80", 2)}
LIMIT = 360  # seconds for all
ROUND = 4

JOB = """#!/bin/bash
# Writes where it runs, and every fifth of a second that it does.
out="$1/$SLURM_JOB_ID"
say() { echo "$1 $EPOCHREALTIME $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES $UID" >> "$out"; }
trap 'say stop; exit 0' TERM
say start
for ((i = 0; i < 1500; i++)); do
  if [[ -e $1/finish || -e $1/finish.$SLURM_JOB_ID ]]; then say end; exit 0; fi
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
    {"model": "small", "gang": 2, "steps_per_second": {"v100": 20}},
]


class Cluster(SlurmCluster):
    """The cluster of this test, and its jobs."""

    def __init__(self, folder):
        super().__init__(folder, {name: {kind: count} for name, (kind, count) in NODES.items()},
                         tools="sbatch squeue scontrol scancel".split(),
                         settings=["KillWait=2", "MessageTimeout=3",
                                   "SchedulerParameters=sched_interval=1,bf_interval=1"])

    def __exit__(self, *_):
        (self.folder / "out" / "alive").unlink(missing_ok=True)  # whatever runs then ends by itself
        with contextlib.suppress(subprocess.TimeoutExpired):
            if "slurmctld" in self.started:
                self.run("scancel", "-f", "-s", "KILL", "--user=nobody", timeout=15)
        super().__exit__()

    def submit(self, comment, *options):
        done = self.run("sbatch", "--parsable", "--chdir=/", "--output=/dev/null", "--comment", comment, *options,
                        self.folder / "job.sh", self.folder / "out", **NOBODY)
        assert done.returncode == 0, done
        return int(done.stdout.split(";")[0])

    def jobs(self):
        return {one["job_id"]: one for one in json.loads(self.run("squeue", "--json").stdout)["jobs"]}


def spans(folder, job):
    """Of each time that a job ran: begin, end, node, GPUs; and how often it came to its end."""
    made, ends = [], 0
    path = folder / "out" / str(job)
    for line in path.read_text().splitlines() if path.exists() else []:
        word, when, node, gpus, uid = line.split(" ")
        assert int(uid) == 65534, line
        if word == "start":
            made.append([float(when), float(when), node, gpus.split(",")])
        assert made and made[-1][2:] == [node, gpus.split(",")], line
        made[-1][1] = float(when)
        ends += word == "end"
    return made, ends


def check_apart(folder, jobs, all_used=True):
    """No GPU is ever with two jobs. How often jobs were started."""
    by_gpu, starts = {}, 0
    for job in jobs:
        for begin, end, node, gpus in spans(folder, job)[0]:
            starts += 1
            assert all(gpu.isdigit() for gpu in gpus), f"job {job} ran on {node} with the GPUs {gpus}"
            for gpu in gpus:
                by_gpu.setdefault((node, gpu), []).append((begin, end, job))
    for gpu, uses in by_gpu.items():
        uses.sort()
        for (_, end, one), (begin, _, other) in zip(uses, uses[1:]):
            assert begin >= end, f"jobs {one} and {other} had GPU {gpu} at once, from {begin} to {end}"
    assert not all_used or len(by_gpu) == sum(count for _, count in NODES.values()), by_gpu.keys()
    return starts


def share(cluster, program):
    """Shares the cluster for a while, with troubles. Checks what jobs had against what they were due."""
    folder = cluster.folder
    state, said = folder / "shares.json", folder / "said.json"
    words = [program, "--policy", "max_min_perf", "--throughputs", folder / "throughputs.json", "--round", ROUND,
             "--state", state, "--json", said]
    empty = cluster.run(*words, "--dry-run")
    assert empty.returncode == 0 and "round 1: 0 of 0 jobs" in empty.stdout and not empty.stderr, empty
    jobs = {}

    def submit(model, gang, weight, comment, *options):
        job = cluster.submit(f"plait: model={model}; {comment}", "--requeue", *options)
        jobs[job] = model, gang, weight

    submit("big", 1, 2, "weight=2; team=a; steps=1e6", "--hold", "--gpus=1")
    submit("big", 1, 1, "steps=1e6; slo=9999", "--hold", "--gpus=1")
    submit("small", 1, 1, "", "--hold", "--gpus=1")
    submit("small", 1, 1, "", "--gres=gpu:1")  # not held
    submit("big", 2, 2, "weight=2", "--hold", "--gres=gpu:2")  # in one node
    submit("small", 1, 1, "", "--hold", "--gres=gpu:k80:1")  # it names a type
    stranger = cluster.submit("of no interest", "--hold", "--requeue", "--gpus=1")
    unknown = cluster.submit("plait: model=unheard of", "--hold", "--requeue", "--gpus=1")

    # What it would do, and that it does not do it.
    time.sleep(1)  # for the job that is not held
    before = {i: (j["job_state"], j["required_nodes"]) for i, j in cluster.jobs().items()}
    dry = cluster.run(*words, "--dry-run")
    assert dry.returncode == 0 and "\nscontrol release" in dry.stdout and not state.exists(), dry
    assert before == {i: (j["job_state"], j["required_nodes"]) for i, j in cluster.jobs().items()}

    policies = cluster.run(program, "--list").stdout.split()
    assert len(policies) > 20, policies
    for policy in policies:
        done = cluster.run(program, "--policy", policy, *words[3:5], "--cost", "v100=2", "--cost", "k80=0.5", "--dry-run")
        assert done.returncode == 0 and "\nscontrol release" in done.stdout, (policy, done)

    def begin():
        log = open(folder / "shares.out", "a")
        return subprocess.Popen([*map(str, words)], stdout=log, stderr=log, env=cluster.environment, cwd=folder,
                                preexec_fn=die_with_parent)

    def told():
        return (folder / "shares.out").read_text()

    began = time.time()
    runs = begin()
    try:
        time.sleep(4.6 * ROUND)
        twice = cluster.run(*words)
        assert twice.returncode == 2 and "in use by another slurm_shares" in twice.stderr, twice
        assert runs.poll() is None, told()
        runs.send_signal(signal.SIGTERM)
        assert runs.wait(30) == 0, told()
        running = {i for i, j in cluster.jobs().items() if j["job_state"] == "RUNNING"}
        time.sleep(1)
        kept = {i for i, j in cluster.jobs().items() if j["job_state"] == "RUNNING"}
        assert running and running <= kept, (running, kept, told())  # to end it stops nobody
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
        time.sleep(5 * ROUND + 8)
        assert runs.poll() is None, told()
        assert "Slurm does not answer" in told() and "Slurm answers again" in told(), told()
        runs.send_signal(signal.SIGTERM)
        assert runs.wait(30) == 0, told()
        ended = time.time()
    finally:
        if runs.poll() is None:
            runs.kill()
        runs.wait()

    books = {one["id"]: one for one in json.loads(said.read_text())["jobs"]}
    assert set(jobs) <= set(books), books
    starts = check_apart(folder, jobs)
    lines = re.findall(r"^round \d+: .*; (\d+) stay, (\d+) stop, (\d+) start; max_min_perf (\S+)$", told(), re.M)
    ordered = sum(int(line[2]) for line in lines)
    # Whoever stays is not started anew; one job was not held and began by itself.
    assert sum(int(line[0]) for line in lines) > len(lines) and starts <= ordered + 1, (starts, ordered, told())
    kind = {name: of for name, (of, _) in NODES.items()}
    rate = {(row["model"], row["gang"]): row["steps_per_second"] for row in THROUGHPUTS}
    numbers = {type: sum(n for of, n in NODES.values() if of == type) for type in kind.values()}
    levels, worst = [], 0
    for job, (model, gang, weight) in jobs.items():
        had = dict.fromkeys(numbers, 0.0)
        runs_of_job = spans(folder, job)[0]
        for first, last, node, gpus in runs_of_job:
            assert len(gpus) == gang, (job, gpus)
            had[kind[node]] += last - first
        due, received = books[job]["due"], books[job]["received"]
        all_due, all_had = sum(due.values()), sum(had.values())
        print(f"job {job}: due {all_due:.1f} s, had {all_had:.1f} s in {len(runs_of_job)} runs; "
              + ", ".join(f"{type} {due.get(type, 0):.1f} {had[type]:.1f}" for type in numbers))
        worst = max(worst, abs(all_had - all_due))
        # Three rounds, and a tenth for what starting and stopping takes on a busy machine.
        assert abs(all_had - all_due) <= 3 * ROUND + 0.1 * all_due, (job, due, had, told())
        for type in numbers:
            # What the program believes is what the jobs saw; Slurm tells starts in whole seconds.
            assert abs(had[type] - received.get(type, 0)) <= 1 + len(runs_of_job), (job, had, received)
        rates = rate[model, gang]
        fair = sum(rates.get(type, 0) * n for type, n in numbers.items()) / sum(numbers.values())
        levels.append(gang * sum(rates.get(type, 0) * had[type] for type in numbers) / (ended - began) / (weight * fair))
    best = float(lines[-1][3])
    print(f"least normalised throughput {min(levels):.3f} of {best:.3f} that can be had; no job further than "
          f"{worst:.1f} s from its due in {ended - began:.1f} s; {starts} starts in {len(lines)} rounds of {ROUND} s")
    assert min(levels) >= 0.6 * best, levels
    assert f"job {unknown} is left alone" in told() and str(stranger) not in re.findall(r"job (\d+)", told()), told()
    return jobs, unknown, stranger


def wait_for_ends(cluster, jobs, seconds=30):
    until = time.monotonic() + seconds
    while True:
        ends = {job: spans(cluster.folder, job)[1] for job in jobs}
        if all(count == 1 for count in ends.values()) and all(
            cluster.jobs()[job]["job_state"] == "COMPLETED" for job in jobs
        ):
            return
        assert time.monotonic() < until, (ends, cluster.run("squeue").stdout)
        time.sleep(0.3)


def give_back(cluster, program, jobs, unknown, stranger):
    """All jobs come to their end, once."""
    (cluster.folder / "out" / "finish").touch()
    done = cluster.run(program, "--release-all")
    assert done.returncode == 0 and "given back to Slurm" in done.stdout, done
    wait_for_ends(cluster, [*jobs, unknown])
    assert cluster.jobs()[stranger]["job_state"] == "PENDING"
    (cluster.folder / "out" / "finish").unlink()


def wait_for_run(cluster, jobs, seconds=20):
    until = time.monotonic() + seconds
    while True:
        for job in jobs:
            if cluster.jobs()[job]["job_state"] == "RUNNING":
                return job
        assert time.monotonic() < until, cluster.run("squeue").stdout
        time.sleep(0.2)


def as_owner(cluster, program):
    """Who owns the jobs may share them without being an operator of Slurm; a gang may lie in several nodes; GPUs that
    become free within a round are used."""
    out = cluster.folder / "out"
    words = [program, "--policy", "max_min_perf", "--throughputs", cluster.folder / "throughputs.json", "--state",
             out / "mine.json"]
    one = cluster.submit("plait: model=big", "--hold", "--requeue", "--gpus=3")
    first = cluster.run(*words, "--once", "--round", ROUND, **NOBODY)
    assert first.returncode == 0 and "0 stop, 1 start" in first.stdout, first
    wait_for_run(cluster, [one])
    place = cluster.jobs()[one]
    assert place["nodes"] == "a[1-2]" and place["gres_detail"] == ["gpu:v100:2(IDX:0-1)", "gpu:v100:1(IDX:0)"], place
    second = cluster.run(*words, "--once", "--round", ROUND, **NOBODY)
    assert second.returncode == 0 and "1 stay, 0 stop, 0 start" in second.stdout, second
    assert len(spans(cluster.folder, one)[0]) == 1

    other = cluster.submit("plait: model=big", "--hold", "--requeue", "--gpus=3")
    with open(cluster.folder / "mine.out", "w") as log:
        runs = subprocess.Popen([*map(str, words), "--round", "60"], stdout=log, stderr=log, env=cluster.environment,
                                cwd=cluster.folder, **NOBODY)
    try:
        until = time.monotonic() + 20
        while "round 1: 1 of 2 jobs run" not in (cluster.folder / "mine.out").read_text():
            assert time.monotonic() < until, (cluster.folder / "mine.out").read_text()
            time.sleep(0.2)
        time.sleep(2)
        running = wait_for_run(cluster, [one, other])
        (out / f"finish.{running}").touch()
        wait_for_run(cluster, [one + other - running])
        assert "within the round: 1 start" in (cluster.folder / "mine.out").read_text()
        (out / "finish").touch()
        wait_for_ends(cluster, [one, other])
    finally:
        runs.terminate()
        assert runs.wait(30) == 0, (cluster.folder / "mine.out").read_text()


def nodes_fail(cluster, program):
    """A slurmd that is started anew takes nothing from the jobs of its node. A node that loses power and comes back has
    lost what ran there: Slurm queues it again, and it runs again and comes to its end."""
    (cluster.folder / "out" / "finish").unlink(missing_ok=True)
    words = [program, "--policy", "max_min_perf", "--throughputs", cluster.folder / "throughputs.json", "--round", ROUND,
             "--state", cluster.folder / "nodes.json"]
    there = cluster.submit("plait: model=small", "--hold", "--requeue", "--gres=gpu:v100:2")  # in a1, nowhere else
    lost = [cluster.submit("plait: model=small", "--hold", "--requeue", "--gres=gpu:k80:1") for _ in range(2)]
    log = open(cluster.folder / "nodes.out", "w")
    runs = subprocess.Popen([*map(str, words)], stdout=log, stderr=log, env=cluster.environment, cwd=cluster.folder,
                            preexec_fn=die_with_parent)
    try:
        for job in (there, *lost):
            wait_for_run(cluster, [job])
        cluster.stop("a1")
        time.sleep(1)
        cluster.start_node("a1")
        cluster.crash_node("b1", lost)
        # Slurm finds out for itself after five minutes; an operator says so.
        assert cluster.run("scontrol", "update", "NodeName=b1", "State=DOWN", "Reason=test").returncode == 0
        time.sleep(ROUND)
        assert runs.poll() is None, (cluster.folder / "nodes.out").read_text()
        cluster.start_node("b1")
        assert cluster.run("scontrol", "update", "NodeName=b1", "State=RESUME").returncode == 0
        until = time.monotonic() + 60
        while any(len(spans(cluster.folder, job)[0]) < 2 for job in lost):
            assert time.monotonic() < until, cluster.run("squeue").stdout + (cluster.folder / "nodes.out").read_text()
            assert runs.poll() is None, (cluster.folder / "nodes.out").read_text()
            time.sleep(0.3)
        assert len(spans(cluster.folder, there)[0]) == 1, spans(cluster.folder, there)
        check_apart(cluster.folder, [there, *lost], all_used=False)
        (cluster.folder / "out" / "finish").touch()
        wait_for_ends(cluster, [there, *lost], 60)
    finally:
        runs.terminate()
        assert runs.wait(30) == 0, (cluster.folder / "nodes.out").read_text()


def wrong_use(program, folder):
    """Every fault is one sentence."""
    def refused(status, words, *arguments, **variables):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              env=os.environ | variables)
        assert done.returncode == status and words in done.stderr, (words, done)
        assert len(done.stderr.strip().split("\n")) <= 2, done

    bad = folder / "bad.json"
    refused(2, "--policy is missing")
    refused(2, "there is no policy 'nonsense'", "--policy", "nonsense")
    refused(2, "NAME=NUMBER", "--policy", "isolated", "--cost", "v100=cheap")
    for weight in ("1x", "nan", "inf", "-1", "0", "", " 2", "0x1p1"):
        refused(2, "NAME=NUMBER", "--policy", "isolated", "--team", f"red={weight}")
    for name, values in {"round": ("nan", "inf", "0", "-360", "360s"), "patience": ("nan", "-1", "inf", "long"),
                         "rounds": ("0", "-1", "1.5", "3x", "nan")}.items():
        for value in values:
            refused(2, f"--{name} is '{value}', and must be a ", "--policy", "isolated", f"--{name}={value}")
    refused(2, "--once", "--policy", "isolated", "--once", "--rounds", 3)
    refused(2, "cannot be read", "--policy", "isolated", "--throughputs", folder / "nowhere.json")
    bad.write_text("{")
    refused(2, "is not JSON", "--policy", "isolated", "--throughputs", bad)
    bad.write_text('[{"model": "A", "steps_per_second": {"v100": -1}}]')
    refused(2, "not negative for v100", "--policy", "isolated", "--throughputs", bad)
    bad.write_text('{"jobs": {}}')
    refused(2, "is not a state of slurm_shares", "--policy", "isolated", "--state", bad)
    # A Slurm that is not there.
    (folder / "none.conf").write_text("ClusterName=none\nSlurmctldHost=localhost\nSlurmctldPort=1\nMessageTimeout=1\n"
                                      "NodeName=n1\nPartitionName=p Nodes=n1\n")
    refused(1, "Slurm does not answer", "--policy", "isolated", "--once", "--patience", 0,
            SLURM_CONF=str(folder / "none.conf"))
    refused(2, "cannot be started", "--policy", "isolated", "--once", PATH=str(folder))


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
        program = shutil.copy(sys.argv[1], folder / "slurm_shares")  # where nobody may read it
        cluster = Cluster(folder)
        wrong_use(program, folder)
        with cluster:
            try:
                jobs, unknown, stranger = share(cluster, program)
                give_back(cluster, program, jobs, unknown, stranger)
                as_owner(cluster, program)
                nodes_fail(cluster, program)
            except BaseException:
                print(cluster.logs(), file=sys.stderr)
                raise


if __name__ == "__main__":
    try:
        main()
    except Skip as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
