# SPDX-License-Identifier: GPL-2.0
"""What is reviewed of a pin, as tables of the report: series/PIN/proof, which
prove writes, and series/PIN/audit, which audit holds against the tree."""
import re

from gates import proofs
from gates.audit import LINE, Pin
from guests import case as cases
from report.page import Html, fold, tag
from settings import get, text_of

COLOURS = {"NO": "bad", "yes": "ok", "not": "skip"}


def head(*names: str) -> Html:
    """The head of a table."""
    return tag("thead", tag("tr", *(tag("th", name) for name in names)))


def proof_rows(words: str) -> list[list[str]]:
    """Patch, what is seen without it, and if it is needed: by the columns that
    the rules of the table draw."""
    rule, rows = re.search(r"^(-+  )(-+  )-+$", words, re.M), []
    if not rule or words.count(rule[0]) != 3:
        return rows
    first, second = len(rule[1]), len(rule[1] + rule[2])
    for line in words.split(rule[0])[2].splitlines():
        part = [line[:first].strip(), line[first:second].rstrip(), line[second:].strip()]
        if re.match(r"\d{4} ", line):
            rows.append(part)
        elif rows:
            rows[-1][0] += part[0]                          # a name is one word
            if part[1].startswith("  ") or not part[1]:     # what is seen goes on
                gap = "" if rows[-1][1].endswith("-") else " "
                rows[-1][1] = f"{rows[-1][1]}{gap}{part[1].strip()}".rstrip()
            else:
                rows[-1][1] += f"\n{part[1]}"
            rows[-1][2] = f"{rows[-1][2]} {part[2]}".rstrip()
    return rows


def proof() -> list[Html]:
    """The patches, and what is seen without each."""
    words = text_of(get().series / "proof")
    if not (rows := proof_rows(words)):
        return [tag("p", f"There is no series/{get().pin}/proof yet; run: make prove", class_="none")]
    _, known, wrong = proofs.read_series(cases.find(arch=""))
    wrong = wrong or proofs.stale(known)
    body = [tag("tr", tag("th", name, scope="row"), tag("td", *(tag("div", line) for line in seen.split("\n"))),
                tag("td", needed, class_=COLOURS.get(re.split(r"\W", needed)[0], "")))
            for name, seen, needed in rows]
    return [tag("p", words.strip().splitlines()[-1]), *(tag("p", what, class_="bad") for what in wrong),
            tag("table", head("patch", "without it", "needed"), tag("tbody", *body), id="proof")]


def comment(part: str) -> list[str]:
    """The paragraphs of a comment; where lines hang, each that does not begins one."""
    lines = [line[1:] for line in part.splitlines() if line.startswith("#") and "SPDX" not in line]
    hang, out = any(line.startswith("   ") for line in lines), []
    for line in filter(str.strip, lines):
        if out and (line.startswith("   ") or not hang):
            out[-1] += f" {line.strip()}"
        else:
            out.append(line.strip())
    return out


def users() -> list[Html]:
    """Every user of the flag, in the groups of the file."""
    pin = Pin()
    lines, wrong = pin.load_audit()
    if not lines:
        return [tag("p", f"There is no series/{pin.name}/audit", class_="none")]
    before, after, bodies = [], [], []
    for part in re.split(r"\n\s*\n|\n#\n", pin.audit.read_text()):
        notes = comment(part)
        rows = []
        for line in filter(None, map(LINE.fullmatch, part.splitlines())):
            if line["key"] in lines and not line[0].startswith("#"):
                word, _, why = line["verdict"].partition(" ")
                rows.append(tag("tr", tag("td", tag("code", line["path"])),
                                tag("td", tag("code", line["key"][len(line["path"]) + 1:])),
                                tag("td", word.rstrip(":"), class_=word.rstrip(":")), tag("td", why)))
        if rows:
            heading = tag("tr", tag("th", *notes, colspan=4), class_="group") if notes else ""
            bodies.append(tag("tbody", heading, *rows))
        else:
            (after if bodies else before).extend(tag("p", note, class_="dim") for note in notes)
    count = {verdict: sum(line.verdict == verdict for line in lines.values())
             for verdict in ("patched", "safe", "blind")}
    return [
        tag("p", f"{len(lines)} users: " + ", ".join(f"{n} {verdict}" for verdict, n in count.items())
            + ". Held against the trees by: make audit"), *(tag("p", what, class_="bad") for what in wrong),
        fold("what is listed, and what changes", *before) if before else Html(),
        tag("input", type="search", placeholder="only users with these words", data_rows="audit"),
        tag("table", head("file", "user", "verdict", "why"), *bodies, id="audit"), *after]
