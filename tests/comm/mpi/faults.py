#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ends, kills and stops one of four processes at actions of a training step, and looks at what the others do: each
stops within the deadline with exit status 1, and says who is missing, what it waited for and what every rank did last.

    faults.py FAULT PROGRAM MPIRUN [MPIRUN'S ARGUMENTS...]      FAULT: throw, exit, leave, kill, stop, cut

cut takes the connection between two machines away (two_machines.py) that have two ranks each; all four must stop.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # in the folder of the sources
from two_machines import TwoMachines

FAULT, PROGRAM, MPIRUN = sys.argv[1], sys.argv[2], sys.argv[3:]
RANKS = 4
PLACES = ["{data 0, tensor 0, pipeline 0}", "{data 1, tensor 0, pipeline 0}", "{data 0, tensor 0, pipeline 1}",
          "{data 1, tensor 0, pipeline 1}"]
DEADLINE = 2.0
MARGIN = 4.0  # for starting the report, on a loaded machine
FAILURES = []


def check(condition, what):
    if not condition:
        FAILURES.append(what)
        print("failed:", what, flush=True)
    return condition


def start(*arguments, folder, mpirun=MPIRUN):
    """Each rank's output and exit status go to files of its own. --enable-recovery: the others live on."""
    script = ('r=$OMPI_COMM_WORLD_RANK; "$@" >out.$r 2>err.$r; s=$?; date +%s.%N >end.$r; echo $s >status.$r.part; '
              'mv status.$r.part status.$r; exit $s')
    return subprocess.Popen([*mpirun, "--enable-recovery", "-n", str(RANKS), "sh", "-c", script, "sh", PROGRAM,
                             *map(str, arguments)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def listed():
    """(rank, number, action) of every action of the second step."""
    with tempfile.TemporaryDirectory() as folder:
        run = start("list", folder=folder)
        run.wait(timeout=60)
        actions = []
        for rank in range(RANKS):
            lines = [line.split(maxsplit=2) for line in (Path(folder) / f"out.{rank}").read_text().splitlines()]
            mine = [(int(line[0]), int(line[1]), line[2]) for line in lines]
            actions += mine[len(mine) // 2:-1]  # the last is "between steps"
    return actions


def sample(actions):
    """One action of each kind, on ranks in turn."""
    chosen = {}
    for turn, kind in enumerate(sorted({action[2] for action in actions})):
        where = [action for action in actions if action[2] == kind]
        ranks = sorted({action[0] for action in where})
        rank = ranks[turn % len(ranks)]
        mine = [action for action in where if action[0] == rank]
        chosen[kind] = mine[turn % len(mine)]
    return list(chosen.values())


def wait_for(files, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not all(file.exists() for file in files):
        time.sleep(0.02)
    return all(file.exists() for file in files)


def interrupt(rank, number, kind, pause):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        label = f"{FAULT} on rank {rank} before {kind} (action {number})"
        run = start(FAULT, rank, number, pause, DEADLINE, folder / "flight.json", folder=folder)
        others = [r for r in range(RANKS) if r != rank]
        try:
            hit = folder / f"out.{rank}"
            end = time.monotonic() + 30
            while time.monotonic() < end and not (hit.exists() and "pid" in hit.read_text()):
                time.sleep(0.01)
            if not check(hit.exists() and "pid" in hit.read_text(), f"{label}: it happens"):
                return
            happened = hit.stat().st_mtime
            check(wait_for([folder / f"status.{r}" for r in others], DEADLINE + 20), f"{label}: the others end")
            for survivor in others:
                look_at(folder, survivor, rank, kind if pause else "", happened, label)
            if FAULT == "throw":
                wait_for([folder / f"status.{rank}"], 10)
                check((folder / f"status.{rank}").read_text().strip() == "1", f"{label}: it ends with 1 itself")
        finally:
            found = re.search(r"pid (\d+)", (folder / f"out.{rank}").read_text())
            if found and FAULT == "stop":
                os.kill(int(found.group(1)), signal.SIGKILL)
            try:
                run.wait(timeout=10)
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()


def look_at(folder, survivor, rank, kind, happened, label):
    label = f"{label}, rank {survivor}"
    if not (folder / f"status.{survivor}").exists():
        return
    status = (folder / f"status.{survivor}").read_text().strip()
    text = (folder / f"err.{survivor}").read_text()
    took = float((folder / f"end.{survivor}").read_text()) - happened
    check(status == "1", f"{label}: exit status 1, not {status}: {text}")
    limit = DEADLINE + MARGIN if FAULT == "stop" else MARGIN
    check(took < limit, f"{label}: it ends {limit} s after the fault at the latest, not {took:.1f} s: {text}")
    lost = f"rank {rank} = {PLACES[rank]}"
    place = re.escape(lost)
    words = {"throw": "test: an interruption",
             "exit": f"{place} is gone: its process has ended",
             "kill": f"{place} is gone: its process has ended",
             "stop": f"no sign of life from {place}|{place} has given no sign of life",
             "leave": f"rank {rank} (sent no message|did not arrive before finishing|did not receive message|finished)"}
    check(re.search(words[FAULT], text), f"{label}: says who is missing: {text}")
    lines = {r: re.search(rf"^  rank {r} = {re.escape(PLACES[r])}: (.*)$", text, re.M) for r in range(RANKS)}
    for r, line in lines.items():
        check(line, f"{label}: there is a line for rank {r}: {text}")
    if not all(lines.values()):
        return
    if FAULT != "leave":
        check(kind in lines[rank].group(1), f"{label}: the line of rank {rank} says {kind}: {text}")
    if not kind:
        return
    waited = [line.group(1) for r, line in lines.items() if r != rank]
    check(any(", waiting in " in line for line in waited), f"{label}: somebody waited, and says for what: {text}")
    check(all("; before: " in line or line == "finished" for line in waited), f"{label}: says what was before: {text}")

    file = folder / f"flight.rank{survivor}.json"
    if not check(file.exists(), f"{label}: writes a flight record"):
        return
    record = json.loads(file.read_text())
    check([one["rank"] for one in record["ranks"]] == list(range(RANKS)), f"{label}: the record has all ranks")
    check([one["coordinates"] for one in record["ranks"]] == PLACES, f"{label}: with their places")
    check(record["failure"]["sentence"] in text, f"{label}: with the sentence")
    for one in record["ranks"]:
        check(one["state"] == "finished" or one["last"], f"{label}: with the last actions of rank {one['rank']}")
    states = {"exit": "gone", "kill": "gone", "stop": "silent for", "throw": "running", "leave": "finished"}
    check(record["ranks"][rank]["state"].startswith(states[FAULT]), f"{label}: state is {record['ranks'][rank]['state']}")
    waiting = [one["waiting"] for one in record["ranks"] if one["rank"] != rank and one["waiting"]]
    check(waiting and all(one["call"] for one in waiting), f"{label}: the record says who waited for what")
    check(not any(one["waiting"] and one["waiting"]["call"] == "receive" and one["waiting"]["peer"] is None
                  for one in record["ranks"]), f"{label}: a receive names its peer")


def cut(rank, number, kind):
    """A rank says that it has come to an action, and waits a little; meanwhile the connection goes."""
    with tempfile.TemporaryDirectory() as name, TwoMachines() as machines:
        folder = Path(name)
        label = f"cut while rank {rank} begins {kind} (action {number})"
        run = start("cut", rank, number, 0.4, DEADLINE, folder / "flight.json", folder=folder,
                    mpirun=machines.mpirun(MPIRUN))
        hit = folder / f"out.{rank}"
        end = time.monotonic() + 30
        while time.monotonic() < end and not (hit.exists() and "pid" in hit.read_text()):
            time.sleep(0.01)
        check(hit.exists() and "pid" in hit.read_text(), f"{label}: it happens")
        machines.cut()
        happened = time.time()
        check(wait_for([folder / f"status.{r}" for r in range(RANKS)], DEADLINE + 20), f"{label}: all end")
        for survivor in range(RANKS):
            if not (folder / f"status.{survivor}").exists():
                continue
            status = (folder / f"status.{survivor}").read_text().strip()
            text = (folder / f"err.{survivor}").read_text()
            took = float((folder / f"end.{survivor}").read_text()) - happened
            check(status == "1", f"{label}, rank {survivor}: exit status 1, not {status}: {text}")
            check(took < DEADLINE + MARGIN, f"{label}, rank {survivor}: within the deadline, not {took:.1f} s: {text}")
            beyond = [r for r in range(RANKS) if r // 2 != survivor // 2]  # ranks 0 and 1 are on one machine
            silent = re.findall(r"(?:no sign of life from|watch:) rank (\d) = (\{.*?\})", text)
            check(silent and all(int(r) in beyond and PLACES[int(r)] == place for r, place in silent),
                  f"{label}, rank {survivor}: it names a rank of the other machine: {text}")
            record = json.loads((folder / f"flight.rank{survivor}.json").read_text())
            check(all(record["ranks"][r]["state"].startswith("silent for") for r in beyond),
                  f"{label}, rank {survivor}: the record says so too: {[one['state'] for one in record['ranks']]}")
            check(any(one["waiting"] for one in record["ranks"]), f"{label}, rank {survivor}: and who waited for what")
        run.kill()
        run.wait()


def main():
    actions = listed()
    kinds = {action[2] for action in actions}
    check(len(kinds) == 10 and len(actions) == 48, f"the step has all kinds of actions: {sorted(kinds)}")
    if FAULT == "cut":
        for rank, number, kind in sample(actions)[::3]:
            cut(rank, number, kind)
        print(f"{len(FAILURES)} failures")
        return 1 if FAILURES else 0
    # The pause lets the others come to wait for the rank, and hear what it does.
    for rank, number, kind in sample(actions):
        interrupt(rank, number, kind, 0.4)
    for rank, number, kind in (actions[5], actions[-5]):
        interrupt(rank, number, kind, 0)
    print(f"{len(FAILURES)} failures")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
