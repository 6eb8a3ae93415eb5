#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Linear programs of the kinds that public collections are made of, drawn from a seed and written as MPS files.

    structured.py FOLDER [--size small|middle|large]

Each kind stands for problems of Netlib and Kennington that have its structure (in brackets):

    flows          commodities through a grid over time, on shared capacities (pds, ken)
    covering       few rows, many columns of a few ones (osa)
    crews          runs of consecutive duties, each to be done once, limits on bases (cre, d6cube)
    quadratic      the linear relaxation of quadratic assignment by Adams and Johnson, fully degenerate (qap, nug)
    truss          the lightest framework that carries a load (truss)
    staircase      production over periods, entries some decades apart, free columns (pilot, greenbea, stair)
    deviations     regression by least absolute deviations (fit)
    scenarios      a decision, and what it takes in each of many scenarios (stocfor, deter)
    fleets         fleets over a timetable that comes round again (dfl001)

and `flows_infeasible`, `crews_infeasible`, `truss_infeasible`, `scenarios_unbounded`, which have no optimum.
"""

import argparse
import math
import random
from pathlib import Path


class Program:
    """minimize cost x; rows have a kind of 'L', 'G' or 'E'. Columns without bounds given are at least 0."""

    def __init__(self):
        self.rows, self.columns, self.bounds = {}, [], []

    def row(self, name, kind, right=0.0):
        self.rows[name] = (kind, right)

    def column(self, name, cost, entries, lower=0.0, upper=math.inf):
        self.columns.append((name, cost, entries))
        if lower == -math.inf and upper == math.inf:
            self.bounds.append(f" FR B {name}")
        else:
            if lower != 0:
                self.bounds.append(f" LO B {name} {lower!r}")
            if upper < math.inf:
                self.bounds.append(f" UP B {name} {upper!r}")

    def write(self, file):
        lines = [f"NAME {file.stem}", "ROWS", " N cost"]
        lines += [f" {kind} {name}" for name, (kind, _) in self.rows.items()]
        lines.append("COLUMNS")
        for name, cost, entries in self.columns:
            lines.append(f" {name} cost {float(cost)!r}")
            lines += [f" {name} {row} {float(value)!r}" for row, value in entries]
        lines.append("RHS")
        lines += [f" R {name} {float(right)!r}" for name, (_, right) in self.rows.items() if right != 0]
        lines += ["BOUNDS", *self.bounds, "ENDATA", ""]
        file.write_text("\n".join(lines))


def flows(draw, commodities, side, steps, overflow=True):
    p, nodes, arcs = Program(), side * side, []
    for t in range(steps - 1):
        for a in range(nodes):
            arcs.append((t, a, a, 0, None))
            x, y = a % side, a // side
            for u, v in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
                if 0 <= u < side and 0 <= v < side:
                    arcs.append((t, a, v * side + u, draw.randint(1, 20), draw.randint(3, 12) if overflow else 1))
    for i, arc in enumerate(arcs):
        if arc[4] is not None:
            p.row(f"room{i}", "L", arc[4])
    for k in range(commodities):
        source, sink = draw.randrange(nodes), draw.randrange(nodes)
        demand = draw.randint(2, 9) * (1 if overflow else 4)
        for t in range(steps):
            for a in range(nodes):
                out = demand * ((t == 0 and a == source) - (t == steps - 1 and a == sink))
                p.row(f"at{k}_{t}_{a}", "E", out)
        for i, (t, a, b, cost, room) in enumerate(arcs):
            entries = [(f"at{k}_{t}_{a}", 1), (f"at{k}_{t + 1}_{b}", -1)]
            p.column(f"x{k}_{i}", cost, entries + ([(f"room{i}", 1)] if room else []))
        if overflow:
            p.column(f"over{k}", 1000, [(f"at{k}_0_{source}", 1), (f"at{k}_{steps - 1}_{sink}", -1)])
    return p


def covering(draw, rows, columns):
    p = Program()
    for i in range(rows):
        p.row(f"r{i}", "G", 1)
    for j in range(columns):
        covered = draw.sample(range(rows), draw.randint(2, 9))
        upper = 1.0 if draw.random() < 0.3 else math.inf
        p.column(f"c{j}", round(draw.uniform(1, 3) * len(covered), 2), [(f"r{i}", 1) for i in covered], 0, upper)
    return p


def crews(draw, duties, columns, uncovered=True):
    p = Program()
    for i in range(duties):
        p.row(f"duty{i}", "E", 1)
    for b in range(8):
        p.row(f"base{b}", "L", duties / 40)
    if uncovered:
        for i in range(duties):
            p.column(f"open{i}", 500, [(f"duty{i}", 1)])
    for j in range(columns):
        i, run = draw.randrange(duties if uncovered else duties - 1), []
        for _ in range(draw.randint(2, 12)):
            run.append((f"duty{i}", 1))
            i += draw.randint(1, 5)
            if i >= (duties if uncovered else duties - 1):
                break
        p.column(f"run{j}", draw.randint(20, 90) + 3 * len(run), run + [(f"base{draw.randrange(8)}", 1)])
    return p


def quadratic(draw, n):
    p = Program()
    away = [[abs(i % 3 - j % 3) + abs(i // 3 - j // 3) for j in range(n)] for i in range(n)]
    flow = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            flow[i][j] = flow[j][i] = draw.choice([0, 0, 1, 2, 3, 5])
    for i in range(n):
        p.row(f"a{i}", "E", 1)
        p.row(f"b{i}", "E", 1)
    for i in range(n):
        for j in range(n):
            for k in range(n):
                if k != i:
                    p.row(f"p{i}_{j}_{k}", "E")
                if k != j:
                    p.row(f"q{i}_{j}_{k}", "E")
    for i in range(n):
        for j in range(n):
            entries = [(f"a{i}", 1), (f"b{j}", 1)]
            entries += [(f"p{i}_{j}_{k}", -1) for k in range(n) if k != i]
            entries += [(f"q{i}_{j}_{k}", -1) for k in range(n) if k != j]
            p.column(f"x{i}_{j}", 0, entries)
    for i in range(n):
        for k in range(i + 1, n):
            for j in range(n):
                for l in range(n):
                    if l != j:
                        rows = (f"p{i}_{j}_{k}", f"p{k}_{l}_{i}", f"q{i}_{j}_{l}", f"q{k}_{l}_{j}")
                        p.column(f"y{i}_{j}_{k}_{l}", 2 * flow[i][k] * away[j][l], [(r, 1) for r in rows])
    return p


def truss(_, width, height, steepest=4, levels_only=False):
    """Bars between the points of a grid, fixed at the left, a load in the middle of the right side."""
    p, points = Program(), [(x, y) for x in range(width) for y in range(height)]
    for i, (x, y) in enumerate(points):
        if x > 0:
            p.row(f"x{i}", "E")
            p.row(f"y{i}", "E", -1 if (x, y) == (width - 1, height // 2) else 0)
    for i, (x, y) in enumerate(points):
        for j in range(i + 1, len(points)):
            dx, dy = points[j][0] - x, points[j][1] - y
            if max(abs(dx), abs(dy)) > steepest or math.gcd(abs(dx), abs(dy)) != 1 or (levels_only and dy != 0):
                continue
            length, entries = math.hypot(dx, dy), []
            for at, sign in ((i, 1), (j, -1)):
                if points[at][0] > 0:
                    entries += [(f"{axis}{at}", sign * d / length) for axis, d in (("x", dx), ("y", dy)) if d != 0]
            if entries:
                p.column(f"pull{i}_{j}", length, entries)
                p.column(f"push{i}_{j}", length, [(row, -v) for row, v in entries])
    return p


def staircase(draw, periods, goods, decades):
    p = Program()
    size = lambda: 10 ** draw.uniform(-decades, decades)
    for t in range(periods):
        for i in range(goods):
            p.row(f"need{t}_{i}", "G", draw.uniform(1, 10))
            p.row(f"store{t}_{i}", "E")
        for i in range(goods // 2):
            p.row(f"room{t}_{i}", "L", draw.uniform(20, 60) * goods)
    for t in range(periods):
        for i in range(goods):
            entries = [(f"store{t}_{i}", -1), (f"need{t}_{i}", -draw.uniform(0.1, 1))]
            if t < periods - 1:
                entries.append((f"store{t + 1}_{i}", draw.uniform(0.9, 1)))
            p.column(f"keep{t}_{i}", draw.uniform(0, 1), entries)
            p.column(f"buy{t}_{i}", 20 + draw.uniform(0, 100), [(f"need{t}_{i}", 1)])
        for a in range(3 * goods):
            unit, entries = size(), []
            entries += [(f"store{t}_{i}", unit * draw.uniform(-0.5, 1)) for i in draw.sample(range(goods), 4)]
            entries += [(f"need{t}_{i}", unit * draw.uniform(0.2, 1)) for i in draw.sample(range(goods), 2)]
            entries += [(f"room{t}_{i}", unit * draw.uniform(0.1, 1)) for i in draw.sample(range(goods // 2), 2)]
            if t < periods - 1:
                later = draw.sample(range(goods), 2)
                entries += [(f"store{t + 1}_{i}", unit * draw.uniform(0, 0.3)) for i in later]
            upper = math.inf if draw.random() < 0.7 else draw.uniform(0.1, 5) / unit
            p.column(f"make{t}_{a}", unit * draw.uniform(1, 20), entries, 0, upper)
        for a in range(goods // 4):
            entries = [(f"store{t}_{a}", size()), (f"store{t}_{a + 1}", -size())]
            p.column(f"trade{t}_{a}", 0, entries, -math.inf, math.inf)
    return p


def deviations(draw, observations, features):
    p = Program()
    for i in range(observations):
        p.row(f"r{i}", "E", draw.gauss(0, 1))
    for f in range(features):
        seen = [i for i in range(observations) if draw.random() < 0.4]
        p.column(f"b{f}", 0.01, [(f"r{i}", draw.gauss(0, 1) * 10 ** (f % 5 - 2)) for i in seen], -3.0, 3.0)
    for i in range(observations):
        p.column(f"above{i}", 1, [(f"r{i}", 1)])
        p.column(f"below{i}", 1, [(f"r{i}", -1)])
    return p


def scenarios(draw, count, first, second, bounded=True):
    p = Program()
    for i in range(first):
        p.row(f"a{i}", "L", draw.uniform(50, 100))
    recourse = [[(draw.randrange(second), draw.uniform(0.5, 2)) for _ in range(3)] for _ in range(2 * second)]
    link = [[(draw.randrange(second), draw.uniform(0.5, 2)) for _ in range(3)] for _ in range(2 * first)]
    for s in range(count):
        for i in range(second):
            p.row(f"s{s}_{i}", "G", draw.uniform(5, 20))
    for j in range(2 * first):
        entries = {f"a{i}": draw.uniform(0.5, 2) for i in draw.sample(range(first), 3)}
        for s in range(count):
            entries.update({f"s{s}_{i}": v for i, v in link[j]})
        p.column(f"x{j}", draw.uniform(1, 5), list(entries.items()))
    for s in range(count):
        for j in range(2 * second):
            entries = {f"s{s}_{i}": v for i, v in recourse[j]}
            p.column(f"y{s}_{j}", draw.uniform(2, 20) / count, list(entries.items()))
    if not bounded:  # more of everything pays, though nothing alone does
        p.column("sell", -9 * first, [(f"s{count - 1}_{i}", -1e-3) for i in range(second)])
    return p


def fleets(draw, stations, days, kinds):
    p, flights, hours = Program(), [], 24 * days
    for _ in range(6 * days * stations):
        a = draw.randrange(stations)
        b = 0 if a and draw.random() < 0.6 else draw.randrange(stations)
        t = draw.randrange(hours)
        if a != b:
            flights.append((a, b, t, (t + draw.randint(1, 4)) % hours))
    for i in range(len(flights)):
        p.row(f"fly{i}", "E", 1)
    for f in range(kinds):
        p.row(f"size{f}", "L", len(flights) // (6 * kinds) + 3)
        for s in range(stations):
            times = sorted({x[2] for x in flights if x[0] == s} | {x[3] for x in flights if x[1] == s})
            for t in times:
                p.row(f"at{f}_{s}_{t}", "E")
            for here, then in zip(times, times[1:] + times[:1]):
                if then != here:
                    entries = [(f"at{f}_{s}_{here}", -1), (f"at{f}_{s}_{then}", 1)]
                    p.column(f"stay{f}_{s}_{here}", 0, entries + ([(f"size{f}", 1)] if then < here else []))
        for i, (a, b, t, u) in enumerate(flights):
            entries = [(f"fly{i}", 1), (f"at{f}_{a}_{t}", -1), (f"at{f}_{b}_{u}", 1)]
            p.column(f"x{f}_{i}", draw.randint(10, 60), entries + ([(f"size{f}", 1)] if u < t else []))
    for i in range(len(flights)):
        p.column(f"lost{i}", 400, [(f"fly{i}", 1)])
    return p


SIZES = {
    "small": {
        "flows": (flows, 4, 4, 6), "covering": (covering, 60, 400), "crews": (crews, 80, 500),
        "quadratic": (quadratic, 4), "truss": (truss, 6, 4), "staircase": (staircase, 6, 12, 2),
        "deviations": (deviations, 80, 10), "scenarios": (scenarios, 8, 12, 8), "fleets": (fleets, 6, 2, 3),
        "flows_infeasible": (flows, 4, 4, 6, False), "crews_infeasible": (crews, 80, 500, False),
        "truss_infeasible": (truss, 6, 4, 4, True), "scenarios_unbounded": (scenarios, 8, 12, 8, False),
    },
    "middle": {
        "flows": (flows, 20, 7, 12), "covering": (covering, 400, 8000), "crews": (crews, 500, 6000),
        "quadratic": (quadratic, 7), "truss": (truss, 22, 12), "staircase": (staircase, 16, 30, 3),
        "deviations": (deviations, 3000, 25), "scenarios": (scenarios, 256, 40, 20), "fleets": (fleets, 20, 3, 4),
        "flows_infeasible": (flows, 20, 7, 12, False), "crews_infeasible": (crews, 500, 6000, False),
        "truss_infeasible": (truss, 22, 12, 4, True), "scenarios_unbounded": (scenarios, 256, 40, 20, False),
    },
    "large": {
        "flows": (flows, 40, 9, 20), "covering": (covering, 1200, 50000), "crews": (crews, 1500, 30000),
        "quadratic": (quadratic, 8), "truss": (truss, 30, 16), "staircase": (staircase, 40, 40, 2),
        "deviations": (deviations, 6000, 60), "scenarios": (scenarios, 1024, 40, 20), "fleets": (fleets, 40, 4, 6),
    },
}


def write_all(folder, size):
    """The files, one for each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for place, (kind, (make, *arguments)) in enumerate(SIZES[size].items()):
        files.append(folder / f"{kind}.mps")
        make(random.Random(1000 + place), *arguments).write(files[-1])
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES, default="middle")
    asked = parser.parse_args()
    for file in write_all(asked.folder, asked.size):
        print(file)


if __name__ == "__main__":
    main()
