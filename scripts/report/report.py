# SPDX-License-Identifier: GPL-2.0
"""Write all that is stored about a pin into one HTML page: report

The matrix of cases, flavours and variants, each cell with its verdict, failed
tests, console, cmd.sh, case and settings; what is seen without each patch (series/PIN/proof); every user of the flag
(series/PIN/audit). A cell is as expected by the same rule as in the table of compare.
Writes results/PIN/report.html, which needs no other file and no network.
Environment: PIN CASE VARIANT RESULTS BUILD CONFIGS SERIES_DIR.
Exit code: 0 written, 2 bad input, 125 there are no results.
"""
import hashlib
import json
import os
import re
from pathlib import Path

from guests.compare import NOT_JUDGED, again, footer, read_rows
from guests.results import Cell, Row
from report import reviews
from report.page import Html, fold, log, markup, page, tag
from settings import ROOT, UNJUDGED, die, get, options, text_of, write

BYTES = 5 << 20         # what the page may take, or consoles are cut shorter
MARKS = {"ok": "✓", "bad": "✗", "unjudged": "?", "skip": "–"}
KINDS = {"ok": "as expected", "bad": "not as expected", "unjudged": "missing, stale or broken", "skip": "skipped"}


def kind(row: Row, cell: Cell) -> str:
    """How a cell is coloured; only what is as expected is ok."""
    if cell.problem:
        return "unjudged" if cell.verdict in NOT_JUDGED else "bad"
    return "skip" if row.skip else "ok"


def name_of(flavour: str, row: Row, cell: Cell) -> str:
    """The anchor of a cell."""
    return f"{flavour}.{cell.variant}.{row.case.name}"


def matrix(found: dict[str, list[Row]], variants) -> Html:
    """A line a case, a column a flavour and variant."""
    by_name = {flavour: {row.case.name: row for row in rows} for flavour, rows in found.items()}
    claims = {row.case.name: row.case.claim for rows in found.values() for row in rows}
    head = [tag("tr", tag("th", "case", rowspan=2), *(tag("th", f, colspan=len(variants)) for f in found),
                tag("th", "shows", rowspan=2)), tag("tr", *(tag("th", v) for _ in found for v in variants))]
    body = []
    for name in sorted(claims):
        line = [tag("th", name, scope="row")]
        for flavour, rows in by_name.items():
            if name not in rows:
                line.append(tag("td", colspan=len(variants)))
                continue
            for cell in rows[name].cells:
                how = kind(rows[name], cell)
                told = f"{MARKS[how]} {cell.verdict}" + (
                    f" {len(cell.failed)}" if cell.verdict == "fail" and cell.failed else "")
                time = tag("span", f"{cell.seconds:.1f}" if cell.seconds else "-", class_="s")
                line.append(tag("td", tag("a", told, time, href=f"#{name_of(flavour, rows[name], cell)}",
                                          title=cell.problem or cell.reason), class_=how))
        body.append(tag("tr", *line, tag("td", claims[name], class_="claim")))
    return tag("table", tag("thead", *head), tag("tbody", *body), id="matrix-table")


def opened(flavour: str, row: Row, cell: Cell, lines: int) -> Html:
    """What a cell opens."""
    how, wanted = kind(row, cell), row.case.fails(cell.variant)
    told = {test["name"]: test["detail"] for test in cell.tests if test["status"] == "fail"}
    failed = [tag("tr", tag("td", name), tag("td", "expected" if name in wanted else "not expected",
                                              class_="" if name in wanted else "bad"),
                  tag("td", log(told.get(name, "")))) for name in cell.failed]
    tests = "\n".join(f"{test['status']} {test['name']}" + "".join(
        f"\n       {line}" for line in test["detail"].splitlines()[:20]) for test in cell.tests)
    console = text_of(cell.path / "console.log")
    total = len(console.splitlines())
    parts = [
        tag("a", "close (Esc)", href="#-", class_="close"),
        tag("h2", row.case.name), tag("p", row.case.claim, class_="dim"),
        tag("p", tag("span", f"{MARKS[how]} {cell.verdict}", class_=f"verdict {how}"),
            f" {flavour} {cell.variant}" + (f", {cell.seconds:.1f} s" if cell.seconds else "")),
        tag("p", cell.reason),
        tag("p", "as expected: ", tag("span", row.words(), class_="words"), class_="dim")]
    if cell.expected:
        parts.append(tag("p", f"had to be, and was: {cell.expected}", class_="dim"))
    if cell.problem and (matter := cell.matter(row.case)):
        parts.append(log("\n".join(matter)))
    if failed:
        parts += [tag("h3", "Failed"), tag("table", tag("tbody", *failed), class_="failed")]
    parts += [tag("h3", "Again"), log(again(row.case.name, cell.variant, get().results / get().pin / flavour))]
    if cell.tests:
        parts.append(fold(f"all {len(cell.tests)} results", log(tests)))
    parts.append(fold(f"console.log, the last {lines} of {total} lines" if total > lines else
                      f"console.log, {total} lines", log(console, lines)) if console else tag("p", "no console.log"))
    for name in ("host.log", "cmd.sh", "case.conf"):
        if words := text_of(cell.path / name):
            parts.append(fold(name, log(words, 200, 2000)))
    if cell.meta:
        parts.append(fold("meta.json", log(json.dumps(cell.meta, indent=1))))
    return tag("section", *parts, tag("p", os.path.relpath(cell.path, ROOT), class_="dim"),
               class_="cell", id=name_of(flavour, row, cell))


def kernels(found: dict[str, list[Row]], variants) -> list[Html]:
    """The counts of each flavour, and what its kernels are made of, while those are there."""
    out = []
    for flavour, rows in found.items():
        out += [tag("h3", flavour), log(footer(variants, rows), 0, 2000)]
        for i, variant in enumerate(variants):
            config = text_of(get().build / get().pin / f"{variant}-{flavour}" / ".config")
            if hashlib.sha256(config.encode()).hexdigest() in {row.cells[i].meta.get("config") for row in rows}:
                chosen = "\n".join(line for line in config.splitlines() if re.match(r"CONFIG_\w+=", line))
                out.append(fold(f"{variant}: .config, what is set", log(chosen)))
    return out


def whole(found: dict[str, list[Row]], variants, lines: int) -> str:
    """The page, with so many lines of each console."""
    title = f"{get().pin}: {' x '.join(variants)}"
    sections = {"matrix": "Matrix", "settings": "Counts and settings",
                "patches": "Without each patch", "users": "Audit"}
    began = sorted(str(cell.meta["started"]) for rows in found.values() for row in rows
                   for cell in row.cells if cell.meta.get("started"))
    total = [kind(row, cell) for rows in found.values() for row in rows for cell in row.cells]
    key = [tag("span", f"{MARKS[how]} {total.count(how)} {what}", class_=how) for how, what in KINDS.items()]
    parts = {
        "matrix": [tag("p", *key, class_="key"),
                   tag("p", "A cell opens what is known of it. Base is as expected when it fails just what the case "
                       "names: the number counts those. Seconds on the right.", class_="dim"),
                   tag("input", type="search", placeholder="only rows with these words", data_rows="matrix-table"),
                   matrix(found, variants)],
        "settings": kernels(found, variants),
        "patches": reviews.proof(), "users": reviews.users()}
    return page(
        title, tag("h1", title),
        tag("p", f"guests of {began[0]} to {began[-1]}" if began else "", class_="dim"),
        tag("nav", *(tag("a", words, href=f"#{name}") for name, words in sections.items())),
        *(markup(tag("h2", words, id=name), *parts[name]) for name, words in sections.items()),
        *(opened(flavour, row, cell, lines) for flavour, rows in found.items() for row in rows for cell in row.cells))


def places() -> list[Path]:
    """Where there are results of the pin: a folder a flavour. Ends here when there are none."""
    place = get().results / get().pin
    found = sorted((path for path in place.glob("*") if any((path / variant).is_dir() for variant in get().variants)),
                   key=lambda path: (path.name != "default", path.name))
    return found or die(f"no results in {place}; run: make{get().words()}", UNJUDGED)


def main() -> int:
    options(__doc__).parse_args()
    variants, glob, place = get().variants, get().cases, get().results / get().pin
    found = {path.name: read_rows(path, variants, glob) for path in places()}
    if not any(found.values()):
        die(f"no case matches '{glob}'; run: make list")
    text = ""
    for lines in (200, 100, 50, 20):
        text = whole(found, variants, lines)
        if len(text.encode()) <= BYTES:
            break
    write(place / "report.html", text)
    print(f"report: {os.path.relpath(place / 'report.html')}: {len(found)} flavours, "
          f"{sum(map(len, found.values()))} rows, {len(text.encode()) / 1e6:.1f} MB")
    return 0
