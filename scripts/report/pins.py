# SPDX-License-Identifier: GPL-2.0
"""All pins side by side: what fails on each tag, and passes with the series.

usage: pins [--cases | --pins [all]]

A row a case, a column a pin, from stored results of FLAVOUR and ARCH: how many tests fail on the
tag and what the series does with it. Below, a line a pin says how many of these cases its tag
fails. The cases are those of CASE; without it, those of the sets that pins carry (`cases` in
series/PIN/base). --cases prints their names alone, --pins the pins that have one of them, or all.
Environment: FLAVOUR ARCH CASE SHARD RESULTS BUILD CONFIGS.
Exit code: 0 all rows as expected, 1 not, 2 bad input, 125 a result is missing, stale or broken.
"""
import os
import re

from guests import case as cases
from guests import merge, shard
from guests.compare import NOT_JUDGED, read_rows
from guests.results import Row
from settings import UNJUDGED, die, get, known_pins, options, told

WORDS = {"yes": "as expected", "NO": "not", "skip": "skipped"}


def age(pin: str) -> list[int]:
    """What orders pins by version."""
    return list(map(int, re.findall(r"\d+", pin)))


def show(grid: list[list[str]]) -> None:
    """Print a table, its columns as wide as what is in them."""
    widths = [max(map(len, column)) for column in zip(*grid)]
    for line in grid:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def carried() -> str:
    """The cases of the sets that pins carry."""
    return " ".join(sorted({name for names in cases.of_pins(get().configs, "cases").values() for name in names}))


def judged(row: Row) -> bool:
    """Is there a result of base and of series?"""
    return not any(part.verdict in NOT_JUDGED for part in row.cells)


def cell(row: Row | None) -> str:
    """What a pin did with a case: base, then series."""
    if not row:
        return "-"
    if not judged(row):
        return next(part.verdict for part in row.cells if part.verdict in NOT_JUDGED)
    base, series = row.cells
    red = f"{base.verdict} {len(base.failed)}" if base.verdict == "fail" else base.verdict
    return f"{'NO: ' if row.words().startswith('NO') else ''}{red} > {series.verdict}"


def summary(pin: str, rows: list[Row]) -> str:
    """The line of a pin."""
    ran = [row for row in rows if judged(row)]
    red = [row for row in ran if row.cells[0].verdict not in ("pass", "skip")]
    words = [row.words().partition(":")[0] for row in ran]
    counts = [f"{words.count(word)} {text}" for word, text in WORDS.items() if words.count(word)]
    if len(ran) < len(rows):
        left = " ".join(row.case.name for row in rows if not judged(row))
        counts.append(f"{len(rows) - len(ran)} to run: make{told(pin, get().flavour, get().arch)} CASE='{left}'")
    return f"{pin}: the tag fails {len(red)} of {len(ran)} cases; {', '.join(counts)}"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--cases", action="store_true")
    parser.add_argument("--pins", nargs="?", const="some", choices=["some", "all"])
    args = parser.parse_args()
    s = get()
    glob = os.environ.get("CASE") or carried()
    if args.cases:
        print(glob)
        return 0
    pins = sorted(known_pins(s.configs.parent / "series"), key=age)
    if args.pins == "all":
        print(" ".join(pins))
        return 0
    some = [pin for pin in pins if cases.find(glob, s.flavour, s.arch, pin)]
    if not some:
        die(f"no case of any pin matches '{glob}' in {s.label}; run: make list PIN={pins[-1]}")
    if args.pins:
        print(" ".join(some))
        return 0
    results = merge.merge(s.result_folders) if len(s.result_folders) > 1 else s.results
    found = {pin: {row.case.name: row for row in read_rows(results / pin / s.label, ("base", "series"), glob, shard.of_stored)}
             for pin in some}
    names = sorted({name for rows in found.values() for name in rows})
    show([["case", *found], *([name, *(cell(rows.get(name)) for rows in found.values())] for name in names)])
    print("\n" + "\n".join(summary(pin, list(rows.values())) for pin, rows in found.items()))
    every = [row for rows in found.values() for row in rows.values()]
    if not all(map(judged, every)):
        return UNJUDGED
    return int(any(part.problem for row in every for part in row.cells))
