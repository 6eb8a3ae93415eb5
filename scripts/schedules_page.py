#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/schedules.md and its pictures from what draw_schedule says.

    schedules_page.py PROGRAM REPOSITORY            writes them
    schedules_page.py PROGRAM REPOSITORY --check    prints which of them are not up to date; exit status 1 if any
"""

import json
import pathlib
import subprocess
import sys
import tempfile

PICTURES = ("1f1b", "interleaved_1f1b", "zb_h1", "zb_v", "v_min", "dualpipe", "chimera", "hanayo", "pipedream")
HEADERS = {"1f1b": "one_f_one_b", "interleaved_1f1b": "interleaved"}
SENSITIVE = ((1, 1, 1, 0), (1, 1.4, 0.6, 0), (1, 1, 1, 0.25))
HEAD = """# Schedules

`scripts/schedules_page.py` makes this page from what `draw_schedule` says; a test holds it to that. The order of each
schedule, pass by pass, with its source, is in the docstring of its header; how to write another one, in
[add a schedule](add_a_schedule.md).

Letters: p ranks, m micro-batches of a step, v chunks (stages) on each rank, n micro-batches of the first group, r the
rank. Costs are those of the unit case: forward pass, input half and weight half of a backward pass take 1 each for a
chunk, messages nothing. A bubble is the idle share of ranks x makespan. Activations are counted in chunks, each from
the start of its forward pass to the end of its backward pass or of its weight half. Versions count copies of the
weights in time; messages are those of one micro-batch, there and back.
"""


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit(f"{program} {arguments}: {done.stderr}")


def said(program, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "said.json"
        run(program, *arguments, "--json", file)
        return json.loads(file.read_text())


def table(head, rows):
    rule = ["---" + (":" if name.endswith(" ") else "") for name in head]
    lines = [[name.strip() for name in head], rule, *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def percent(share):
    return f"{100 * share:.1f} %"


def span(numbers):
    return str(min(numbers)) if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


def code(formula):
    return f"`{formula}`" if formula else "no closed form"


def page(program):
    facts = said(program, "--list")["schedules"]
    text = [HEAD]
    text.append("## What they are, and when to use them\n")
    text.append(
        table(("schedule", "header", "what it is", "needs", "when to use it"),
              [(f"`{one['name']}`", f"`schedule/{HEADERS.get(one['name'], one['name'])}.hpp`", one["what"],
                one["needs"] or "-", one["when"]) for one in facts])
    )
    text.append(
        "\n## Length, memory, messages\n\nThe step is the makespan in the unit case; its bubble is 1 - 3 m v / step, or "
        "1 - 3 m / step for dualpipe and\nchimera, whose ranks hold copies. Where the peak does not name r it is that "
        "of the rank that keeps most.\n`tests/examples/draw_schedule.py` puts each formula beside simulated steps.\n"
    )
    text.append(
        table(("schedule", "step", "for", "peak", "versions", "messages"),
              [(f"`{one['name']}`", code(one["step"]), code(one["holds"]) if one["holds"] else "all",
                code(one["peak"]), code(one["versions"]), code(one["messages"])) for one in facts])
    )
    text.append(
        "\n## The same model under each\n\n8 ranks, 16 micro-batches, simulated. The model has 8 stages, "
        "cut finer where a rank has several chunks, so that a\nrank's work is the same in every line and makespans "
        "compare. Peak counts stages of 8, on the rank that keeps most.\nThe last two columns are bubbles where input "
        "halves take 1.4 and weight halves 0.6, and where a message takes 0.25:\nthe fixed orders lose where costs are "
        "not equal, and `draw_schedule --synthesize` finds one for the costs there are.\n"
    )
    shape = ("--rank-all", "--stages", 8, "--micro", 16)
    rankings = []
    for forward, input_half, weight_half, message in SENSITIVE:
        costs = ("--costs", f"{forward},{input_half},{weight_half}", "--message", message)
        rankings.append({one["schedule"]: one for one in said(program, *shape, *costs)["ranking"]})
    rows = []
    for name, one in rankings[0].items():
        rows.append((f"`{name}`", one["chunks"], f"{one['makespan']:g}", percent(one["bubble"]), f"{one['peak']:g}",
                     span(one["weight_versions"]), one["messages"],
                     *(percent(other[name]["bubble"]) for other in rankings[1:])))
    text.append(table(("schedule", "chunks ", "makespan ", "bubble ", "peak ", "versions", "messages ", "unequal halves ",
                       "slow messages "), rows))
    text.append(
        "\nThe asynchronous ones, `pipedream` and `pipedream_2bw`, fill and drain once in a run, not once a step: over "
        "many\nsteps their bubble goes to 0. Schedules of two chunks without copies have 16 stages of half the cost here, "
        "so\na message costs them twice as much of a pass.\n"
    )
    text.append("## Pictures\n\n4 ranks, 8 micro-batches. Made by `draw_schedule --schedule NAME --svg FILE`.\n")
    for name in PICTURES:
        text.append(f"![{name}](pictures/{name}.svg)\n")
    return "\n".join(text)


def make(program, docs):
    (docs / "pictures").mkdir(parents=True, exist_ok=True)
    (docs / "schedules.md").write_text(page(program))
    for name in PICTURES:
        run(program, "--schedule", name, "--svg", docs / "pictures" / f"{name}.svg")


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--check"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    program, docs = sys.argv[1], pathlib.Path(sys.argv[2]) / "docs"
    if len(sys.argv) == 3:
        make(program, docs)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        make(program, fresh)
        names = [file.relative_to(fresh) for file in sorted(fresh.rglob("*")) if file.is_file()]
        old = [name for name in names if not (docs / name).exists() or (docs / name).read_text() != (fresh / name).read_text()]
    for name in old:
        print(f"docs/{name} is not what scripts/schedules_page.py makes; run it and commit what it writes")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
