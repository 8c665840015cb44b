# SPDX-License-Identifier: GPL-2.0
"""All pins side by side: what fails on each tag, and passes with the series.

usage: pins [--cases]

A row a case, a column a pin, from stored results of FLAVOUR and ARCH: how many tests fail on the
tag and what the series does with it. Below, a line a pin says whether its tag has the bugs that
these cases show. The cases are those of CASE; without it, those of the sets that pins carry
(`cases` in series/PIN/base). --cases prints their names alone.
Environment: FLAVOUR ARCH CASE RESULTS BUILD CONFIGS SERIES_DIR.
Exit code: 0 all rows as expected, 1 not, 2 bad input, 125 a result is missing, stale or broken.
"""
import re

from guests import case as cases
from guests.compare import NOT_JUDGED, read_rows
from guests.results import Row
from settings import UNJUDGED, die, get, known_pins, options, told

WORDS = {"yes": "as expected", "NO": "not", "skip": "skipped"}


def age(pin: str) -> list[int]:
    """What orders pins by version."""
    return list(map(int, re.findall(r"\d+", pin)))


def carried() -> str:
    """The cases of the sets that pins carry."""
    return " ".join(sorted({name for names in cases.of_pins(get().configs, "cases").values() for name in names}))


def judged(row: Row) -> bool:
    """Is there a result of base and of series?"""
    return not any(part.verdict in NOT_JUDGED for part in row.cells)


def cell(row: Row | None) -> str:
    """What a pin did with a case: base, then series."""
    if row is None:
        return "-"
    if not judged(row):
        return next(part.verdict for part in row.cells if part.verdict in NOT_JUDGED)
    base, series = row.cells
    red = f"{base.verdict} {len(base.failed)}" if base.verdict == "fail" else base.verdict
    return f"{'NO: ' if row.words().startswith('NO') else ''}{red} > {series.verdict}"


def summary(pin: str, rows: list[Row]) -> str:
    """The line of a pin."""
    ran = [row for row in rows if judged(row)]
    red = [row for row in ran if row.cells[0].expected]
    words = [row.words().partition(":")[0] for row in ran]
    counts = [f"{words.count(word)} {text}" for word, text in WORDS.items() if words.count(word)]
    if len(ran) < len(rows):
        counts.append(f"{len(rows) - len(ran)} to run: make{told(pin, get().flavour, get().arch)} CASE='...'")
    return f"{pin}: the tag fails {len(red)} of {len(ran)} cases; {', '.join(counts)}"


def main() -> int:
    """The command line."""
    parser = options(__doc__)
    parser.add_argument("--cases", action="store_true")
    args = parser.parse_args()
    s = get()
    glob = s.cases if s.cases != "*" else carried()
    if args.cases:
        print(glob)
        return 0
    try:
        found = {pin: {row.case.name: row for row in read_rows(s.results / pin / s.label, ("base", "series"), glob)}
                 for pin in sorted(known_pins(s.configs.parent / "series"), key=age)}
    except cases.CaseError as err:
        die(str(err))
    found = {pin: rows for pin, rows in found.items() if rows}
    names = sorted({name for rows in found.values() for name in rows})
    if not names:
        die(f"no case of any pin matches '{glob}'; run: make list PIN=...")
    grid = [["case", *found], *([name, *(cell(rows.get(name)) for rows in found.values())] for name in names)]
    widths = [max(len(line[i]) for line in grid) for i in range(len(grid[0]))]
    for line in grid:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    print("\n" + "\n".join(summary(pin, list(rows.values())) for pin, rows in found.items()))
    every = [row for rows in found.values() for row in rows.values()]
    if not all(map(judged, every)):
        return UNJUDGED
    return int(any(part.problem for row in every for part in row.cells))
