#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts in the tables of docs/gavel.md how many points are near the published ones.

    gavel_summary.py docs/gavel.md [--check]

A point is near if it is at most 3 % away. Prints a row for each table and interval: how many points of those played are
near, and the median of how far all are. With --check it prints nothing where the document has these rows, and else the
first that it lacks (status 1).
"""

import pathlib
import re
import statistics
import sys

NEAR = 3.0  # percent


def tables_of(text):
    """{title: [[differences in %, 1920 s], [1000 s]]}, in the order of the document."""
    found, title = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        # The last six of a point are published, 1920 s, difference, 1000 s, difference, plait.
        if "%" not in line or len(cells) < 7 or not re.fullmatch(r"[\d.]+", cells[-6]):
            continue
        columns = found.setdefault(title, ([], []))
        for column, cell in zip(columns, (cells[-4], cells[-2])):
            if cell.endswith("%"):
                column.append(abs(float(cell.rstrip("%"))))
    return found


def rows_of(tables):
    total = ([], [])
    for title, columns in tables.items():
        yield row(title, columns)
        for all_of_them, column in zip(total, columns):
            all_of_them.extend(column)
    yield row("all", total)


def row(title, columns):
    said = [f"{sum(d <= NEAR for d in c)} of {len(c)} | {statistics.median(c):.1f} %" for c in columns]
    return f"| {title} | " + " | ".join(said) + " |"


def main():
    text = pathlib.Path(sys.argv[1]).read_text()
    rows = list(rows_of(tables_of(text)))
    if "--check" not in sys.argv[2:]:
        return print("\n".join(rows))
    missing = [one for one in rows if one not in text.splitlines()]
    if missing:
        sys.exit(f"{sys.argv[1]}: the summary is not that of the tables, it lacks the row\n{missing[0]}")


if __name__ == "__main__":
    main()
