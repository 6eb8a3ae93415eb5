#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""share_cluster beside plain programs on HiGHS, in the same run: seconds for the shares of made clusters.

    compare.py SHARE_CLUSTER [--jobs 256 2048] [--repeat 3] [--limit 60] [--policies max_min_perf ...]

Plain: a column for each job and type, no grouping. One program for max-min and makespan; 31 by halving for finish-time
fairness; for water filling and the hierarchy one after the other, jobs whose demand has a dual being stuck from then on;
with pairs a column for each two jobs and type. HiGHS with its defaults and one thread. What is timed is HiGHS's solve
calls alone, and for share_cluster all that it does between the instance and the shares, checks of certificates and
breaking of ties included. `off` is the relative difference of the objectives, of the fillings that of the levels of the
jobs that differ most. What HiGHS has not ended after --limit seconds is shown as `> limit`; it proves no more than that.
HiGHS comes from its Python package (highspy).
"""

import argparse
import json
import math
import random
import subprocess
import tempfile
import time


class OutOfTime(Exception):
    pass


def made(jobs, kinds, policy, seed=1):
    """Jobs of `kinds` kinds, or all different; a quarter of them as workers of each of three types."""
    dice = random.Random(seed)

    def rates():
        fastest = math.exp(1 + 4 * dice.random())
        return [fastest, fastest * dice.uniform(0.25, 0.8), fastest * dice.uniform(0.05, 0.35)]

    table = [rates() for _ in range(kinds or jobs)]
    kind_of = [dice.randrange(kinds) if kinds else i for i in range(jobs)]
    rows = [table[k] for k in kind_of]
    elapsed = [40000 * dice.random() for _ in range(jobs)]
    given = {
        "worker_types": ["v100", "p100", "k80"],
        "num_workers": [jobs // 16] * 3 if not kinds else [jobs // 4] * 3,
        "throughput": rows,
        "priority": [5 if dice.random() < 0.2 else 1 for _ in range(jobs)],
        "steps_remaining": [row[0] * 3600 * 10 ** (1.5 * dice.random()) for row in rows],
        "elapsed": elapsed,
        "isolated_time_so_far": [e * dice.random() for e in elapsed],
    }
    if policy == "hierarchical":
        given["entities"] = [{"weight": 1 + e % 3, "policy": "fairness", "jobs": list(range(e, jobs, 12))}
                             for e in range(12)]
    if policy == "max_min_packed":
        # Two jobs on one worker each keep a part of what they do alone.
        given["job_type"] = [[f"kind {k}", 1] for k in kind_of]
        names = [str((f"kind {k}", 1)) for k in range(len(table))]
        given["oracle"] = {}
        for j, type_name in enumerate(given["worker_types"]):
            of_type = given["oracle"][type_name] = {name: {"null": table[k][j]} for k, name in enumerate(names)}
            for a in range(len(table)):
                for b in range(a, len(table)):
                    kept = (dice.uniform(0.3, 0.9), dice.uniform(0.3, 0.9))
                    kept = (kept[0], kept[0]) if a == b else kept
                    of_type[names[a]][names[b]] = [kept[0] * table[a][j], kept[1] * table[b][j]]
                    of_type[names[b]][names[a]] = of_type[names[a]][names[b]][::-1]
    return given


def ours(program, instance, policy, repeat):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given, tempfile.NamedTemporaryFile(suffix=".json") as out, \
            tempfile.NamedTemporaryFile("w", suffix=".json") as oracle:
        options = []
        if "oracle" in instance:
            json.dump(instance["oracle"], oracle)
            oracle.flush()
            options = ["--oracle", oracle.name]
        json.dump({key: value for key, value in instance.items() if key != "oracle"}, given)
        given.flush()
        best = math.inf
        for _ in range(repeat):
            subprocess.run([program, given.name, "--policy", policy, "--json", out.name, *options], check=True,
                           capture_output=True)
            said = json.load(open(out.name))
            best = min(best, said["seconds"])
        assert said["certificate_verified"]
        return best, said


class Plain:
    """max level, rate_i / need_i >= least_i + slope_i level, on HiGHS."""

    def __init__(self, instance, limit):
        import highspy

        self.highspy = highspy
        self.given = instance
        self.limit = limit
        self.seconds = 0
        self.programs = 0

    def solve(self, need, slope=None, least=None):
        """The level, and the dual of each job's demand."""
        h = self.highspy
        rows, counts = self.given["throughput"], self.given["num_workers"]
        jobs, types = len(rows), len(counts)
        start, index, value = [0], [], []
        for i in range(jobs):
            for j in range(types):
                index += [i, jobs + i, 2 * jobs + j]
                value += [rows[i][j] / need[i], 1.0, 1.0]
                start.append(len(index))
        if "oracle" in self.given:
            self.append_pairs(need, start, index, value)
        index += range(jobs)
        value += [-1.0] * jobs if slope is None else [-w for w in slope]
        columns = len(start)
        start.append(len(index))
        model = h.HighsLp()
        model.num_col_, model.num_row_ = columns, 2 * jobs + types
        model.sense_ = h.ObjSense.kMaximize
        model.col_cost_ = [0.0] * (columns - 1) + [1.0]
        model.col_lower_ = [0.0] * columns
        model.col_upper_ = [h.kHighsInf] * columns
        model.row_lower_ = (least or [0.0] * jobs) + [-h.kHighsInf] * (jobs + types)
        model.row_upper_ = [h.kHighsInf] * jobs + [1.0] * jobs + [float(n) for n in counts]
        model.a_matrix_.format_ = h.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = start, index, value
        one = h.Highs()
        one.setOptionValue("output_flag", False)
        one.setOptionValue("threads", 1)
        one.setOptionValue("time_limit", max(0.0, self.limit - self.seconds))
        one.passModel(model)
        began = time.perf_counter()
        one.run()
        self.seconds += time.perf_counter() - began
        self.programs += 1
        if self.seconds >= self.limit or one.getModelStatus() != h.HighsModelStatus.kOptimal:
            raise OutOfTime
        return one.getObjectiveValue(), list(one.getSolution().row_dual[:jobs])

    def append_pairs(self, need, start, index, value):
        """A column for each two jobs and type."""
        jobs = len(need)
        names = [str(tuple(one)) for one in self.given["job_type"]]
        for j, type_name in enumerate(self.given["worker_types"]):
            of_type = self.given["oracle"][type_name]
            for a in range(jobs):
                beside = of_type[names[a]]
                for b in range(a + 1, jobs):
                    first, second = beside[names[b]]
                    index += [a, b, jobs + a, jobs + b, 2 * jobs + j]
                    value += [first / need[a], second / need[b], 1.0, 1.0, 1.0]
                    start.append(len(index))

    def fill(self, mix, weights_of):
        """Levels one after the other: `weights_of(stuck)` says how fast those that are not stuck rise."""
        jobs = len(mix)
        level, stuck = [0.0] * jobs, [False] * jobs
        while not all(stuck):
            slope = weights_of(stuck)
            rise, dual = self.solve(mix, slope, level)
            level = [l + rise * w for l, w in zip(level, slope)]
            largest = max(abs(d) * w for d, w in zip(dual, slope))
            now = [abs(d) * w > 1e-9 * largest and w > 0 for d, w in zip(dual, slope)]
            # Less 1e-12, or the rounding of a level may leave the next program without shares.
            level = [l * (1 - 1e-12) for l in level]
            stuck = [was or is_now for was, is_now in zip(stuck, now)]
        return level

    def objective(self, policy):
        g = self.given
        rows, counts = g["throughput"], g["num_workers"]
        jobs, all_workers = len(rows), sum(counts)
        mix = [sum(t * n for t, n in zip(row, counts)) / all_workers for row in rows]
        if policy in ("max_min_perf", "max_min_packed"):
            return self.solve([w * m for w, m in zip(g["priority"], mix)])[0]
        if policy == "makespan":
            scale = max(g["steps_remaining"])
            return scale / self.solve([s / scale for s in g["steps_remaining"]])[0]
        if policy == "water_filling":
            return self.fill(mix, lambda stuck: [0.0 if s else float(w) for s, w in zip(stuck, g["priority"])])
        if policy == "hierarchical":
            def weights_of(stuck):
                made = [0.0] * jobs
                for entity in g["entities"]:
                    free = [i for i in entity["jobs"] if not stuck[i]]
                    for i in free:
                        made[i] = entity["weight"] * g["priority"][i] / sum(g["priority"][k] for k in free)
                return made
            return self.fill(mix, weights_of)
        fair = []
        for i, row in enumerate(rows):
            share = [n / jobs for n in counts]
            busy = max(1, sum(share))
            fair.append(g["isolated_time_so_far"][i]
                        + g["steps_remaining"][i] / (sum(t * x for t, x in zip(row, share)) / busy))
        low = max(e / d for e, d in zip(g["elapsed"], fair))
        high = max((e + d) / d for e, d in zip(g["elapsed"], fair)) + low
        for _ in range(31):
            rho = 0.5 * (low + high)
            need = [s / (rho * d - e) for s, d, e in zip(g["steps_remaining"], fair, g["elapsed"])]
            low, high = (low, rho) if self.solve(need)[0] >= 1 else (rho, high)
        return high


def difference(said, other):
    if not isinstance(other, list):
        return abs(other / said["objective"] - 1)
    return max(abs(a - b) / max(abs(b), 1e-9) for a, b in zip(other, said["levels"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--kinds", type=int, nargs="+", default=[26, 0], help="0: no two jobs are alike")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60, help="seconds that HiGHS has for all programs of a line")
    parser.add_argument("--policies", nargs="+", default=["max_min_perf", "makespan", "ftf", "water_filling",
                                                          "hierarchical", "max_min_packed"])
    parser.add_argument("--packed-jobs", type=int, default=256,
                        help="the most jobs for which a column for each two of them is written down")
    given = parser.parse_args()
    print("| policy | jobs | share_cluster ms | HiGHS ms | programs | ratio | off |\n"
          "| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for policy in given.policies:
        for kinds in given.kinds:
            for jobs in given.jobs:
                if policy == "max_min_packed" and kinds == 0:
                    continue
                instance = made(jobs, kinds, policy)
                seconds, said = ours(given.program, instance, policy, given.repeat)
                line = f"| {policy} | {jobs}, {kinds or 'no two'} kinds | {1e3 * seconds:.2f} | "
                if policy == "max_min_packed" and jobs > given.packed_jobs:
                    print(line + f"not tried, {3 * (jobs * jobs + jobs) // 2 / 1e6:.1f} million columns | | | |", flush=True)
                    continue
                plain = Plain(instance, given.limit)
                try:
                    other = plain.objective(policy)
                    print(line + f"{1e3 * plain.seconds:.1f} | {plain.programs} | {plain.seconds / seconds:.0f} | "
                          f"{difference(said, other):.0e} |", flush=True)
                except OutOfTime:
                    print(line + f"> {1e3 * given.limit:.0f} (limit) | in program {plain.programs} | "
                          f"> {given.limit / seconds:.0f} | |", flush=True)


if __name__ == "__main__":
    main()
