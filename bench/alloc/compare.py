#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""share_cluster beside plain programs on HiGHS, in the same run: seconds for the shares of made clusters.

    compare.py SHARE_CLUSTER [--jobs 256 2048] [--repeat 3] [--ftf-jobs 256]

Plain: a column for each job and type, no grouping, one program for max-min and makespan, 31 programs by halving for
finish-time fairness; HiGHS with its defaults and one thread. What is timed is HiGHS's solve calls alone, and for
share_cluster all that it does between the instance and the shares, checks of certificates and breaking of ties included.
`off` is the relative difference of the objectives. HiGHS comes from its Python package (highspy).
"""

import argparse
import json
import math
import random
import subprocess
import tempfile
import time


def made(jobs, kinds, seed=1):
    """Jobs of `kinds` kinds, or all different; a quarter of them as workers of each of three types."""
    dice = random.Random(seed)

    def rates():
        fastest = math.exp(1 + 4 * dice.random())
        return [fastest, fastest * dice.uniform(0.25, 0.8), fastest * dice.uniform(0.05, 0.35)]

    table = [rates() for _ in range(kinds or jobs)]
    rows = [table[dice.randrange(kinds)] for _ in range(jobs)] if kinds else table
    elapsed = [40000 * dice.random() for _ in range(jobs)]
    return {
        "worker_types": ["v100", "p100", "k80"],
        "num_workers": [jobs // 16] * 3 if not kinds else [jobs // 4] * 3,
        "throughput": rows,
        "priority": [5 if dice.random() < 0.2 else 1 for _ in range(jobs)],
        "steps_remaining": [row[0] * 3600 * 10 ** (1.5 * dice.random()) for row in rows],
        "elapsed": elapsed,
        "isolated_time_so_far": [e * dice.random() for e in elapsed],
    }


def ours(program, instance, policy, repeat):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given, tempfile.NamedTemporaryFile(suffix=".json") as out:
        json.dump(instance, given)
        given.flush()
        best = math.inf
        for _ in range(repeat):
            subprocess.run([program, given.name, "--policy", policy, "--json", out.name], check=True, capture_output=True)
            said = json.load(open(out.name))
            best = min(best, said["seconds"])
        assert said["certificate_verified"]
        return best, said["objective"]


class Plain:
    """max level, rate_i / need_i >= level, on HiGHS."""

    def __init__(self, instance):
        import highspy

        self.highspy = highspy
        self.given = instance
        self.seconds = 0

    def level(self, need):
        h = self.highspy
        rows, counts = self.given["throughput"], self.given["num_workers"]
        jobs, types = len(rows), len(counts)
        model = h.HighsLp()
        model.num_col_, model.num_row_ = jobs * types + 1, 2 * jobs + types
        model.sense_ = h.ObjSense.kMaximize
        model.col_cost_ = [0.0] * (jobs * types) + [1.0]
        model.col_lower_ = [0.0] * model.num_col_
        model.col_upper_ = [h.kHighsInf] * model.num_col_
        model.row_lower_ = [0.0] * jobs + [-h.kHighsInf] * (jobs + types)
        model.row_upper_ = [h.kHighsInf] * jobs + [1.0] * jobs + [float(n) for n in counts]
        start, index, value = [0], [], []
        for i in range(jobs):
            for j in range(types):
                index += [i, jobs + i, 2 * jobs + j]
                value += [rows[i][j] / need[i], 1.0, 1.0]
                start.append(len(index))
        index += range(jobs)
        value += [-1.0] * jobs
        start.append(len(index))
        model.a_matrix_.format_ = h.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = start, index, value
        one = h.Highs()
        one.setOptionValue("output_flag", False)
        one.setOptionValue("threads", 1)
        one.passModel(model)
        began = time.perf_counter()
        one.run()
        self.seconds += time.perf_counter() - began
        return one.getObjectiveValue()

    def objective(self, policy):
        g = self.given
        rows, counts = g["throughput"], g["num_workers"]
        jobs, all_workers = len(rows), sum(counts)
        if policy == "max_min_perf":
            mix = [sum(t * n for t, n in zip(row, counts)) / all_workers for row in rows]
            return self.level([w * m for w, m in zip(g["priority"], mix)])
        if policy == "makespan":
            scale = max(g["steps_remaining"])
            return scale / self.level([s / scale for s in g["steps_remaining"]])
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
            low, high = (low, rho) if self.level(need) >= 1 else (rho, high)
        return high


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, nargs="+", default=[256, 2048])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ftf-jobs", type=int, default=256, help="the most jobs for which 31 programs are solved plainly")
    given = parser.parse_args()
    print("| policy | jobs | share_cluster ms | HiGHS ms | ratio | off |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for policy in ("max_min_perf", "makespan", "ftf"):
        for kinds in (26, 0):
            for jobs in given.jobs:
                if policy == "ftf" and jobs > given.ftf_jobs:
                    continue
                instance = made(jobs, kinds)
                seconds, objective = ours(given.program, instance, policy, given.repeat)
                plain = Plain(instance)
                other = plain.objective(policy)
                print(f"| {policy} | {jobs}, {kinds or 'no two'} kinds | {1e3 * seconds:.2f} | {1e3 * plain.seconds:.1f} | "
                      f"{plain.seconds / seconds:.0f} | {abs(other / objective - 1):.0e} |", flush=True)


if __name__ == "__main__":
    main()
