#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""simulate_cluster plays made streams to times that can be added up, says them in the form that docs/allocation.md gives,
and refuses what cannot be in one sentence.

    simulate_cluster.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

THROUGHPUTS = {
    "v100": {"('A', 1)": {"null": 4.0, "('A', 1)": [2.5, 2.5], "('B', 1)": [3.0, 1.5]},
             "('B', 1)": {"null": 2.0, "('A', 1)": [1.5, 3.0], "('B', 1)": [1.0, 1.0]},
             "('A', 2)": {"null": 8.0},
             "('C', 1)": {"null": 2.0, "('C', 1)": [1.8, 1.8]}},
    "p100": {"('A', 1)": {"('A', 1)": [2.5, 2.5]}},
    "v100_unconsolidated": {"('A', 2)": {"null": 4.0}},
    "k80": {"('A', 1)": {"null": 1.0}, "('B', 1)": {"null": 1.0}, "('C', 1)": {"null": 1.0}, "('A', 2)": {"null": 2.0}},
}
FIELDS = {"mean_jct_hours", "p50", "p99", "makespan_hours", "utilisation", "allocations_computed", "solve_seconds", "seconds"}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        jobs, rates, said, times, picture = (folder / f for f in ("jobs.csv", "rates.json", "o.json", "o.csv", "o.svg"))
        rates.write_text(json.dumps(THROUGHPUTS))
        (folder / "job_types.csv").write_text("type_id,model,may_be_distributed\n0,A,1\n1,B,0\n2,C,0\n")

        def run(*arguments):
            return subprocess.run([sys.argv[1], *map(str, arguments)], capture_output=True, text=True, timeout=60)

        def play(lines, *options, cluster="v100=1,k80=1", policy="max_min_perf", status=0,
                 head="job_id,type_id,scale_factor,total_steps,unit_gap_to_next"):
            jobs.write_text("\n".join([head, *lines]) + "\n")
            said.unlink(missing_ok=True)
            done = run("--policy", policy, "--jobs", jobs, "--throughputs", rates, "--cluster", cluster, "--json", said, *options)
            assert done.returncode == status, (lines, options, done)
            return json.loads(said.read_text()) if status == 0 else done.stderr

        def noted(lines, head, *options):
            jobs.write_text("\n".join([head, *lines]) + "\n")
            return run("--policy", "fifo", "--jobs", jobs, "--throughputs", rates, "--cluster", "v100=1", *options)

        # One job of 14,400 steps at 4 a second, and one that comes half an hour after and runs on the other type.
        got = play(["0,0,1,14400,0.5", "1,1,1,1800,1"], "--rate", 1, "--reset", 0, "--csv", times, "--svg", picture, policy="fifo")
        assert FIELDS <= set(got), got
        assert abs(got["makespan_hours"] - 1) < 1e-9, got
        assert abs(got["mean_jct_hours"] - (1 + 0.5) / 2) < 1e-9, got
        assert got["utilisation"]["v100"] > 0.99 and got["certificates_verified"] is None, got
        rows = times.read_text().splitlines()
        assert rows[0] == "job,arrival_s,completed_s,jct_s,dollars" and rows[2].split(",")[:2] == ["1", "1800"], rows
        xml.parse(picture)

        # The rate makes gaps; all at once with rate 0; arrivals by the clock; measured jobs alone count.
        three = ["0,0,1,3600,1", "1,0,1,3600,1", "2,0,1,3600,1"]
        assert play(three, "--rate", 4)["mean_jct_hours"] == 0.25
        queued = play(three, "--rate", 0, cluster="v100=1", policy="fifo")
        assert abs(queued["makespan_hours"] - 0.75) < 1e-9 and queued["jobs_measured"] == 3, queued
        assert play(three, "--rate", 4, "--measure", "1:2")["jobs_measured"] == 1
        clock = play(["A,1,3600,0", "A,1,3600,7200"], head="model,scale_factor,total_steps,arrival_s")
        assert clock["makespan_hours"] == 2.25, clock

        # Two that share one worker make 5 steps a second together instead of 4; gangs need both workers.
        alone = play(three[:2], "--rate", 0, cluster="v100=1")
        both = play(three[:2], "--rate", 0, "--space-sharing", cluster="v100=1")
        assert both["makespan_hours"] < 0.9 * alone["makespan_hours"], (alone, both)
        guess = play(three[:2], "--rate", 0, "--space-sharing", "--known-pairs", 0, cluster="v100=1")
        assert guess["jobs_measured"] == 2 and guess["pairs_known"] is None and both["pairs_known"] is None, guess
        assert play(["0,0,2,28800,1"], "--rate", 0, cluster="v100=2")["makespan_hours"] == 1

        # In one server a gang of two does 8 steps a second, spread over two 4.
        gang = ["0,0,2,28800,1"]
        for each, hours in ((4, 1), (2, 1), (1, 2)):
            got = play(gang, "--rate", 0, "--workers-per-server", each, cluster="v100=4")
            assert got["makespan_hours"] == hours and got["certificates_verified"] is True, (each, got)
        # A gang in the first of two servers leaves two jobs the other; they end, and nothing had to move.
        shared = play([*gang, "1,0,1,14400,1", "2,0,1,28800,1"], "--rate", 0, "--workers-per-server", 2, cluster="v100=4")
        assert shared["makespan_hours"] == 2 and shared["restarts"] == 0, shared
        assert "no worker type 'k80_unconsolidated'" in play(gang, "--rate", 0, "--workers-per-server", 2, status=2)
        assert "does not go with --as-published" in play(gang, "--workers-per-server", 2, "--as-published", status=2)

        # A move costs time where that is asked for, and equal runs are equal.
        many = [f"{i},{i % 2},1,{2000 + 100 * i},0.1" for i in range(20)]
        assert play(many, "--rate", 2)["certificates_verified"] is True
        free, paid = play(many, "--rate", 2), play(many, "--rate", 2, "--preemption-seconds", 60)
        assert paid["mean_jct_hours"] > free["mean_jct_hours"] and free["restarts"] > 0, (free, paid)
        learned = play(many, "--rate", 2, "--space-sharing", "--known-pairs", 0.99)
        assert learned["pairs_known"] >= 1 and learned["pair_error"] >= 0, learned
        again = play(many, "--rate", 2)
        for got in (free, again):
            del got["seconds"], got["solve_seconds"]
        assert free == again
        for policy in ("max_min_agnostic", "ftf", "fifo", "sjf", "water_filling", "allox", "gandiva", "makespan", "nash"):
            assert play(many, "--rate", 2, policy=policy)["jobs_measured"] == 20
        for options in (["--agnostic"], ["--rounds", "owed", "--reset", 0], ["--as-published"], ["--any-optimum"], ["--ungrouped"]):
            assert play(many, "--rate", 2, *options)["jobs_measured"] == 20

        # As published. AlloX: job 1 has no worker of its own and runs on the K80 that is left, for 3 rounds, then on the V100.
        published = lambda lines, *options, **more: play(lines, "--rate", 0, "--reset", 0, "--as-published", *options, **more)
        left = published(["0,0,1,3600,1", "1,1,1,3600,1"], policy="allox")
        assert abs(left["makespan_hours"] - (1080 + 1260) / 3600) < 1e-9, left
        # Gandiva puts together whoever does not fit, also where nothing is gained. FIFO packs two that do 1.8 together.
        twins = published(["0,1,1,3600,1", "1,1,1,3600,1"], cluster="v100=1", policy="gandiva")
        assert twins["mean_jct_hours"] == 1, twins
        # Of four pairs one loses a job after 720 s; who is left makes 2 steps a second and ends after 2160 s. The others know
        # each other again whenever shares are computed, and stay together to the end.
        left = published(["0,1,1,720,1"] + [f"{i},1,1,3600,1" for i in range(1, 8)], cluster="v100=4", policy="gandiva")
        assert abs(left["mean_jct_hours"] - (720 + 2160 + 6 * 3600) / 8 / 3600) < 1e-9 and left["restarts"] <= 1, left
        packed = published(["0,2,1,3600,1", "1,2,1,3600,1"], "--space-sharing", cluster="v100=1", policy="fifo")
        assert abs(packed["makespan_hours"] - 2000 / 3600) < 1e-9, packed
        assert published(["0,2,1,3600,1", "1,2,1,3600,1"], cluster="v100=1", policy="fifo")["makespan_hours"] == 1
        # Max-min with pairs: two jobs could be alone on V100s for 4 hours, and now and then have to share one.
        for policy in (["max_min_packed"], ["max_min_perf", "--space-sharing"]):
            inner, own = (play(["0,0,1,57600,1", "1,0,1,57600,1", "2,1,1,28800,1"], "--rate", 0, "--reset", 1e6, *policy[1:],
                               *how, cluster="v100=3,k80=3", policy=policy[0]) for how in (["--as-published"], []))
            assert inner["certificates_verified"] is True and own["makespan_hours"] == 4, (inner, own)
            assert inner["makespan_hours"] > 4.05, (policy, inner)

        # Finish times of who takes types for equal go by the rates on the first type and keep account of steps: where there
        # is no other type, they are those of who knows rates.
        seen = [play(many, "--rate", 2, "--as-published", *how, cluster="v100=2", policy="ftf")["mean_jct_hours"]
                for how in ([], ["--agnostic"])]
        assert seen[0] == seen[1], seen

        # Finish times with pairs are not centred, so they are plait's own.
        paired = [play(["0,2,1,3600,1", "1,2,1,7200,1"], "--rate", 0, "--reset", 0, "--space-sharing", *how, cluster="v100=1",
                       policy="ftf")["mean_jct_hours"] for how in (["--as-published"], [])]
        assert paired[0] == paired[1] < 1.2, paired

        # The same GPU in two zones: the job goes where it is cheaper, and with costs of moving stays for little.
        prices = folder / "prices.csv"
        zones, spot = "v100@x/a=1,v100@x/b/spot=1", "sum_throughput_over_cost"
        prices.write_text("type,time_s,dollars_per_hour\nv100@x/a,0,3.6\nv100@x/b/spot,0,7.2\nv100@x/b/spot,1800,1.8\n"
                          "not-here,0,1\n")
        hour = ["A,1,14400,0"]
        go = lambda *options: play(hour, "--reset", 0, "--prices", prices, *options, cluster=zones, policy=spot,
                                   head="model,scale_factor,total_steps,arrival_s")
        drawn = go()
        assert abs(drawn["cost_dollars"] - (1.8 + 0.9)) < 1e-9 and drawn["moves"] == 1, drawn
        assert abs(drawn["worker_dollars"]["v100@x/a"] - 1.8) < 1e-9 and drawn["makespan_hours"] == 1, drawn
        charged = go("--move-seconds", 360, "--checkpoint-gb", 20, "--egress-zones", 0.02)
        assert abs(charged["cost_dollars"] - (1.8 + 1.08 + 0.4)) < 1e-9 and abs(charged["makespan_hours"] - 1.1) < 1e-9, charged
        weighed = go("--move-seconds", 360, "--checkpoint-gb", 50, "--egress-zones", 0.02, "--move-horizon", 3600)
        assert abs(weighed["cost_dollars"] - 3.6) < 1e-9 and weighed["moves"] == 0, weighed
        assert weighed["egress_dollars"] == 0 and play(hour, head="model,scale_factor,total_steps,arrival_s")["cost_dollars"] is None
        for words, lines in (("has no price for v100@x/b/spot", "v100@x/a,0,1"),
                             ("line 3, time_s does not come after", "v100@x/a,5,1\nv100@x/a,5,1"),
                             ("line 2, dollars_per_hour is negative", "v100@x/a,5,-1")):
            prices.write_text("type,time_s,dollars_per_hour\n" + lines + "\n")
            text = play(hour, "--prices", prices, cluster=zones, policy=spot, status=2, head="model,scale_factor,total_steps,arrival_s")
            assert words in text and text.count("\n") == 1, (words, text)
        assert "must be like v100@CLOUD" in play(hour, cluster="v100@x/a/cheap=1", status=2,
                                                 head="model,scale_factor,total_steps,arrival_s")

        # A run that is stopped and taken up again ends as if it had not been.
        state = folder / "state"
        stopped = play(many, "--rate", 2, "--save", state, "--stop-after", 5)
        assert stopped["rounds"] == 5 and state.exists(), stopped
        resumed = play(many, "--rate", 2, "--resume", state)
        assert resumed["mean_jct_hours"] == free["mean_jct_hours"] and resumed["rounds"] == free["rounds"], resumed
        state.write_text("something else")
        assert "no saved simulation" in play(many, "--rate", 2, "--resume", state, status=2)

        for policy in ("gandiva", "allox"):
            text = play(many, "--rate", 2, "--as-published", "--save", state, policy=policy, status=2)
            assert "play it in one go" in text and text.count("\n") == 1, text

        one = ["0,0,1,100,1"]
        for words, lines, options in (
            ("'best'", one, {"policy": "best"}),
            ("--rate is missing", one, {}),
            ("line 2, total_steps is 'many'", ["0,0,1,many,1"], {"rate": 1}),
            ("line 2 has 4 fields", ["0,0,1,100"], {"rate": 1}),
            ("line 2, type_id is not in job_types.csv", ["0,7,1,100,1"], {"rate": 1}),
            ("line 2, total_steps is negative", ["0,0,1,-5,1"], {"rate": 1}),
            ("line 2, scale_factor must be at least 1", ["0,0,0,100,1"], {"rate": 1}),
            ("does not have for v100", ["0,0,8,100,1"], {"rate": 1}),
            ("line 2, scale_factor is 2, and no type of --cluster", ["0,0,2,100,1"], {"rate": 1}),
            ("no worker type 'h100'", one, {"rate": 1, "cluster": "h100=2"}),
            ("--cluster must be like", one, {"rate": 1, "cluster": "v100"}),
            ("--cluster names v100 twice", one, {"rate": 1, "cluster": "v100=1,v100=1"}),
            ("--cluster has no workers", one, {"rate": 1, "cluster": "v100=0"}),
            ("--measure must be like", one, {"rate": 1, "measure": "5"}),
            ("--measure ends at job 9", one, {"rate": 1, "measure": "0:9"}),
            ("no job is measured", one, {"rate": 1, "measure": "1:1"}),
        ):
            flags = [f for key in ("rate", "measure") if key in options for f in (f"--{key}", options[key])]
            rest = {key: value for key, value in options.items() if key in ("cluster", "policy")}
            text = play(lines, *flags, status=2, **rest)
            assert words in text and text.count("\n") == 1, (words, text)

        # Entities: of one worker each job has its entity's part, so that of weight 3 is ready after 4/3 of its own time, and
        # inside one of first in, first out the second job waits.
        entity_head = "model,scale_factor,total_steps,arrival_s,entity"
        teams = ["A,1,57600,0,x", "A,1,57600,0,1"]

        def ends(lines, *options, policy="hierarchical", **more):
            play(lines, "--reset", 0, "--csv", times, *options, policy=policy, head=entity_head, cluster="v100=1", **more)
            return [float(row.split(",")[3]) / 3600 for row in times.read_text().splitlines()[1:]]

        for rule in ("", ":fairness", ":fifo"):
            for options, hours in ((["--entity", "x=3" + rule], (4 * 4 / 3, 8)), (["--entity", "1=3" + rule], (8, 4 * 4 / 3)),
                                   (["--entity", "1=3" + rule, "--entity", "x=1.5"], (8, 6))):
                got = ends(teams, *options)
                assert all(abs(a - b) <= 0.3 for a, b in zip(got, hours)), (options, got, hours)
        pair = ["A,1,14400,0,x", "A,1,14400,0,x", "A,1,57600,0,y"]
        fair, queue = ends(pair), ends(pair, "--entity", "x=1:fifo")
        assert max(abs(h - 4) for h in fair[:2]) < 0.3 and abs(queue[0] - 2) < 0.3 and abs(queue[1] - 4) < 0.3, (fair, queue)
        for words, lines, options in (
            ("line 2, entity is empty", ["A,1,100,0,"], []),
            ("--entity z is the entity of no job", teams, ["--entity", "z=2"]),
            ("--entity must be NAME=WEIGHT, NAME=WEIGHT:fairness or NAME=WEIGHT:fifo, not 'x=2:random'", teams, ["--entity", "x=2:random"]),
            ("--entity must be NAME=WEIGHT", teams, ["--entity", "x"]),
            ("--entity x is 'much', not a number", teams, ["--entity", "x=much"]),
            ("--entity x must be positive", teams, ["--entity", "x=0:fifo"]),
            ("--entity names x twice", teams, ["--entity", "x=1", "--entity", "x=2"]),
        ):
            text = play(lines, *options, policy="hierarchical", head=entity_head, status=2)
            assert words in text and text.count("\n") == 1, (words, text)
        text = play(one, "--rate", 1, policy="hierarchical", status=2)
        assert "has no column entity, which --policy hierarchical needs" in text and text.count("\n") == 1, text
        assert "has no column entity" in play(one, "--rate", 1, "--entity", "x=2", status=2)

        # Prices that stay. The job of 14,400 steps has an hour on the V100 for 2.5 dollars, or four on the K80 for 0.4 each.
        for policy, dollars in (("throughput_per_dollar", 1.6), ("sum_throughput", 2.5), ("sum_throughput_over_cost", 1.6)):
            got = play(["0,0,1,14400,1"], "--rate", 1, "--cost", "k80=0.4,v100=2.5", policy=policy)
            assert abs(got["cost_dollars"] - dollars) < 1e-9, (policy, got)
        assert play(["0,0,1,14400,1"], "--rate", 1, "--cost", "k80=0,v100=2.5")["cost_dollars"] == 2.5
        for words, policy, options in (
            ("--policy throughput_per_dollar looks at prices; give --cost TYPE=DOLLARS,... or --prices FILE.csv",
             "throughput_per_dollar", []),
            ("--cost: k80 costs 0 dollars an hour", "sum_throughput_over_cost", ["--cost", "v100=1,k80=0"]),
            ("--cost has no price for k80", "fifo", ["--cost", "v100=1"]),
            ("--cost names h100, which is not in --cluster", "fifo", ["--cost", "v100=1,k80=1,h100=1"]),
            ("--cost must be like v100=2.48", "fifo", ["--cost", "v100"]),
            ("--cost v100 must be finite", "fifo", ["--cost", "v100=nan,k80=1"]),
            ("--cost and --prices cannot both be given", "fifo", ["--cost", "v100=1,k80=1", "--prices", prices]),
        ):
            text = play(one, "--rate", 1, *options, policy=policy, status=2)
            assert words in text and text.count("\n") == 1, (words, text)

        # Numbers of options: one line with the option, what was given and what may be.
        for name, values in {
            "rate": ("nan", "-1", "inf", "1e400", "fast", ""), "round": ("-5", "0", "nan"), "reset": ("inf", "-1"),
            "preemption-seconds": ("-1", "nan"), "known-pairs": ("nan", "1.5"), "move-seconds": ("nan", "1e7"),
            "checkpoint-gb": ("nan",), "egress-zones": ("nan",), "egress-clouds": ("-1",), "move-horizon": ("nan",),
            "seed": ("x", "-1", "1.5", "18446744073709551616"), "partitions": ("0", "x"), "stop-after": ("-1", "1e3"),
        }.items():
            for value in values:
                more = [] if name == "rate" else ["--rate", 1]
                text = play(one, *more, f"--{name}={value}", status=2)
                if value == "":
                    assert f"--{name}" in text and text.count("\n") == 1, text
                    continue
                assert f"--{name} is '{value}', and must be a " in text, text
                assert text.count("\n") == 1 and len(text) < 160, text
        assert "--preemption-seconds must be less than --round" in play(one, "--rate", 1, "--preemption-seconds", 360, status=2)
        text = play(one, "--rate", "9" * 500, status=2)
        assert text.count("\n") == 1 and len(text) < 160, text
        done = run("--nonsense")
        assert done.stderr.count("\n") == 1 and "--nonsense" in done.stderr, done

        # Fields of the stream, and what it holds beside them.
        head = "model,scale_factor,total_steps,arrival_s"
        for words, field, value in (
            ("line 2, priority must be positive", "priority", "0"), ("line 2, priority is 1e-300, and must be from", "priority", "1e-300"),
            ("line 2, slo_s must be positive", "slo_s", "0"), ("line 2, slo_s is 'x', not a number", "slo_s", "x"),
            ("line 2, move_s is 10000000, and must be 0 or from", "move_s", "1e7"),
            ("line 2, checkpoint_gb is negative", "checkpoint_gb", "-1"),
            ("has the column model twice", "model", "A"),
        ):
            text = play(["A,1,100,0," + value], head=head + "," + field, status=2)
            assert words in text and text.count("\n") == 1, (words, text)
        for words, line in (
            ("line 2, total_steps must be positive", "A,1,0,0"), ("line 2, total_steps is 1e+300, and must be from", "A,1,1e300,0"),
            ("line 2, total_steps is '1e999', which is beyond", "A,1,1e999,0"),
            ("line 2, total_steps is 1e+15, which alone takes more than 1000000 rounds on v100", "A,1,1e15,0"),
            ("line 2, arrival_s is 1e+300, and must be 0 or from", "A,1,100,1e300"),
        ):
            text = play([line], head=head, status=2)
            assert words in text and text.count("\n") == 1, (words, text)
        text = play(["A,1,100,5", "A,1,100,4"], head=head, status=2)
        assert "line 3, arrival_s is before that of the line in front of it" in text and text.count("\n") == 1, text
        assert "line 3, total_steps is 'x'" in play(["", "A,1,x,5"], head=head, status=2)
        text = play(one, "--rate", "1e-30", status=2)
        assert "line 2, unit_gap_to_next: at this --rate" in text and text.count("\n") == 1, text
        text = play(one, "--rate", 1, cluster="v100=1000000000", status=2)
        assert "--cluster has 1e+09 workers" in text and text.count("\n") == 1, text
        assert "has no jobs" in play([], "--rate", 1, status=2)
        assert "makes no step alone" in play(["A,1,100,0"], head=head, cluster="p100=1", status=2)
        done = noted(["A,1,100,0,7"], head + ",prioriti", "--rate", 3)
        assert done.returncode == 0 and "the column 'prioriti' was not looked at" in done.stderr, done
        assert "--rate was not looked at" in done.stderr and done.stderr.count("\n") == 2, done
        for flag in ("--jobs", "--throughputs", "--prices", "--resume"):
            files = {"--jobs": jobs, "--throughputs": rates, "--prices": prices, "--resume": state}
            files[flag] = folder
            if flag != "--prices":
                del files["--prices"]
            if flag != "--resume":
                del files["--resume"]
            done = run("--policy", "fifo", "--cluster", "v100=1", *(word for pair in files.items() for word in pair))
            assert done.returncode == 2 and "is a directory; name a file" in done.stderr, (flag, done)

        # Numbers that lie as far apart as they may: shares are proved, or one line says that they could not be.
        rates.write_text(json.dumps({kind: {f"('{a}', 1)": {"null": rate, **{
            f"('{b}', 1)": [0.6 * rate, 0.6 * kinds[b]] for b in kinds if b >= a}, **{
            f"('{b}', 1)": [0.6 * rate, 0.6 * kinds[b]] for b in kinds if b < a}} for a, rate in kinds.items()}
            for kind, kinds in (("v100", {"A": 1e12, "B": 1e-9}), ("k80", {"A": 2e6, "B": 1e-3}))}))
        far = ["A,1,1e12,0,1e-4,1e4,a", "B,1,1e-6,0,1e4,1e6,b", "A,1,2e9,50,1,1e4,a", "B,1,1e-5,90,1e-6,1e4,b"]
        unproved = 0
        for policy in run("--list").stdout.split():
            for options in ((), ("--space-sharing",), ("--agnostic",), ("--as-published",)):
                jobs.write_text("\n".join([head + ",priority,slo_s,entity", *far]) + "\n")
                done = run("--policy", policy, "--jobs", jobs, "--throughputs", rates, "--cluster", "v100=1,k80=1",
                           "--cost", "v100=2.5,k80=0.1", "--stop-after", 20, *options)
                assert done.returncode in (0, 1), (policy, options, done)
                assert ("could not be proved" in done.stderr) == (done.returncode == 1), (policy, options, done)
                assert done.returncode == 0 or done.stderr.count("\n") == 1, (policy, options, done)
                unproved += done.returncode
        print(f"far apart: {unproved} runs not proved")

        rates.write_text("{")
        assert "is not JSON" in play(one, "--rate", 1, status=2)
        assert run("--policy", "fifo").returncode == 2 and run("--nonsense").returncode == 2
        assert "max_min_perf" in run("--list").stdout.split()


if __name__ == "__main__":
    main()
