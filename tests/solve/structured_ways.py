#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of the kinds of bench/solve/structured.py, small: every way proves the same end, and infeasible ones at once.

    structured_ways.py SOLVE_LP SOURCE_FOLDER

Each file is solved with presolve and without, by the dual and by the primal method. All four must prove what the kind is
known to be, with objectives equal to 1e-9; what a reduced program shows infeasible must not be sought again in the whole.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main():
    program, source = sys.argv[1], Path(sys.argv[2])
    sys.path.insert(0, str(source / "bench" / "solve"))
    import structured

    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for file in structured.write_all(Path(folder), "small"):
            known = file.stem.split("_")[1] if "_" in file.stem else "optimal"
            objectives = []
            for presolve in ("on", "off"):
                for algorithm in ("dual", "primal"):
                    out = Path(folder) / "answer.json"
                    command = [program, file, "--presolve", presolve, "--algorithm", algorithm, "--json", out]
                    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
                    way = f"{file.stem}, {algorithm}, presolve {presolve}"
                    if done.returncode != 0:
                        wrong.append(f"{way}: status {done.returncode}: {done.stderr.strip()}")
                        continue
                    answer = json.loads(out.read_text())
                    if answer["status"] != known or not answer["certificate"]["verified"]:
                        wrong.append(f"{way}: {answer['status']}, {answer['certificate']}")
                    if known == "optimal":
                        objectives.append(answer["objective"])
                    if known == "infeasible" and (presolve, algorithm) == ("on", "dual") and answer["iterations"] > 20:
                        wrong.append(f"{way}: {answer['iterations']} pivots")
            if objectives and max(objectives) - min(objectives) > 1e-9 * max(1, abs(objectives[0])):
                wrong.append(f"{file.stem}: objectives {objectives}")
    print("\n".join(wrong) if wrong else "every way proved the same ends")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
