#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/solve/compare.py marks a peer that says another status or objective than solve_lp, and reads statuses right.

    compare_statuses.py PROJECT
"""

import importlib.util
import pathlib
import sys
import tempfile

MODEL = """NAME
ROWS
 N  COST
 G  ROW
COLUMNS
    X         COST             {cost}   ROW                1.
RHS
    RHS       ROW                1.
BOUNDS
{bound}
ENDATA
"""


def main():
    spec = importlib.util.spec_from_file_location("compare", pathlib.Path(sys.argv[1]) / "bench/solve/compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)

    optimal, unbounded = {"status": "optimal", "objective": 100.0}, {"status": "unbounded", "objective": 0.0}
    assert compare.verdict(optimal, 100.0001, "optimal")[0] == ""
    assert compare.verdict(optimal, 101.0, "optimal") == ("other objective", 0.01)
    assert compare.verdict(optimal, float("nan"), "optimal")[0] == "other objective"
    assert compare.verdict(optimal, 100.0, "infeasible")[0] == "says infeasible"
    assert compare.verdict(unbounded, 0.0, "infeasible")[0] == "says infeasible"
    assert compare.verdict(unbounded, -7.0, "unbounded") == ("", 0.0)

    absent = compare.missing()
    with tempfile.TemporaryDirectory() as folder:
        for cost, bound, status in (
            ("1.", " UP BND       X                5.", "optimal"),
            ("1.", " UP BND       X                0.", "infeasible"),
            ("-1.", " PL BND       X", "unbounded"),
        ):
            file = pathlib.Path(folder) / f"{status}.mps"
            file.write_text(MODEL.format(cost=cost, bound=bound))
            for peer in compare.PEERS:
                if peer in absent:
                    continue
                answer = compare.guarded(peer, str(file), 1, 5)
                assert answer is not None and answer[2] == status, (peer, status, answer)


main()
