#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""solve_lp beside HiGHS, CLP and GLPK on the same files in the same run: CPU seconds of the solve alone, one thread.

    compare.py SOLVE_LP FILE.mps...  [--repeat 3] [--limit 60] [--csv OUT]

Each peer reads the file first; what is timed is its solve call, the least of --repeat runs. HiGHS comes from its Python
package (highspy), with its simplex and with its interior point method; CLP and GLPK from their shared libraries. A peer
that is not installed is named as missing. The ratio is that of the fastest peer setting to solve_lp, so more is better
for solve_lp. A peer that says another status, or ends at another objective, is marked and does not count as fastest (GLPK
has the other sign for a right-hand side of the objective row). `off` is the largest relative difference of a peer's
objective from solve_lp's, where both say optimal.
"""

import argparse
import ctypes
import ctypes.util
import json
import math
import multiprocessing
import os
import subprocess
import tempfile
import time


def ours(program, file, repeat, limit):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [program, file, "--json", out.name, "--repeat", str(repeat), "--time-limit", str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit * repeat + 60)
        if done.returncode > 1:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.load(open(out.name))


def highs(file, repeat, limit, solver, presolve):
    import highspy

    best, value, status = math.inf, None, None
    for _ in range(repeat):
        one = highspy.Highs()
        one.setOptionValue("output_flag", False)
        one.setOptionValue("threads", 1)
        one.setOptionValue("solver", solver)
        one.setOptionValue("presolve", presolve)
        one.setOptionValue("time_limit", float(limit))
        one.readModel(file)
        began = time.process_time()
        one.run()
        used = time.process_time() - began
        status = one.modelStatusToString(one.getModelStatus()).lower()
        if status not in ("optimal", "infeasible", "unbounded"):
            return None
        best, value = min(best, used), one.getInfo().objective_function_value
        if used > 5:
            break
    return best, value, status


def clp(file, repeat, limit, primal):
    library = ctypes.CDLL(ctypes.util.find_library("Clp"))
    library.Clp_newModel.restype = ctypes.c_void_p
    library.Clp_objectiveValue.restype = ctypes.c_double
    best, value, status = math.inf, None, None
    for _ in range(repeat):
        one = ctypes.c_void_p(library.Clp_newModel())
        library.Clp_setLogLevel(one, 0)
        if library.Clp_readMps(one, file.encode(), 1, 0) != 0:
            return None
        library.Clp_setMaximumSeconds(one, ctypes.c_double(limit))
        began = time.process_time()
        if primal:
            library.Clp_initialPrimalSolve(one)
        else:
            library.Clp_initialSolve(one)
        used = time.process_time() - began
        status = {0: "optimal", 1: "infeasible", 2: "unbounded"}.get(library.Clp_status(one))  # 2: dual infeasible
        if status is None:
            return None
        best, value = min(best, used), library.Clp_objectiveValue(one)
        library.Clp_deleteModel(one)
        if used > 5:
            break
    return best, value, status


def glpk(file, repeat, limit):
    library = ctypes.CDLL(ctypes.util.find_library("glpk"))
    library.glp_create_prob.restype = ctypes.c_void_p
    library.glp_get_obj_val.restype = ctypes.c_double
    library.glp_term_out(0)
    best, value, status = math.inf, None, None
    parameters = (ctypes.c_int * 100)()  # larger than glp_smcp
    for _ in range(repeat):
        one = ctypes.c_void_p(library.glp_create_prob())
        if library.glp_read_mps(one, 2, None, file.encode()) != 0 and library.glp_read_mps(one, 1, None, file.encode()) != 0:
            return None
        library.glp_scale_prob(one, 0x80)
        library.glp_init_smcp(parameters)
        parameters[0] = 0  # msg_lev: silent
        began = time.process_time()
        library.glp_adv_basis(one, 0)
        failed = library.glp_simplex(one, parameters)
        used = time.process_time() - began
        if failed:
            return None
        status = {4: "infeasible", 5: "optimal", 6: "unbounded"}.get(library.glp_get_status(one), "undefined")
        best, value = min(best, used), library.glp_get_obj_val(one)
        library.glp_delete_prob(one)
        if used > 5:
            break
    return best, value, status


PEERS = {
    "HiGHS": lambda *a: highs(*a, "simplex", "on"),
    "HiGHS -presolve": lambda *a: highs(*a, "simplex", "off"),
    "HiGHS ipm": lambda *a: highs(*a, "ipm", "on"),
    "CLP": lambda *a: clp(*a, False),
    "CLP primal": lambda *a: clp(*a, True),
    "GLPK": lambda *a: glpk(*a),
}


def missing():
    absent = set()
    try:
        import highspy  # noqa: F401
    except ImportError:
        absent |= {"HiGHS", "HiGHS -presolve", "HiGHS ipm"}
    if not ctypes.util.find_library("Clp"):
        absent |= {"CLP", "CLP primal"}
    if not ctypes.util.find_library("glpk"):
        absent.add("GLPK")
    return absent


def child(name, file, repeat, limit, queue):
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    queue.put(PEERS[name](file, repeat, limit))


def guarded(name, file, repeat, limit):
    """Seconds, objective and status of a peer in a process of its own; None where it does not end in time."""
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=child, args=(name, file, repeat, limit, queue))
    process.start()
    try:
        return queue.get(timeout=(limit + 5) * repeat)
    except Exception:
        return None
    finally:
        process.terminate()
        process.join()


def verdict(found, value, status):
    """What is wrong with a peer's answer beside solve_lp's, empty where nothing is, and how far its objective is off."""
    if status != found["status"]:
        return f"says {status}", 0.0
    if status != "optimal":
        return "", 0.0
    off = abs(value - found["objective"]) / max(1.0, abs(found["objective"]))
    return ("other objective" if not off <= 1e-5 else ""), off


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--csv")
    given = parser.parse_args()
    absent = missing()
    for name in sorted(absent):
        print(f"missing: {name}")
    peers = [name for name in PEERS if name not in absent]
    print("| file | status | solve_lp ms | pivots | " + " | ".join(f"{p} ms" for p in peers) + " | fastest / solve_lp | off |")
    print("| --- | --- |" + " ---: |" * (len(peers) + 4))
    mine, theirs, lines = [], {p: [] for p in peers}, []
    for file in given.files:
        found = ours(given.program, file, given.repeat, given.limit)
        seconds = found["cpu_seconds"]
        cells, fastest, off = [], math.inf, 0.0
        for peer in peers:
            answer = guarded(peer, file, given.repeat, given.limit)
            if answer is None:
                cells.append("-")
                theirs[peer].append(given.limit)
                continue
            used, value, status = answer
            wrong, away = verdict(found, value, status)
            off = max(off, away)
            cells.append(f"{1e3 * used:.2f}" + (f" ({wrong})" if wrong else ""))
            theirs[peer].append(used)
            if not wrong:
                fastest = min(fastest, used)
        mine.append(seconds)
        name = os.path.basename(file).removesuffix(".mps")
        ratio = "-" if math.isinf(fastest) else f"{fastest / seconds:.2f}"
        line = [name, found["status"], f"{1e3 * seconds:.2f}", str(found["iterations"]), *cells, ratio, f"{off:.1e}"]
        lines.append(line)
        print("| " + " | ".join(line) + " |", flush=True)
    mean = lambda values: math.exp(sum(math.log(v + 1e-3) for v in values) / len(values)) - 1e-3  # shifted by 1 ms
    means = [f"{1e3 * mean(theirs[p]):.2f}" for p in peers]
    print(f"| shifted geometric mean | | {1e3 * mean(mine):.2f} | | " + " | ".join(means) + " | | |")
    if given.csv:
        with open(given.csv, "w") as out:
            out.write(",".join(["file", "status", "solve_lp_ms", "pivots", *peers, "ratio", "off"]) + "\n")
            out.writelines(",".join(line) + "\n" for line in lines)


if __name__ == "__main__":
    main()
