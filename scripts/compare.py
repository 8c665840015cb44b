#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Put base and series side by side: one row a case, as expected or not.

usage: compare.py [--odd] [--case GLOB] [--variant V]... [results/PIN/FLAVOUR]

A row is as expected when the series passes and base fails just what the case
names in base_fails; without base_fails base has to pass, too. Prints the table
and, for each row that is not as expected, what matters and how to repeat it;
writes table.txt, junit.xml and results.ktap beside the results. --odd prints only the
rows that are not as expected, and writes nothing. Defaults come from the
environment: PIN FLAVOUR ARCH CASE VARIANT RESULTS BUILD CONFIGS; also NO_COLOR.
Exit code: 0 all rows as expected, 1 not, 2 bad input, 125 a result is missing, stale or broken.
"""
import argparse
import os
import sys
import textwrap
from pathlib import Path

import case as cases
import junit
import stack
from rows import Row, clean, gather

ENV = os.environ
DEFAULT = {"PIN": "v5.10.223", "FLAVOUR": "default", "ARCH": "x86_64"}
UNJUDGED = ("missing", "stale", "broken")
COLOURS = {"yes": "32", "NO": "31", "skip": "33"}


def read_rows(place: Path, variants: list[str], glob: str) -> list[Row]:
    """What is stored below place, weighed: a row for each case that matches."""
    build = Path(ENV.get("BUILD") or cases.ROOT / "build")
    flavour, arch = cases.parted(place.name)
    return gather(place, cases.find(glob=glob, flavour=flavour, arch=arch, pin=place.parent.name), variants, build)


def setting_of(place: Path) -> dict[str, str]:
    """What results/PIN/LABEL says of the results in it."""
    return dict(zip(DEFAULT, [place.parent.name, *cases.parted(place.name)]))


def again(name: str, variant: str, setting: dict) -> str:
    """The command that repeats a cell."""
    extra = "".join(f" {key}={value}" for key, value in setting.items()
                    if value != DEFAULT[key])
    return f"make boot CASE={name} VARIANT={variant}{extra}"


def table(title: str, variants: list[str], rows: list[Row], colour: bool) -> str:
    """The table; columns as wide as what is in them."""
    head = ["case", *(word for v in variants for word in (v, "s")), "as expected"]
    grid = [[[name] for name in head]]
    for row in rows:
        line = [[row.case.name]]
        for cell in row.cells:
            line += [cell.lines(), [f"{cell.seconds:.1f}" if cell.seconds else "-"]]
        grid.append([*line, textwrap.wrap(
            clean(row.words()), 44, break_on_hyphens=False)])
    widths = [max(len(text) for line in grid for text in line[column])
              for column in range(len(head))]
    rule = "  ".join("-" * width for width in widths)
    out = [title, "", rule]
    for line in grid:
        for i in range(max(map(len, line))):
            texts = [cell[i] if i < len(cell) else "" for cell in line]
            padded = [text.rjust(width) if name == "s" else text.ljust(width)
                      for text, width, name in zip(texts, widths, head)]
            code = COLOURS.get(line[-1][0].partition(":")[0])
            if colour and code and texts[-1]:
                padded[-1] = f"\x1b[{code}m{texts[-1]}\x1b[0m"
            out.append("  ".join(padded).rstrip())
        if line is grid[0]:
            out.append(rule)
    return "\n".join([*out, rule, ""])


def footer(variants: list[str], rows: list[Row]) -> str:
    """The count, and what all of it was run with."""
    words = [row.words().partition(":")[0] for row in rows]
    metas = [cell.meta for row in rows for cell in row.cells if cell.meta]
    kernels = [(v, cell.meta.get("kernel", "")[:12]) for i, v in enumerate(variants)
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


def trace(cell, setting: dict) -> list[str]:
    """The first call trace on the cell's console, with source lines."""
    log = cell.path / "console.log"
    build = Path(ENV.get("BUILD") or cases.ROOT / "build") / setting["PIN"]
    return stack.decoded(log.read_text(errors="replace") if log.is_file() else "",
                         build / f"{cell.variant}-{cases.label(setting['FLAVOUR'], setting['ARCH'])}" / "vmlinux",
                         build / "linux/scripts/faddr2line")


def details(rows: list[Row], setting: dict) -> str:
    """For each cell that is not as expected: what matters, and how to repeat it."""
    out = []
    for row in rows:
        for cell in (cell for cell in row.cells if cell.problem):
            out += ["", f"{row.case.name}: {cell.problem}",
                    *(f"    {line}" for line in cell.matter(row.case)),
                    *(f"      at {line}" for line in trace(cell, setting)),
                    f"    again:  {again(row.case.name, cell.variant, setting)}",
                    f"    result: {os.path.relpath(cell.path)}"]
    return "\n".join(out)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, usage=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", default=ENV.get("CASE") or "*")
    parser.add_argument("--odd", action="store_true")
    parser.add_argument("--variant", action="append")
    parser.add_argument("place", nargs="?", type=Path)
    args = parser.parse_args()
    setting = {key: ENV.get(key) or value for key, value in DEFAULT.items()}
    place = (args.place or Path(ENV.get("RESULTS") or cases.ROOT / "results")
             / setting["PIN"] / cases.label(setting["FLAVOUR"])).resolve()
    variants = args.variant or (ENV.get("VARIANT") or "base series").split()
    try:
        rows = read_rows(place, variants, args.case)
    except cases.CaseError as err:
        print(err, file=sys.stderr)
        return 2
    if not rows:
        print(f"compare.py: no case matches '{args.case}'; run: make list", file=sys.stderr)
        return 2
    if not place.is_dir():
        print(f"compare.py: no results in {place}; run: make boot", file=sys.stderr)
        return 125

    status = (125 if any(cell.verdict in UNJUDGED for row in rows for cell in row.cells)
              else 1 if any(cell.problem for row in rows for cell in row.cells) else 0)
    if args.odd:
        sys.stdout.write(details(rows, setting_of(place)) + "\n" if status else "")
        return status
    title = f"{place.parent.name} {place.name}: {' x '.join(variants)}"
    title += f", cases {args.case}" if args.case != "*" else ""
    end = "\n".join(["", footer(variants, rows), details(rows, setting_of(place))]).rstrip() + "\n"
    colour = sys.stdout.isatty() and not ENV.get("NO_COLOR")
    (place / "table.txt").write_text(table(title, variants, rows, False) + end)
    junit.write(place / "junit.xml", rows)
    junit.write_ktap(place / "results.ktap", rows)
    sys.stdout.write(table(title, variants, rows, colour) + end)
    return status


if __name__ == "__main__":
    sys.exit(main())
