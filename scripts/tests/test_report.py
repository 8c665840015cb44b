#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The page of the report says what the table of compare says, cell by cell, and nothing else.

usage: scripts/tests/test_report.py

Lays out every matrix of scripts/tests/fixtures/compare, in two flavours, and holds the
page against table.txt; then what is hostile, missing or not there at all.
Exit code: 0 all as expected, 1 otherwise.
"""
import json
import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
import test_compare as tables   # noqa: E402
from pages import Page, harmless    # noqa: E402

HOSTILE = "</pre></details></section><script>alert(1)</script><img src=x onerror=alert(2)> & \"'&lt;"


def shown(table: str) -> dict[str, list[str]]:
    """The rows of table.txt: the text of each column, without white space."""
    rule = re.search(r"^-+(  -+)+$", table, re.M)[0]
    spans, rows, name = [match.span() for match in re.finditer("-+", rule)], {}, ""
    for line in table.split(rule)[2].strip("\n").splitlines():
        part = [line[a:b] for a, b in spans]
        name = part[0].strip() or name
        if part[0].strip():
            rows[name] = [""] * len(spans)
        rows[name] = [old + re.sub(r"\s", "", new) for old, new in zip(rows[name], part)]
    return rows


def differs(page: Page, flavour: str, variants: list[str], table: str) -> list[str]:
    """Where page and table are not the same."""
    rows, wrong = shown(table), []
    flavours = [cell["text"] for cell in page.rows[0][1:-1]]
    lines = {line[0]["text"]: line[1 + flavours.index(flavour) * len(variants):] for line in page.rows[2:]}
    if sorted(lines) != sorted(rows):
        return [f"{flavour}: rows {sorted(lines)}, not {sorted(rows)}"]
    for name, columns in rows.items():
        kinds = []
        for i, variant in enumerate(variants):
            cell, opens = lines[name][i], page.cells[f"{flavour}.{variant}.{name}"]
            mark, verdict, *count = cell["text"].split()
            failed = opens["failed"] if verdict == "fail" else []
            more = f"and{len(failed) - 4}more" if len(failed) > 4 else ""
            kinds.append(cell["class"])
            said = [verdict + "".join(failed[:4]) + more, cell["s"], opens["words"].replace(" ", "")]
            if said != [*columns[1 + 2 * i:3 + 2 * i], columns[-1]]:
                wrong.append(f"{flavour} {variant} {name}: {said}, the table says {columns}")
            if cell["link"] != f"{flavour}.{variant}.{name}" or opens["verdict"] != f"{mark} {verdict}" \
                    or count != ([str(len(failed))] if failed else []):
                wrong.append(f"{flavour} {variant} {name}: {cell} opens {opens}")
            if (verdict in ("missing", "stale", "broken")) != (cell["class"] == "unjudged"):
                wrong.append(f"{flavour} {variant} {name}: {verdict} is {cell['class']}")
        row = {"y": {"ok"}, "s": {"skip"}}.get(columns[-1][0])
        if (row and set(kinds) != row) or (not row and not set(kinds) & {"bad", "unjudged"}):
            wrong.append(f"{flavour} {name}: {kinds}, but {columns[-1]}")
    return wrong


def check(fixture: Path) -> list[str]:
    """What is wrong with the page of one matrix."""
    matrix = json.loads(fixture.read_text())
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        place = tables.lay_out(json.loads(fixture.read_text()), root)
        tables.lay_out(matrix | {"place": f"{place.parent.name}/lockdep"}, root)
        done = program.run("report", env=tables.environment(place, **matrix["env"]), cwd=name)
        if matrix["exit"] == 2 or done.returncode:
            ok = done.returncode == matrix["exit"] and done.stderr.count("\n") == 1
            return [] if ok else [f"exit code {done.returncode}: {done.stderr}"]
        words = (place.parent / "report.html").read_text()
        page, wrong = Page(words), []
        for flavour in (place.name, "lockdep"):
            program.run("compare", env=tables.environment(place.parent / flavour, **matrix["env"]), cwd=name)
            wrong += differs(page, flavour, matrix["env"].get("VARIANT", "base series").split(),
                             (place.parent / flavour / "table.txt").read_text())
        return wrong + harmless(page, words)


def hostile() -> list[str]:
    """What a guest, or a file, says is text and stays text."""
    result = {"verdict": "fail", "seconds": 1.5, "reason": HOSTILE, "failed": [HOSTILE], "meta": {"kernel": HOSTILE},
              "tests": [{"name": HOSTILE, "status": "fail", "detail": HOSTILE}], "host": HOSTILE,
              "console": f"lost line\n{HOSTILE}\x1b[31m red\x00\x07\u202e\n" + "line\n" * 150 + f"last {HOSTILE}\n" * 50}
    matrix = {"place": "v5.10.223/default", "built": {}, "cases": {"a": "", "b": ""},
              "variants": {"base": {"a": result}, "series": {"a": "{" + HOSTILE}}}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        place = tables.lay_out(matrix, root)
        tables.write(place / "base" / "a" / "cmd.sh", f"#!/bin/sh\n\techo '{HOSTILE}'\n")
        tables.write(root / "configs" / "a.conf", f"# {HOSTILE}\u202e\x07\n" + (root / "configs" / "b.conf").read_text())
        done = program.run("report", cwd=name, env=tables.environment(place))
        if done.returncode:
            return [done.stderr]
        words = (place.parent / "report.html").read_text()
        page = Page(words)
        wrong, said = harmless(page, words), page.cells["default.base.a"]["text"]
        # claim, reason, words, what matters (once), failed (twice), results (twice), 50 lines, host.log, cmd.sh, meta
        if said.count(HOSTILE) < 58:
            wrong.append(f"hostile text {said.count(HOSTILE)} times: {said[:3000]}")
        if "lost line" in said or "last 200 of 202 lines" not in said:
            wrong.append("the console is not its last 200 lines")
        cell = page.rows[2 + 1][1]      # case b, base: nothing is stored
        if (cell["text"], cell["class"]) != ("? missing", "unjudged"):
            wrong.append(f"a missing result is {cell}")
    return wrong


def proof() -> list[str]:
    """The table of prove is read back as it was written."""
    from gates import proofs    # pylint: disable=import-outside-toplevel
    from report import reviews  # pylint: disable=import-outside-toplevel
    long = "does not apply: " + "a-long-name-of-a-patch " * 5 + "end"
    given = [proofs.Proof(f"0004-{'mm-word-' * 9}end.patch", "cases", "x", seen=["q35-a: fail b.c", "q35-d: lost"]),
             proofs.Proof("0005-mm-short.patch", "needed by", "y", seen=[long]),
             proofs.Proof("0006-mm-not.patch", "not shown", "no such device", problem="")]
    want = [[f"{p.patch[:4]} {p.slug}", "\n".join(p.seen or [p.claim]), p.words()] for p in given]
    found = reviews.proof_rows(proofs.table(given))
    return [] if found == want and not reviews.proof_rows("") else [f"proof: {found}, not {want}"]


def main() -> list[str]:
    """What is wrong."""
    fixtures = sorted(tables.FIXTURES.glob("*.json"))
    wrong = [f"{fixture.stem}: {what}" for fixture in fixtures for what in check(fixture)]
    wrong += [f"hostile: {what}" for what in hostile()]
    with tempfile.TemporaryDirectory() as name:
        gone = program.run("report", env={"RESULTS": name})
        if gone.returncode != 125 or gone.stderr.count("\n") != 1 or os.listdir(name):
            wrong.append(f"no results: {gone}")
    wrong += proof()    # last: what it imports has read the environment
    if not fixtures:
        wrong.append("no fixtures")
    return wrong


if __name__ == "__main__":
    program.end(main())
