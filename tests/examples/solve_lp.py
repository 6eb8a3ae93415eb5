#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""solve_lp proves what it says, goes on from a basis, and refuses what it cannot read.

    solve_lp.py PROGRAM
"""

import json
import pathlib
import subprocess
import sys
import tempfile

WYNDOR = """Maximize
 profit: 3 doors + 5 windows
Subject To
 one: doors <= 4
 two: 2 windows <= 12
 three: 3 doors + 2 windows <= 18
End
"""


def run(*arguments):
    return subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, timeout=60)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def solve(text, *options, ending="lp"):
            (folder / f"model.{ending}").write_text(text)
            done = run(str(folder / f"model.{ending}"), "--json", str(folder / "said.json"), *options)
            return done, json.loads((folder / "said.json").read_text()) if done.returncode < 2 else None

        for presolve in ("on", "off"):
            for algorithm in ("auto", "dual", "primal"):
                done, said = solve(WYNDOR, "--presolve", presolve, "--algorithm", algorithm)
                assert done.returncode == 0 and said["status"] == "optimal" and said["objective"] == 36, done
                assert said["certificate"] == {"kind": "optimal", "verified": True}, said
                assert (said["rows"], said["columns"], said["nonzeros"]) == (3, 2, 4), said
        basis = str(folder / "b.bas")
        solution = folder / "x.txt"
        assert solve(WYNDOR, "--basis-out", basis, "--solution", str(solution))[0].returncode == 0
        assert "column windows 6 0\n" in solution.read_text() and "row three 18 1\n" in solution.read_text()
        assert solve(WYNDOR, "--basis-in", basis)[1]["iterations"] == 0
        done, said = solve(WYNDOR.replace("<= 4", ">= 40"))
        assert done.returncode == 0 and said["status"] == "infeasible", said
        assert said["certificate"] == {"kind": "farkas", "verified": True}, said
        assert said["objective"] is None and "objective" not in done.stdout, said
        done, said = solve("max\n x\nst\n x - y >= 1\nend\n")
        assert done.returncode == 0 and said["status"] == "unbounded", said
        assert said["certificate"] == {"kind": "primal_ray", "verified": True}, said
        done, said = solve(WYNDOR.replace("18", "17").replace("End", "Generals\n doors windows\nEnd"))
        assert said["objective"] == 33 and done.returncode == 0, said
        whole = "max\n x + y\nst\n c: 2 y - 2 z = {}\ngenerals\n x y z\nend\n"
        done, said = solve(whole.format(1))
        assert done.returncode == 1 and said["status"] == "infeasible_or_unbounded", said
        assert said["objective"] is None and said["relative_gap"] is None, said
        assert said["certificate"] == {"kind": "none", "verified": False}, said
        done, said = solve(whole.format(2))
        assert done.returncode == 0 and said["status"] == "unbounded", said
        assert said["certificate"] == {"kind": "primal_ray", "verified": True}, said
        done, said = solve("min\n x\nst\n 2 x = 1\ngenerals\n x\nend\n")
        assert done.returncode == 0 and said["status"] == "infeasible" and said["objective"] is None, said
        done, said = solve(whole.format(2), "--time-limit", "0")
        assert done.returncode == 1 and said["status"] == "time_limit" and said["objective"] is None, said
        done, said = solve(WYNDOR, "--time-limit", "0")
        assert done.returncode == 1 and said["status"] == "time_limit", said
        assert solve(WYNDOR, ending="LP")[1]["objective"] == 36
        mps = "NAME\nROWS\n N c\n G g\nCOLUMNS\n x c 1 g 1\nRHS\n R g 2 c 5\nENDATA\n"
        assert solve(mps, ending="mps")[1]["objective"] == -3
        done, _ = solve(mps.replace(" x c 1", " x q 1"), ending="mps")
        assert done.returncode == 2 and "line 6: there is no row 'q'" in done.stderr, done
        # Answers without a basis: crossing bounds, no whole solution, no solution in time. All else is written.
        knapsack = "max\n x + y\nst\n 2 x + 2 y <= 3\n 2 x + 2 y >= 3\nbounds\n x <= 1\n y <= 1\ngenerals\n x y\nend\n"
        for text, options, status in (
            ("min\n x\nst\n x >= 1\nbounds\n 3 <= x <= 2\nend\n", (), "infeasible"),
            (knapsack, (), "infeasible"),
            (knapsack, ("--time-limit", "0"), "time_limit"),
        ):
            done, said = solve(text, "--basis-out", str(folder / "none.bas"), "--solution", str(solution), *options)
            assert done.returncode == (0 if status == "infeasible" else 1) and said["status"] == status, (done, said)
            assert "there is no basis to write" in done.stderr and not (folder / "none.bas").exists(), done
            assert status in solution.read_text(), solution.read_text()
        # What has no effect says so, and nothing else does.
        whole = WYNDOR.replace("18", "17").replace("End", "Generals\n doors\nEnd")
        for text, options, words in (
            (whole, ("--basis-in", basis), "--basis-in has no effect"),
            (whole, ("--presolve", "on"), "--presolve on has no effect"),
        ):
            done, _ = solve(text, *options)
            assert done.returncode == 0 and words in done.stderr and done.stderr.count("\n") == 1, done
        for text, options in ((whole, ("--presolve", "off")), (whole, ()), (WYNDOR, ("--presolve", "on")), (WYNDOR, ("--basis-in", basis)),
                              (WYNDOR, ("--basis-in", basis, "--presolve", "on"))):
            assert solve(text, *options)[0].stderr == "", options
        # Names with blanks go to a basis file and come back.
        blanks = "NAME\nROWS\n N  THE COST\n L  A ROW\n L  B\nCOLUMNS\n" + "".join(
            f"    {column:8}  {row:8}  {value:>12}\n"
            for column, row, value in (("X 1", "THE COST", "-1."), ("X 1", "A ROW", "2."), ("X 2", "THE COST", "-1."), ("X 2", "B", "2."))
        ) + f"RHS\n    {'':8}  {'A ROW':8}  {'10.':>12}\n    {'':8}  {'B':8}  {'4.':>12}\nENDATA\n"
        assert solve(blanks, "--basis-out", basis, ending="mps")[1]["objective"] == -7
        done, said = solve(blanks, "--basis-in", basis, ending="mps")
        assert done.returncode == 0 and said["iterations"] == 0, (done, said)
        # What shows that there is no optimum goes with the basis: no pivot is needed to say so again.
        ends = {
            "infeasible": "min\n x + y + z\nst\n x + y >= 4\n y + z >= 4\n x + z >= 4\n x + y + z <= 5\nend\n",
            "unbounded": "max\n x + y\nst\n x - 2 y <= 4\n y - 2 x <= 4\n z + x - y <= 3\nend\n",
        }
        for status, text in ends.items():
            for options in (("--presolve", "off"), ("--algorithm", "primal")):
                before = solve(text, "--basis-out", basis, *options)[1]
                done, said = solve(text, "--basis-in", basis, *options)
                assert before["status"] == said["status"] == status and done.returncode == 0, (before, said)
                assert before["iterations"] > said["iterations"] == 0 and said["certificate"]["verified"], (before, said)
        assert run("no_such_file.mps").returncode == 2
        assert run().returncode == 2
        assert run("x.mps", "--algorithm", "guess").returncode == 2
        for name, value in (*(("time-limit", one) for one in ("nan", "-nan", "NaN", "-1", "soon", "inf", "60s", "0x10")),
                            *(("repeat", one) for one in ("0", "1001", "2.5", "-1", "2x", "nan"))):
            done = run(str(folder / "model.lp"), f"--{name}={value}")
            assert done.returncode == 2 and f"--{name} is '{value}', and must be a " in done.stderr, done
            assert done.stderr.count("\n") == 1, done
        done = run(str(folder / "model.lp"), "--no-such-option")
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--no-such-option" in done.stderr, done
        assert run(str(folder / "model.lp"), "--time-limit", "60").returncode == 0


main()
