#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""share_cluster answers in the form that docs/allocation.md gives, and refuses what cannot be in one sentence.

    share_cluster.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile

NAMES = (
    "max_min_agnostic max_min_perf max_min_packed makespan ftf sum_throughput sum_throughput_over_cost "
    "sum_throughput_over_cost_slo throughput_per_dollar throughput_per_dollar_slo fifo fifo_lp sjf water_filling "
    "hierarchical allox gandiva isolated proportional nash pop"
).split()
NO_PROGRAMS = {"fifo", "sjf", "allox", "gandiva", "isolated", "proportional"}
NO_PRICES = NO_PROGRAMS - {"allox"}

INSTANCE = {
    "worker_types": ["v100", "p100", "k80"],
    "num_workers": [2, 1, 2],
    "throughput": [[40, 22, 10], [12, 9, 4], [100, 100, 100], [8, 4, 0]],
    "scale_factor": [1, 1, 1, 1],
    "priority": [1, 2, 1, 1],
    "steps_remaining": [1e5, 2e5, 3e5, 1e4],
    "elapsed": [0, 100, 50, 10],
    "isolated_time_so_far": [0, 90, 40, 5],
    "cost_per_hour": [2.48, 1.46, 0.45],
    "slo_seconds": {"1": 40000},
    "entities": [
        {"weight": 1, "policy": "fairness", "jobs": [0, 1]},
        {"weight": 2, "policy": "fifo", "jobs": [3, 2]},
    ],
    "pairs": [[0, 1], [2, 0]],
    "pair_throughput": [[[30, 9], [15, 7], [8, 3]], [[90, 35], [80, 20], [0, 0]]],
}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        model, said, picture = folder / "instance.json", folder / "said.json", folder / "picture.svg"

        def run(*arguments):
            return subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True, timeout=60)

        def share(instance, policy, *options, status=0):
            model.write_text(instance if isinstance(instance, str) else json.dumps(instance))
            said.unlink(missing_ok=True)
            done = run(model, "--policy", policy, "--json", said, *options)
            assert done.returncode == status, (policy, done)
            return json.loads(said.read_text()) if status == 0 else done

        listed = run("--list")
        assert listed.returncode == 0 and listed.stdout.split() == NAMES, listed

        for policy in NAMES:
            got = share(INSTANCE, policy, "--svg", picture)
            assert got["policy"] == policy and got["seconds"] >= 0, got
            assert got["certificate_verified"] is (None if policy in NO_PROGRAMS else True), got
            rows, pairs = got["allocation"], got.get("pair_allocation", [])
            assert [len(row) for row in rows] == [3] * 4, got
            time = [sum(row) for row in rows]
            used = [sum(row[j] for row in rows) + sum(row[j] for row in pairs) for j in range(3)]
            for (a, b), row in zip(got.get("pairs", []), pairs):
                time[a] += sum(row)
                time[b] += sum(row)
            assert all(0 <= t <= 1 + 1e-8 for t in time), (policy, time)
            assert all(u <= n + 1e-8 for u, n in zip(used, INSTANCE["num_workers"])), (policy, used)
            if policy != "max_min_agnostic":
                assert rows[3][2] == 0, got  # it cannot run there
            if policy in NO_PRICES:
                assert got["prices"] is None, got
            else:
                assert len(got["prices"]) == 3 and min(got["prices"]) >= 0, got
            assert ("levels" in got) == (policy in ("water_filling", "hierarchical")), got
            text = picture.read_text()
            assert text.startswith("<svg") and text.rstrip().endswith("</svg>") and "k80" in text

        # By hand: one worker, two jobs, the second with twice the weight.
        small = {"worker_types": ["x"], "num_workers": [1], "throughput": [[4], [7]], "priority": [1, 2]}
        got = share(small, "max_min_perf")
        assert abs(got["allocation"][0][0] - 1 / 3) < 1e-9 and abs(got["objective"] - 1 / 3) < 1e-9, got
        assert abs(got["prices"][0] - 1 / 3) < 1e-9, got
        got = share({**small, "steps_remaining": [40, 70]}, "makespan")
        assert abs(got["objective"] - 20) < 1e-6 and abs(got["prices"][0] - 20) < 1e-5, got
        # Pairs are answered in the order in which they are asked about.
        got = share({**small, "pairs": [[1, 0]], "pair_throughput": [[[7, 4]]]}, "max_min_packed")
        assert got["pairs"] == [[1, 0]] and abs(got["pair_allocation"][0][0] - 1) < 1e-6, got
        assert abs(got["objective"] - 0.5) < 1e-9, got  # both at full speed; the second weighs two
        # Other policies share space when told to.
        alone = share({**INSTANCE, "num_workers": [1, 0, 0]}, "makespan")["objective"]
        assert share({**INSTANCE, "num_workers": [1, 0, 0]}, "makespan", "--space-sharing")["objective"] < alone
        # Throughputs from an oracle.
        oracle = {
            "x": {
                "('A', 1)": {"null": 4.0, "('A', 1)": [3.0, 3.0], "('B', 1)": [3.5, 5.0]},
                "('B', 1)": {"null": 7.0, "('B', 1)": [1.0, 1.0], "('A', 1)": [5.0, 3.5]},
            }
        }
        (folder / "oracle.json").write_text(json.dumps(oracle))
        typed = {"worker_types": ["x"], "num_workers": [1], "job_type": [["A", 1], ["B", 1], ["A", 1]]}
        packed = share(typed, "max_min_packed", "--oracle", folder / "oracle.json")
        rated = {"worker_types": ["x"], "num_workers": [1], "throughput": [[4], [7], [4]]}
        pairs = {"pairs": [[0, 1], [0, 2], [1, 2]], "pair_throughput": [[[3.5, 5]], [[3, 3]], [[5, 3.5]]]}
        assert abs(packed["objective"] - share({**rated, **pairs}, "max_min_packed")["objective"]) < 1e-9, packed
        assert packed["objective"] > share(rated, "max_min_perf")["objective"] * 1.1
        # Several gangs for one job.
        many = {**small, "num_workers": [4], "options": [[{"type": "x", "workers": w, "throughput": 4 * w**0.5}
                                                          for w in (1, 2, 4)], None]}
        got = share(many, "sum_throughput")
        assert sum(got["allocation"][0]) <= 1 + 1e-9 and got["throughput"][0] > 6.5, got

        def refused(instance, words, policy="max_min_perf", *options):
            done = share(instance, policy, *options, status=2)
            assert words in done.stderr and len(done.stderr.strip().split("\n")) == 1, (words, done.stderr)

        def changed(field, value):
            return {**INSTANCE, field: value}

        refused(INSTANCE, "no_such_policy", "no_such_policy")
        refused("{\"worker_types\": [", "is not JSON")
        refused("[1, 2]", "must be an object")
        refused({k: v for k, v in INSTANCE.items() if k != "num_workers"}, "num_workers is missing")
        refused(changed("throughput", [[1, 2, 3], [1, 2]] + [[1, 1, 1]] * 2), "throughput[1] has 2 numbers, not 3")
        refused(changed("throughput", [[1, 2, -3]] * 4), "throughput[0][2] is negative")
        refused(changed("throughput", [[1, "a", 3]] * 4), "throughput[0][1] must be a number")
        refused(json.dumps(INSTANCE).replace("22", "NaN"), "is not JSON")
        refused(json.dumps(INSTANCE).replace("22", "1e999"), "")
        refused(changed("priority", [1, 1, 1]), "priority has 3 numbers, not 4")
        refused(changed("priority", [1, 1, 0, 1]), "priority[2] must be positive")
        refused(changed("scale_factor", [1, 1, 3, 1]), "scale_factor[2] is 3; the job is larger than the cluster")
        refused(changed("scale_factor", [1, 1, 1.5, 1]), "scale_factor[2] must be a whole number")
        refused(changed("slo_seconds", {"9": 5}), "slo_seconds[9] names no job")
        refused(changed("entities", [{"weight": 1, "jobs": [0, 1]}]), "job 2 is in none", "hierarchical")
        refused(changed("entities", [{"weight": 1, "jobs": [0, 0]}]), "for the second time")
        refused(changed("entities", [{"weight": 1, "policy": "random", "jobs": [0]}]), "entities[0].policy")
        refused(changed("pairs", [[0, 0], [1, 2]]), "pairs[0] must name two different jobs")
        refused(changed("pair_throughput", [[[1, 2]]]), "pair_throughput has 1 entries, not 2")
        refused(changed("num_workers", [0, 0, 0]), "num_workers is zero")
        refused(changed("cost_per_hour", [1, 1, 0]), "cost_per_hour[2] must be positive", "throughput_per_dollar")
        refused(typed, "oracle", "max_min_packed", "--oracle", model)
        done = run(folder / "none.json", "--policy", "fifo")
        assert done.returncode == 2 and "none.json cannot be read" in done.stderr, done
        assert run(model).returncode == 2 and run().returncode == 2
        assert run(model, "--policy").returncode == 2


main()
