# SPDX-License-Identifier: GPL-2.0
"""Put base and series side by side: one row a case, as expected or not.

usage: compare [--odd]

A row is as expected when the series passes and base fails just what the case
names in base_fails; without base_fails base has to pass, too. Prints the table
and, for each row that is not as expected, what matters and how to repeat it;
writes table.txt and junit.xml beside the results. --odd prints only the rows that are
not as expected, and writes nothing. RESULTS may be several folders, of machines that shared
the work: they are copied to one first (merged/N beside the first).
Environment: PIN FLAVOUR ARCH CASE VARIANT SHARD RESULTS BUILD CONFIGS NO_COLOR.
Exit code: 0 all rows as expected, 1 not, 2 bad input, 125 a result is missing, stale or broken.
"""
import os
import sys
import textwrap
from pathlib import Path

from guests import case as cases
from guests import junit, merge, shard, stack
from guests.results import Row, brief, clean, gather, ruled
from settings import ROOT, die, get, options, parted, text_of, told

NOT_JUDGED = ("missing", "stale", "broken")
COLOURS = {"yes": "32", "NO": "31", "skip": "33"}


def read_rows(place: Path, variants, glob: str, pick=list) -> list[Row]:
    """What is stored in results/PIN/LABEL: a row for each case that matches and is picked."""
    flavour, arch = parted(place.name)
    return gather(place, pick(cases.find(glob, flavour, arch, place.parent.name)), variants)


def again(name: str, variant: str, place: Path) -> str:
    """The command that repeats a cell."""
    if not (ROOT / "Makefile").exists():    # unpacked, see pack.py
        return f"CASE={name} VARIANT={variant} ./run"
    return f"make boot CASE={name} VARIANT={variant}{told(place.parent.name, *parted(place.name))}"


def table(title: str, variants, rows: list[Row], colour: bool) -> str:
    """The table."""
    head = ["case", *(word for v in variants for word in (v, "s")), "as expected"]
    grid = [[[name] for name in head]]
    for row in rows:
        line = [[row.case.name]]
        for cell in row.cells:
            line += [cell.lines(), [f"{cell.seconds:.1f}" if cell.seconds else "-"]]
        words = textwrap.wrap(clean(row.words()), 44, break_on_hyphens=False)
        if colour:
            code = COLOURS[words[0].partition(":")[0]]
            words = [f"\x1b[{code}m{text}\x1b[0m" for text in words]
        grid.append([*line, words])
    return "\n".join([title, "", *ruled(grid, range(2, len(head), 2)), ""])


def footer(variants, rows: list[Row]) -> str:
    """The count, and what all of it was run with."""
    words = [row.words().partition(":")[0] for row in rows]
    metas = [cell.meta for row in rows for cell in row.cells if cell.meta]
    kernels = [(v, brief(cell.meta.get("kernel", ""))) for i, v in enumerate(variants)
               for cell in (row.cells[i] for row in rows) if cell.meta]
    facts = {
        "accelerator": [f"{m.get('accel', '?')} ({m.get('accel_reason', '?')})" for m in metas],
        "qemu": [m.get("qemu", "?") for m in metas],
        "compiler": [m.get("compiler", "?") for m in metas],
        "kernel": [f"{variant} {kernel}" for variant, kernel in kernels]}
    return "\n".join([
        f"{words.count('yes')} rows as expected, {words.count('NO')} not, "
        f"{words.count('skip')} skipped", "",
        *(f"{name:11}  {clean(', '.join(dict.fromkeys(found)))}".rstrip()
          for name, found in facts.items())])


def trace(cell, place: Path) -> list[str]:
    """The first call trace on the cell's console, with source lines."""
    build = get().build / place.parent.name
    return stack.decoded(text_of(cell.path / "console.log"), build / f"{cell.variant}-{place.name}" / "vmlinux",
                         build / "linux/scripts/faddr2line")


def details(rows: list[Row], place: Path) -> str:
    """For each cell that is not as expected: what matters, and how to repeat it."""
    out = []
    for row in rows:
        for cell in (cell for cell in row.cells if cell.problem):
            out += ["", f"{row.case.name}: {cell.problem}",
                    *(f"    {line}" for line in cell.matter(row.case)),
                    *(f"      {'at' if i else 'in'} {line}" for i, line in enumerate(trace(cell, place))),
                    f"    again:  {again(row.case.name, cell.variant, place)}",
                    f"    result: {os.path.relpath(cell.path)}"]
    return "\n".join(out)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--odd", action="store_true")
    args = parser.parse_args()
    s = get()
    place, variants, glob = s.place, s.variants, s.cases
    if len(s.result_folders) > 1:
        place = merge.merge(s.result_folders) / s.pin / s.label
    rows = read_rows(place, variants, glob, shard.of_stored)
    if not rows:
        die(f"no case matches '{glob}'; run: make list")
    if not place.is_dir():
        die(f"no results in {place}; run: make{s.words()}", 125)

    status = (125 if any(cell.verdict in NOT_JUDGED for row in rows for cell in row.cells)
              else 1 if any(cell.problem for row in rows for cell in row.cells) else 0)
    if args.odd:
        sys.stdout.write(details(rows, place) + "\n" if status else "")
        return status
    title = f"{place.parent.name} {place.name}: {' x '.join(variants)}"
    title += f", cases {glob}" if glob != "*" else ""
    title += f", part {s.shard[0]} of {s.shard[1]}" if s.shard[1] > 1 else ""
    end = "\n".join(["", footer(variants, rows), details(rows, place)]).rstrip() + "\n"
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    (place / "table.txt").write_text(table(title, variants, rows, False) + end)
    junit.write(place / "junit.xml", rows)
    sys.stdout.write(table(title, variants, rows, colour) + end)
    return status
