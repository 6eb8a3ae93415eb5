#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""draw_schedule times every schedule as its formulas say, checks orders from files, and refuses what is wrong.

    draw_schedule.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

NAMES = (
    "gpipe 1f1b interleaved_1f1b looped_bfs zb_h1 zb_h2 interleaved_zb zb_v v_half v_min v_1f1b dualpipe dualpipe_v "
    "chimera hanayo pipedream pipedream_2bw"
).split()
FIELDS = (
    "schedule ranks stages micro chunks valid reason makespan bubble peak_live weight_versions messages".split()
)
ANY_CHUNKS = ("interleaved_1f1b", "interleaved_zb", "looped_bfs", "hanayo")


def run(*arguments):
    return subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True, timeout=120)


class Cases:
    def __init__(self, folder):
        self.folder = folder

    def said(self, *arguments, status=0):
        file = self.folder / "said.json"
        file.unlink(missing_ok=True)
        done = run(*arguments, "--json", file)
        assert done.returncode == status, (arguments, done)
        return json.loads(file.read_text())

    def refused(self, words, *arguments, status=2):
        done = run(*arguments)
        assert done.returncode == status and words in done.stderr, (words, arguments, done)
        assert status != 2 or words[:2] != "--" or done.stderr.count("\n") == 1, done

    def checked(self, text, *options, status=0):
        file = self.folder / "order.csv"
        file.write_text(text)
        return self.said("--check", file, *options, status=status)


def first_group(p, m):
    """The largest of the even groups into which interleaved schedules deal their micro-batches."""
    return -(-m // max(1, m // p))


def legal(name, p, m, v):
    if name in ("dualpipe", "chimera") and p % 2:
        return False
    if name == "dualpipe" and (m % 2 or m < 2 * p) or name == "dualpipe_v" and m < 2 * p:
        return False
    return not (name == "chimera" and m % p or name == "pipedream_2bw" and m < p)


def closed_forms(cases):
    """Every formula that `--list` gives, beside simulated steps."""
    facts = {one["name"]: one for one in cases.said("--list")["schedules"]}
    assert [name for name in facts if name != "forward_only"] == NAMES
    held = {name: 0 for name in facts}
    arithmetic = {"__builtins__": {}, "min": min, "max": max}
    for name, fact in facts.items():
        for p, m in ((1, 3), (2, 1), (2, 4), (3, 3), (3, 7), (4, 3), (4, 8), (4, 10), (5, 10), (6, 12), (8, 16), (8, 24)):
            for v in (2, 4) if name in ANY_CHUNKS else (None,):
                options = ("--schedule", name, "--stages", p, "--micro", m) + (("--chunks", v) if v else ())
                if not legal(name, p, m, v):
                    cases.refused("the nearest legal" if p % 2 == 0 else name, *options)
                    continue
                said = cases.said(*options)
                assert sorted(said) == sorted(FIELDS), said
                assert said["valid"] and said["reason"] == "", said
                v = said["chunks"]
                pieces = p if name in ("dualpipe", "chimera") else p * v
                assert (said["schedule"], said["ranks"], said["micro"], said["stages"]) == (name, p, m, pieces), said
                letters = {"p": p, "m": m, "v": v, "n": first_group(p, m)}

                def value(text, **more):
                    return eval(text, arithmetic, {**letters, **more})

                if p > 1:
                    assert said["messages"] == m * value(fact["messages"]), (said, letters)
                few = m < 2 * p and name == "pipedream"  # the newest weights are read before the pipeline was full
                assert few or said["weight_versions"] == [value(fact["versions"], r=r) for r in range(p)], said
                if not fact["step"] or (fact["holds"] and not value(fact["holds"])):
                    continue
                held[name] += 1
                assert said["makespan"] == value(fact["step"]), (said, letters)
                work = {"forward_only": m * v}.get(name, 3 * m * v)
                work = 3 * m if name in ("dualpipe", "chimera") else work
                assert abs(said["bubble"] - (1 - work / said["makespan"])) < 1e-12, said
                peaks = [value(fact["peak"] or "0", r=r) for r in range(p)]
                flat = peaks[0] == max(said["peak_live"]) and " r" not in fact["peak"]
                assert not fact["peak"] or flat or said["peak_live"] == peaks, (said, letters)
    assert all(count > 2 for name, count in held.items() if name != "hanayo"), held
    assert cases.said("--schedule", "pipedream", "--stages", 4, "--micro", 16)["weight_versions"] == [4, 3, 2, 1]
    two = cases.said("--schedule", "pipedream_2bw", "--stages", 4, "--micro", 8, "--steps", 5)
    assert two["micro"] == 40 and two["makespan"] == 3 * (40 + 3) and two["weight_versions"] == [2] * 4, two
    group = ("--schedule", "interleaved_1f1b", "--stages", 4, "--micro", 16, "--chunks", 2)
    assert cases.said(*group)["peak_live"] == cases.said(*group, "--group", 4)["peak_live"] == [11, 9, 7, 5]
    assert cases.said(*group, "--group", 8)["peak_live"] == [15, 13, 11, 9]
    cases.refused("a group must have at least as many micro-batches", *group, "--group", 3)


def other_costs(cases):
    """Bubbles at 8 ranks and 16 micro-batches that an independent simulation of the same orders gave, in per mille."""
    published = (
        (("1,1,1", 0), "304 179 179 068 127 127 068 150 220 127 111 273"),
        (("1,1.4,0.6", 0), "304 179 179 116 208 - 104 - - 182 152 273"),
        (("1,1,1", 0.25), "392 229 203 143 226 - 137 - 358 216 197 349"),
    )
    names = "1f1b interleaved_1f1b looped_bfs interleaved_zb zb_h1 zb_h2 zb_v v_half v_min dualpipe_v dualpipe chimera"
    for (passes, message), bubbles in published:
        for name, bubble in zip(names.split(), bubbles.split()):
            if bubble == "-":
                continue  # there the other simulation had an order of its own, chosen for these costs
            options = ("--stages", 8, "--micro", 16, "--costs", passes, "--message", message)
            said = cases.said("--schedule", name, *options)
            assert abs(said["bubble"] - int(bubble) / 1000) < 0.00051, (name, passes, message, said["bubble"], bubble)


def costs(cases):
    one = ("--schedule", "1f1b", "--stages", 2, "--micro", 1)
    assert cases.said(*one, "--costs", "2,3,5")["makespan"] == 20
    assert cases.said(*one, "--costs", "2,3,5", "--message", 0.5)["makespan"] == 21
    file = cases.folder / "costs.json"
    file.write_text('{"stages": [[1, 2, 4], {"forward": 8, "backward_input": 16, "backward_weight": 32}], "message": 2}')
    assert cases.said(*one, "--costs-file", file)["makespan"] == 1 + 2 + 8 + 16 + 32 + 2 + 2 + 4
    halves = ("--schedule", "zb_h1", "--stages", 2, "--micro", 1, "--costs-file", file)
    assert cases.said(*halves)["makespan"] == 1 + 2 + 8 + 16 + max(32, 2 + 2 + 4)
    cases.refused("the file has costs of 2 stages, and there are 3", "--schedule", "gpipe", "--stages", 3, "--costs-file", file)
    for text, words in (
        ("[1, 2", "must be JSON with an array of stages"),
        ('{"stages": 3}', "must be JSON with an array of stages"),
        ("[[1, 2]]", "stage 0 must have three costs"),
        ('[{"forward": 1}]', "stage 0 lacks backward_input"),
        ('[[1, -2, 3]]', "must be a number that is not negative"),
        ('[[1, "2", 3]]', "must be a number that is not negative"),
    ):
        file.write_text(text)
        cases.refused(words, "--schedule", "gpipe", "--stages", 1, "--costs-file", file)
    cases.refused("cannot read", "--schedule", "gpipe", "--costs-file", cases.folder / "absent.json")
    cases.refused("--costs is '-1', and must be a number from 0 to 1e+15", "--schedule", "gpipe", "--costs", "1,-1,1")


def orders_from_files(cases):
    for name in NAMES:
        for more in ((), ("--comms",)):
            options = ("--schedule", name, "--stages", 4, "--micro", 8)
            file = cases.folder / "made.csv"
            made = cases.said(*options, "--csv", file, *more)
            assert len(file.read_text().splitlines()) == 4
            assert ("SEND_F" in file.read_text()) == bool(more), name
            again = cases.folder / "again.csv"
            checked = cases.said("--check", file, "--csv", again)
            assert again.read_text() == file.read_text(), name
            for field in ("ranks", "stages", "makespan", "bubble", "peak_live", "messages", "valid", "chunks"):
                assert checked[field] == made[field], (name, field, made, checked)
    # By hand: idle slots, two stages on two ranks, a backward pass in halves on the first.
    hand = "0F0,0F1,,0I0,0W0,0I1,0W1\n,1F0,1B0,1F1,1B1\n"
    said = cases.checked(hand)
    assert said["valid"] and said["makespan"] == 9 and said["messages"] == 4 and said["peak_live"] == [2, 1], said

    def offence(text, words, *options):
        said = cases.checked(text, *options, status=3)
        assert not said["valid"] and words in said["reason"], (words, said)
        assert sorted(said) == sorted(FIELDS), said
        cases.refused(words, "--check", cases.folder / "order.csv", *options, status=3)

    offence(hand.replace("1B0,1F1,1B1", "1B1,1F1,1B0"), "rank 1, position 2 (1B1): its forward pass has not run")
    offence(hand.replace("0W1", "0W0"), "rank 0, position 6 (0W0): it is there twice")
    offence(hand.replace("0I0,0W0", "0W0,0I0"), "rank 0, position 3 (0W0): its input half has not run")
    offence(hand.replace("0W0,0I1", "0B1,0I1"), "rank 0, position 5 (0I1): there is a whole backward pass")
    offence(hand.replace(",1F1,1B1", ""), "rank 0, position 5 (0RECV_B1): waits for ever for a message that is not sent")
    offence(hand.replace("0W1", "1W1"), "rank 0, position 6 (1W1): its stage is on another rank")
    offence("0F0,0B0\n2F0,2B0\n", "rank 1, position 0 (2F0): no rank holds stage 1")
    offence("0F0,0B0,0F1,0B1\n1F1,1F0,1B0,1B1\n", "rank 1, position 0 (1RECV_F1): the next message of its queue is for another")
    offence(hand, "rank 0, position 1 (0F1): it keeps 2 chunks alive, where the limit is 1", "--memory-limit", 1)
    comms = "0F0,0SEND_F0,0RECV_B0,0B0\n1RECV_F0,1F0,1B0,1SEND_B0\n"
    assert cases.checked(comms)["messages"] == 2
    offence(comms.replace("0RECV_B0,", ""), "(0B0)")
    offence(comms.replace("0SEND_F0,", ""), "rank 1, position 0 (1RECV_F0): waits for ever for a message")
    offence(comms.replace("1SEND_B0", "1SEND_F0"), "rank 1, position 3 (1SEND_F0): the stage at the other end")

    def unreadable(text, words):
        (cases.folder / "order.csv").write_text(text)
        cases.refused(words, "--check", cases.folder / "order.csv")

    unreadable(hand.replace("1B0", "1X0"), "row 2, column 3 (1X0): there is no such operation")
    unreadable(hand.replace("0I0", "I0"), "row 1, column 4 (I0): a cell begins with the number of a stage")
    unreadable(hand.replace("0I0", "0I"), "row 1, column 4 (0I): it lacks the number of its micro-batch")
    unreadable(hand.replace("0I0", "0I0x"), "row 1, column 4 (0I0x): there is more after")
    unreadable(hand.replace("0I0", "(0F0;0I0)"), "are written as (0F5;7B2)OVERLAP_F_B")
    unreadable(hand.replace("0I0", "(0I0;0F0)OVERLAP_F_B"), "the first is a forward pass, the second a backward pass")
    unreadable(hand.replace("0I0", "0I99999"), "count up to 32766")
    unreadable("0F30000,30000F0\n", "far more than it has cells for")
    unreadable("0F0,0B0\n\n1F0,1B0\n", "row 2 is empty")
    unreadable("", "there is no cell in it")
    cases.refused("cannot read", "--check", cases.folder / "absent.csv")


def pictures(cases):
    svg, trace = cases.folder / "a.svg", cases.folder / "a.json"
    for p, m in ((4, 8), (16, 64)):
        done = run("--schedule", "zb_v", "--stages", p, "--micro", m, "--svg", svg, "--trace", trace)
        assert done.returncode == 0, done
        words = " ".join(xml.parse(svg).getroot().itertext())
        bubble = 100 * (p - 1) / (6 * m + p - 1)
        for said in (f"zb_v: {p} ranks, {m} micro-batches", f"bubble {bubble:.1f} %", f"peak {2 * p} chunks alive"):
            assert said in words, said
        for said in ("forward", "input half of backward", "weight half of backward", "idle (bubble)"):
            assert said in words, said
        events = json.loads(trace.read_text())["traceEvents"]
        assert sum(one.get("cat") == "compute" and one["name"].startswith(("forward", "backward")) for one in events) == 6 * p * m
    cases.refused("cannot write", "--schedule", "gpipe", "--svg", cases.folder / "absent" / "a.svg")


def several(cases):
    listed = run("--list")
    lines = listed.stdout.splitlines()
    assert listed.returncode == 0 and [line.split()[0] for line in lines][:17] == NAMES, listed
    ranking = cases.said("--rank-all", "--stages", 4, "--micro", 8)["ranking"]
    assert sorted(one["schedule"] for one in ranking) == sorted(NAMES), ranking
    times = [one["makespan"] for one in ranking]
    assert times == sorted(times)
    # The same model for all: 24 units of work on each rank, however many chunks it is cut into.
    for one in ranking:
        assert abs(one["makespan"] * (1 - one["bubble"]) - 24) < 1e-9, one
    for limit in (2, 4):
        fit = cases.said("--rank-all", "--stages", 4, "--micro", 8, "--memory-limit", limit)["ranking"]
        assert [one for one in fit if one["peak"] > limit] == []
        assert [one["schedule"] for one in fit] == [one["schedule"] for one in ranking if one["peak"] <= limit]
    odd = run("--rank-all", "--stages", 3, "--micro", 7)
    assert "chimera: chimera: the number of ranks must be even" in odd.stdout, odd
    cases.said("--rank-all", "--stages", 8, "--micro", 8, "--memory-limit", 1, status=3)


def found_orders(cases):
    shape = ("--stages", 4, "--micro", 8)
    skewed = ("--costs", "1,1.4,0.6", "--message", 0.25, "--memory-limit", 5)
    file = cases.folder / "found.csv"
    found = cases.said("--synthesize", *shape, *skewed, "--csv", file)
    fixed = cases.said("--schedule", "zb_h1", *shape, *skewed)
    assert found["valid"] and found["lower_bound"] <= found["makespan"] + 1e-9, found
    assert found["makespan"] < fixed["makespan"] - 1, (found, fixed)
    assert max(found["peak_live"]) <= 5
    again = cases.said("--check", file, *skewed)
    assert again["valid"] and again["peak_live"] == found["peak_live"], again
    assert abs(again["makespan"] - found["makespan"]) < 1e-9, (again, found)
    two = cases.said("--synthesize", *shape, "--chunks", 2)
    assert two["chunks"] == 2 and two["stages"] == 8 and two["makespan"] <= 51, two
    cases.refused("synthesize", "--synthesize", *shape, "--chunks", 2, "--memory-limit", 1)


def skips(cases):
    """Stages that are not neighbours: a message of each edge either way, none where both ends are on one rank."""
    alone = cases.said("--schedule", "1f1b", "--stages", 4, "--micro", 8)
    edges = ("--skip", "0,3", "--skip", "1,2")
    both = cases.said("--schedule", "1f1b", "--stages", 4, "--micro", 8, *edges)
    assert both["messages"] == alone["messages"] + 2 * 2 * 8 and both["makespan"] == alone["makespan"], both
    on_a_v = cases.said("--schedule", "zb_v", "--stages", 4, "--micro", 8, "--skip", "0,7", "--skip", "1,6")
    assert on_a_v["messages"] == 2 * 6 * 8, on_a_v
    found = cases.said("--synthesize", "--stages", 3, "--micro", 4, "--skip", "0,2")
    assert found["valid"] and found["messages"] == 2 * (2 + 1) * 4, found
    # What goes along the edge arrives no sooner than by itself: the order is found for that, and so is the bound.
    shape = ("--stages", 6, "--micro", 8, "--costs", "1,1,1", "--message", 3, "--skip", "0,5", "--skip", "1,4")
    found, fixed = cases.said("--synthesize", *shape), cases.said("--schedule", "1f1b", *shape)
    assert found["valid"] and found["lower_bound"] <= found["makespan"] < fixed["makespan"], (found, fixed)
    cases.refused("from a stage to a later one of 0 to 3, not from 3 to 0", "--schedule", "1f1b", "--skip", "3,0")
    cases.refused("an edge is two stages", "--schedule", "1f1b", "--skip", "3")
    cases.refused("other edges", "--rank-all", "--skip", "0,3")


def wrong_use(cases):
    cases.refused("give one of --schedule", "--stages", 4)
    cases.refused("give one of --schedule", "--schedule", "gpipe", "--rank-all")
    cases.refused("there is no schedule of the name nonsense; there are gpipe 1f1b", "--schedule", "nonsense")
    cases.refused("each rank has 1 chunk", "--schedule", "gpipe", "--chunks", 2)
    cases.refused("only pipedream_2bw goes on over several steps", "--schedule", "gpipe", "--steps", 2)
    cases.refused("two chunks for each wave", "--schedule", "hanayo", "--chunks", 3)
    # Numbers of options: one line with the option, what was given and what may be.
    for name, values in {
        "stages": ("0", "4097", "2.5", "nan", "4x", "1e2"), "micro": ("many", "0", "-1"), "chunks": ("0", "x"),
        "group": ("0", "inf"), "steps": ("-3",), "message": ("inf", "nan", "-1", "1 s", "0x1p3"), "memory-limit": ("0", "1e3"),
    }.items():
        for value in values:
            cases.refused(f"--{name} is '{value}', and must be a ", "--schedule", "gpipe", f"--{name}={value}")
    for costs, wrong in (("1,nan,1", "nan"), ("1,1,inf", "inf"), ("1;2,1,1", "1;2")):
        cases.refused(f"--costs is '{wrong}', and must be a number", "--schedule", "gpipe", f"--costs={costs}")
    cases.refused("--skip is '1.5', and must be a whole number", "--schedule", "gpipe", "--skip=0,1.5")
    for count in ("1,1", "1,1,1,1"):
        cases.refused("--costs", "--schedule", "gpipe", f"--costs={count}")
    assert cases.said("--schedule", "gpipe", "--stages", 2, "--micro", 2, "--costs", "1e0,0.5,.5")["makespan"] == 6
    cases.refused("--no-such-option", "--no-such-option")
    limited = cases.said("--schedule", "1f1b", "--memory-limit", 3, status=3)
    assert limited["reason"].startswith("rank 0, position 3 (0F3): it keeps 4 chunks alive"), limited
    assert limited["makespan"] == 33 and not limited["valid"]
    assert cases.said("--schedule", "1f1b", "--memory-limit", 4)["valid"]


def main():
    with tempfile.TemporaryDirectory() as name:
        cases = Cases(pathlib.Path(name))
        for each in (closed_forms, other_costs, costs, orders_from_files, pictures, several, found_orders, skips, wrong_use):
            each(cases)


if __name__ == "__main__":
    main()
