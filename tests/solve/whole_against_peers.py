#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small integer programs of public kinds: solve_lp ends where CBC and GLPK end.

    whole_against_peers.py SOLVE_LP

The programs are made here from a seed: knapsacks of several rows, set covering, generalised assignment, facility
location, lot sizing, packing into bins, and mixed ones without structure, some of them infeasible. Peers are cbc
(Debian: coinor-cbc) and glpsol (glpk-utils); exit status 77 where there is neither, so that ctest shows a skip.
"""

import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


class Program:
    """minimize cost x; rows are (coefficients by column, 'L', 'G' or 'E', right-hand side)."""

    def __init__(self):
        self.columns, self.rows = [], []  # columns: (cost, lower, upper, whole)

    def column(self, cost, lower=0, upper=1, whole=True):
        self.columns.append((cost, lower, upper, whole))
        return len(self.columns) - 1

    def row(self, coefficients, kind, right):
        self.rows.append((dict(coefficients), kind, right))

    def mps(self):
        # In the columns of the fixed format, which every reader takes.
        field = lambda a, b, c="", d="", e="": f" {a:<2} {b:<8}  {c:<8}  {d!s:>12}   {e}".rstrip()
        out = ["NAME          made", "ROWS", field("N", "cost")]
        out += [field(kind, f"r{i}") for i, (_, kind, _) in enumerate(self.rows)]
        out.append("COLUMNS")
        for j, (cost, _, _, whole) in enumerate(self.columns):
            if whole:
                out.append("    M1        'MARKER'                 'INTORG'")
            out.append(field("", f"x{j}", "cost", cost))
            out += [field("", f"x{j}", f"r{i}", row[j]) for i, (row, _, _) in enumerate(self.rows) if j in row]
            if whole:
                out.append("    M2        'MARKER'                 'INTEND'")
        out.append("RHS")
        out += [field("", "RHS", f"r{i}", right) for i, (_, _, right) in enumerate(self.rows)]
        out.append("BOUNDS")
        for j, (_, lower, upper, _) in enumerate(self.columns):
            out.append(field("LO", "BND", f"x{j}", lower))
            if upper is not None:
                out.append(field("UP", "BND", f"x{j}", upper))
        out.append("ENDATA\n")
        return "\n".join(out)


def knapsacks(d):
    p, n = Program(), 18
    for _ in range(n):
        p.column(-d.randint(10, 60))
    for _ in range(3):
        weights = [d.randint(5, 40) for _ in range(n)]
        p.row(enumerate(weights), "L", sum(weights) // 3)
    return p


def covering(d):
    p = Program()
    for _ in range(24):
        p.column(d.randint(1, 9))
    for _ in range(16):
        p.row(((j, 1) for j in d.sample(range(24), 5)), "G", 1)
    return p


def assignment(d):
    p, agents, tasks = Program(), 4, 9
    x = [[p.column(d.randint(10, 40)) for _ in range(tasks)] for _ in range(agents)]
    for t in range(tasks):
        p.row(((x[a][t], 1) for a in range(agents)), "E", 1)
    for a in range(agents):
        p.row(((x[a][t], d.randint(5, 20)) for t in range(tasks)), "L", 34)
    return p


def location(d):
    p, places, customers = Program(), 5, 8
    open_ = [p.column(d.randint(40, 90)) for _ in range(places)]
    demand = [d.randint(3, 9) for _ in range(customers)]
    x = [[p.column(d.randint(1, 20), 0, None, False) for _ in range(customers)] for _ in range(places)]
    for c in range(customers):
        p.row(((x[f][c], 1) for f in range(places)), "E", demand[c])
    for f in range(places):
        p.row([(x[f][c], 1) for c in range(customers)] + [(open_[f], -25)], "L", 0)
    return p


def lots(d):
    p, months = Program(), 8
    made = [p.column(d.randint(1, 4), 0, None, False) for _ in range(months)]
    kept = [p.column(1, 0, None, False) for _ in range(months)]
    set_up = [p.column(d.randint(20, 50)) for _ in range(months)]
    for t in range(months):
        before = [(kept[t - 1], 1)] if t else []
        p.row(before + [(made[t], 1), (kept[t], -1)], "E", d.randint(4, 15))
        p.row([(made[t], 1), (set_up[t], -60)], "L", 0)
    return p


def bins(d):
    p, items, count = Program(), 7, 4
    used = [p.column(1) for _ in range(count)]
    x = [[p.column(0) for _ in range(items)] for _ in range(count)]
    weights = [d.randint(3, 8) for _ in range(items)]
    for i in range(items):
        p.row(((x[b][i], 1) for b in range(count)), "E", 1)
    for b in range(count):
        p.row([(x[b][i], weights[i]) for i in range(items)] + [(used[b], -12)], "L", 0)
    return p


def mixed(d):
    p = Program()
    for j in range(12):
        lower = d.randint(-4, 0)
        p.column(d.randint(-9, 9), lower, lower + d.randint(1, 9), j % 3 != 0)
    for _ in range(8):
        row = {j: d.randint(-9, 9) for j in d.sample(range(12), 6)}
        p.row({j: v for j, v in row.items() if v}, d.choice("LGE" if d.random() < 0.3 else "LG"), d.randint(-15, 15))
    return p


def cbc(file, folder):
    out = folder / "cbc.txt"
    subprocess.run(["cbc", file, "-ratioGap", "0", "-allowableGap", "0", "-solve", "-solu", out], capture_output=True, timeout=120)
    line = out.read_text().splitlines()[0]
    if line.startswith(("Infeasible", "Integer infeasible")):
        return None
    found = re.match(r"Optimal.* objective value +(\S+)", line)
    if not found:
        raise RuntimeError(f"cbc: {line}")
    return float(found[1])


def glpk(file, folder):
    out = folder / "glpk.txt"
    said = subprocess.run(["glpsol", "--freemps", file, "-o", out], capture_output=True, text=True, timeout=120).stdout
    if "HAS NO PRIMAL FEASIBLE" in said or "HAS NO INTEGER FEASIBLE" in said or "INTEGER EMPTY" in out.read_text():
        return None
    text = out.read_text()
    if "INTEGER OPTIMAL" not in text:
        raise RuntimeError(f"glpsol: {text[:300]}")
    return float(re.search(r"Objective: .*= *(\S+)", text)[1])


def ours(program, file, folder):
    out = folder / "ours.json"
    subprocess.run([program, file, "--json", out, "--time-limit", "60"], capture_output=True, timeout=120)
    said = json.loads(out.read_text())
    if said["status"] == "infeasible":
        return None, said
    if said["status"] != "optimal":
        raise RuntimeError(f"solve_lp: {said}")
    return said["objective"], said


def main():
    peers = {name: call for name, tool, call in (("CBC", "cbc", cbc), ("GLPK", "glpsol", glpk)) if shutil.which(tool)}
    for name in ("CBC", "GLPK"):
        if name not in peers:
            print(f"missing: {name}")
    if not peers:
        return 77
    wrong = infeasible = nodes = count = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for kind in (knapsacks, covering, assignment, location, lots, bins, mixed):
            for seed in range(6 if kind is not mixed else 12):
                file = folder / "made.mps"
                file.write_text(kind(random.Random(f"{kind.__name__} {seed}")).mps())
                mine, said = ours(sys.argv[1], file, folder)
                count += 1
                nodes += said["nodes"]
                infeasible += mine is None
                for name, call in peers.items():
                    theirs = call(file, folder)
                    same = (mine is None) == (theirs is None) and (
                        mine is None or abs(mine - theirs) <= 1e-6 * max(1.0, abs(mine)))
                    if not same:
                        wrong += 1
                        print(f"{kind.__name__} {seed}: solve_lp says {mine}, {name} says {theirs}")
    print(f"{count} programs, {infeasible} of them infeasible, {nodes} nodes, peers: {', '.join(peers)}; {wrong} differ")
    if infeasible == 0 or nodes < 5 * count:
        print("the programs are too easy to show anything")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
