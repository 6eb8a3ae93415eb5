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


# What the program accepts: the least and the most, and whether 0 is accepted.
RANGES = {
    "throughput": (1e-12, 1e12, True), "pair_throughput": (1e-12, 1e12, True), "num_workers": (1e-3, 1e9, True),
    "steps_remaining": (1e-6, 1e18, True), "elapsed": (1e-6, 1e12, True), "isolated_time_so_far": (1e-6, 1e12, True),
    "cost_per_hour": (1e-6, 1e6, True), "slo_seconds": (1e-3, 1e12, False), "priority": (1e-6, 1e6, False),
    "entities": (1e-6, 1e6, False),
}


def filled(value, number, everywhere):
    """The same lists and objects with a number in place of all that are in them, or of the first."""
    if not isinstance(value, (list, dict)):
        return number
    made = dict(value) if isinstance(value, dict) else list(value)
    for at in list(made) if isinstance(made, dict) else range(len(made)):
        made[at] = filled(made[at], number, everywhere)
        if not everywhere:
            break
    return made


def spread(field, number, everywhere):
    made = dict(INSTANCE)
    if field == "entities":
        made[field] = [{**team, "weight": number} if everywhere or k == 0 else team for k, team in enumerate(made[field])]
    else:
        made[field] = filled(made[field], number, everywhere)
    # Rates of pairs are in proportion to those alone.
    if field == "throughput":
        made["throughput"] = filled(made[field], number, everywhere)
        made["throughput"][3] = [*made["throughput"][3][:2], 0]
        if everywhere:
            made["pair_throughput"] = filled(made["pair_throughput"], max(0.75 * number, 1e-12), True)
    if field == "pair_throughput" and number > 1e3:
        made["throughput"] = filled(made["throughput"], number, True)
    return made


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
            assert status is None or done.returncode == status, (policy, done)
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

        def without(field):
            return {name: value for name, value in INSTANCE.items() if name != field}

        refused(INSTANCE, "no_such_policy", "no_such_policy")
        refused(INSTANCE, "there is no policy 'two lines'", "two\nlines")
        refused("{\"worker_types\": [", "is not JSON")
        refused("[1, 2]", "must be an object")
        refused({k: v for k, v in INSTANCE.items() if k != "num_workers"}, "num_workers is missing")
        refused(changed("throughput", [[1, 2, 3], [1, 2]] + [[1, 1, 1]] * 2), "throughput[1] has 2 numbers, not 3")
        refused(changed("throughput", [[1, 2, -3]] * 4), "throughput[0][2] is negative")
        refused(changed("throughput", [[1, "a", 3]] * 4), "throughput[0][1] must be a number")
        refused(json.dumps(INSTANCE).replace("22", "NaN"), "is not JSON")
        refused(json.dumps(INSTANCE).replace("22", "1e999"), "line 1, in throughput[0][1], has a number beyond the range of doubles")
        refused(json.dumps(INSTANCE).replace("22", "9" * 400), "throughput[0][1], has a number beyond the range of doubles")
        refused(json.dumps(INSTANCE).replace("22", "NaN"),
                "line 1, in throughput[0][1], has 'NaN' where it cannot be; numbers must be finite")
        refused(json.dumps(INSTANCE).replace("22", "-Infinity"),
                "in throughput[0][1], has '-Infinity' where it cannot be; numbers must be finite")
        refused(json.dumps(INSTANCE, indent=1).replace('"k80"', "k80"), "line 5, in worker_types[2], has 'k80' where it cannot be")
        refused(json.dumps(INSTANCE)[:-9], "it ends in line 1, in pair_throughput[1][2]")
        refused(json.dumps(INSTANCE).replace('"priority"', '"elapsed"', 1), "elapsed is there for the second time")
        refused(json.dumps(INSTANCE).replace('"weight": 2', '"weight": 2, "weight": 3'),
                "entities[1].weight is there for the second time")
        refused({**INSTANCE, "throughput": [[1, 2, 3]] * 3 + [[1, 2, "\n" * 200]]}, "throughput[3][2] must be a number")
        refused(changed("priority", [1, 1, 1]), "priority has 3 numbers, not 4")
        refused(changed("priority", [1, 1, 0, 1]), "priority[2] must be positive")
        refused(changed("scale_factor", [1, 1, 3, 1]), "scale_factor[2] is 3; the job is larger than the cluster")
        refused(changed("scale_factor", [1, 1, 1.5, 1]), "scale_factor[2] must be a whole number")
        refused(changed("slo_seconds", {"9": 5}), "slo_seconds[9] names no job; there are 4, counted from 0")
        refused("[" * 1000000, "more than 100 deep")
        for name in ("01", " 1", "+1", "-1", "1 ", "", "1" * 300, "x\ny"):
            refused(changed("slo_seconds", {name: 5}), "names no job")
        refused(changed("entities", [{"weight": 1, "jobs": [0, 1]}]), "job 2 is in none", "hierarchical")
        refused(changed("entities", [{"weight": 1, "jobs": [0, 0]}]), "for the second time")
        refused(changed("entities", [{"weight": 1, "policy": "random", "jobs": [0]}]), "entities[0].policy")
        refused(changed("pairs", [[0, 0], [1, 2]]), "pairs[0] must name two different jobs")
        refused(changed("pair_throughput", [[[1, 2]]]), "pair_throughput has 1 entries, not 2")
        refused(changed("num_workers", [0, 0, 0]), "num_workers is zero")
        refused(changed("cost_per_hour", [1, 1, 0]), "cost_per_hour[2] must be positive", "throughput_per_dollar")
        refused(typed, "oracle", "max_min_packed", "--oracle", model)
        # What is missing for a policy, and what stands there for nothing.
        for policy in ("makespan", "ftf", "sjf", "allox", "throughput_per_dollar_slo"):
            refused(without("steps_remaining"), f"steps_remaining is missing; --policy {policy} needs it", policy)
            share(changed("steps_remaining", [0, 0, 0, 0]), policy)
        for policy in ("sum_throughput_over_cost", "throughput_per_dollar_slo"):
            refused(without("cost_per_hour"), f"cost_per_hour is missing; --policy {policy} needs it", policy)
        refused(without("entities"), "entities is missing; --policy hierarchical needs it", "hierarchical")
        refused(without("pairs"), "pair_throughput is there, but pairs is missing")
        noted = share({**INSTANCE, "entities": [{"wieght": 2, "jobs": [0, 1, 2, 3]}], "colour": 1,
                       "options": [[{"type": "k80", "wrokers": 2, "throughput": 1}], None, None, None]}, "fifo", status=None)
        for name in ("colour", "entities[0].wieght", "options[0][0].wrokers"):
            assert f"{name} is no field of an instance and was not looked at" in noted.stderr, noted

        # Pairs of unequal gangs, and of who makes no step alone.
        refused({**INSTANCE, "scale_factor": [1, 2, 1, 1]}, "pairs[0] names jobs with gangs of 1 and 2; two that share")
        idle = {"worker_types": ["x", "y"], "num_workers": [1, 0], "throughput": [[0, 0], [7, 7]], "steps_remaining": [9, 9],
                "pairs": [[1, 0]], "pair_throughput": [[[4, 3], [0, 0]]]}
        for policy in ("max_min_packed", "makespan", "nash", "gandiva", "max_min_perf"):
            refused(idle, "throughput[0] lets job 0 run alone on no type that has workers, but pair_throughput[0] lets it run", policy)
        refused({**idle, "throughput": [[0, 5], [7, 7]]}, "throughput[0] lets job 0 run alone on no type", "max_min_packed")
        refused({**idle, "pair_throughput": [[[4, 0], [0, 0]]]}, "throughput[0] lets job 0 run alone on no type", "max_min_packed")
        left = share({**idle, "pair_throughput": [[[0, 0], [4, 3]]]}, "max_min_packed")  # that type has no workers
        assert left["note"] and left["allocation"][1][0] == 1, left
        refused({**idle, "throughput": [[1e-3, 0], [7, 7]]},
                "throughput[0] lets job 0 make at most 0.001 steps/s alone, but pair_throughput[0] more than 1000 times")
        del oracle["x"]["('A', 1)"]["null"]
        (folder / "oracle.json").write_text(json.dumps(oracle))
        refused(typed, "job_type[0] lets job 0 run alone on no type that has workers, but the oracle lets it run in a pair",
                "max_min_packed", "--oracle", folder / "oracle.json")

        # The objective of who can never end is no number.
        stranded = share({**idle, "pairs": None, "pair_throughput": None}, "makespan")
        assert stranded["objective"] is None and "1 job" in stranded["note"], stranded

        # Magnitudes. Policies answer at both ends of what is accepted, for one number and for all; beyond is refused.
        for field, (least, most, zero) in RANGES.items():
            for beyond in (5e-324, least / 2, most * 2, 1e308):
                words = f" is {beyond:.9g}, and must be " + ("0 or " if zero else "") + f"from {least:.9g} to {most:.9g}"
                refused(spread(field, beyond, False), words)
            if not zero:
                refused(spread(field, 0, False), "must be positive")
            for end in (least, most):
                for everywhere in (False, True):
                    if field == "num_workers" and end < 1 and everywhere:
                        refused(spread(field, end, everywhere), "the job is larger than the cluster")
                        continue
                    for policy in NAMES:
                        got = share(spread(field, end, everywhere), policy)
                        assert got["certificate_verified"] is not False, (field, end, everywhere, policy)
        # At opposite ends of several ranges numbers may lie too far apart for a proof: the sentence says which.
        far = {**INSTANCE, "throughput": [[1e12, 1e-12, 1], [1, 1e12, 1e-12], [1e-12, 1, 1e-12], [1e12, 1, 0]], "pairs": [],
               "pair_throughput": [], "priority": [1e-6, 1e6, 1, 1e6], "num_workers": [1e9, 1, 1e-3]}
        for policy in NAMES:
            model.write_text(json.dumps(far))
            done = run(model, "--policy", policy)
            words = "could not be proved; the numbers lie too far apart, farthest those of throughput from 1e-12 to 1e+12\n"
            assert done.returncode == 0 or (done.returncode == 1 and done.stderr.endswith(words) and done.stderr.count("\n") == 1), done

        refused(changed("num_workers", [1e308, 1, 1]), "num_workers[0] is 1e+308, and must be 0 or from 0.001 to 1e+09", "isolated")

        for name, value in (("seed", "-1"), ("seed", "x"), ("partitions", "0"), ("partitions", "nan")):
            refused(INSTANCE, f"--{name} is '{value}', and must be a whole number from", "pop", f"--{name}={value}")
        refused(INSTANCE, "--nonsense", "pop", "--nonsense")
        done = run(folder, "--policy", "fifo")
        assert done.returncode == 2 and "is a directory; name a file" in done.stderr, done
        refused(INSTANCE, "is a directory; name a file", "fifo", "--oracle", folder)
        done = run(folder / "none.json", "--policy", "fifo")
        assert done.returncode == 2 and "none.json cannot be read" in done.stderr, done
        assert run(model).returncode == 2 and run().returncode == 2
        assert run(model, "--policy").returncode == 2


main()
