# SPDX-License-Identifier: GPL-2.0
"""Stored results as rows: a case, what each variant did with it, and a description of what
differs from what the case expects."""
import itertools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from guests.case import Case, CaseError
from guests.case import load as load_case
from settings import get, parted, text_of

SHOWN = 4       # failures that a table cell names


def clean(text: str) -> str:
    """Text that a terminal and a fixed width can stand."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e]", "", str(text))


def ruled(grid: list[list[list[str]]], right=()) -> list[str]:
    """The lines of a table, with rules around its head and its end. A cell may have several lines, in colour;
    columns are as wide as what is in them, and those of right are flush right."""
    widths = [max(len(re.sub(r"\x1b\[\d+m", "", text)) for line in grid for text in line[i]) for i in range(len(grid[0]))]
    rule = "  ".join("-" * width for width in widths)
    head, *lines = ["  ".join(text.rjust(width) if i in right else text.ljust(width)
                              for i, (text, width) in enumerate(zip(texts, widths))).rstrip()
                    for line in grid for texts in itertools.zip_longest(*line, fillvalue="")]
    return [rule, head, rule, *lines, rule]


def brief(name: str) -> str:
    """An id as it is shown; that of a tree with changes ends in -dirty-..."""
    return name[:12] + (f"-{name.partition('-')[2]}" if "-" in name else "")


@dataclass
class Cell:
    """What one variant did with one case."""
    path: Path
    variant: str
    verdict: str = "missing"
    reason: str = "no verdict.json"
    failed: list[str] = field(default_factory=list)
    tests: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    meta: dict = field(default_factory=dict)
    problem: str = ""       # what differs; empty when as expected
    expected: str = ""      # the failures that had to be there, and were

    def lines(self) -> list[str]:
        """The table cell: the verdict, then one line a failure."""
        names = self.failed if self.verdict == "fail" else []
        more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
        told = [*names[:SHOWN], *more] or [""]
        return [f"{self.verdict if i == 0 else '':4}  {name}".rstrip()
                for i, name in enumerate(told)]

    def said(self, pattern: str) -> bool:
        """Is there such a line on the console?"""
        return bool(re.search(pattern, text_of(self.path / "console.log")))

    def matter(self, case: Case) -> list[str]:
        """The three lines that say most about what went wrong."""
        if self.verdict in ("pass", "fail"):
            wanted = case.fails(self.variant)
            odd = set(self.failed) ^ set(wanted)
            words = {"fail": "not ok", "pass": "ok", "skip": "skipped"}
            return next(([clean(line) for line in
                          [f"{words[test['status']]} {test['name']}",
                           *test["detail"].split("\n")] if line][:3]
                         for test in self.tests if test["name"] in odd), [])
        for name in ("console.log", "host.log") if self.verdict != "skip" else ():
            if last := [clean(line) for line in text_of(self.path / name).splitlines() if line.strip()][-3:]:
                return last
        return []


@dataclass
class Row:
    """One case and its cells."""
    case: Case
    cells: list[Cell]
    skip: str = ""

    def words(self) -> str:
        """The last column."""
        problems = [cell.problem for cell in self.cells if cell.problem]
        if problems:
            return "NO: " + "; ".join(problems)
        if self.skip:
            return f"skip: {self.skip}"
        return f"yes: report {self.case.report}" if self.case.reported else "yes"


def other_guest(ran: Path, now: Case, flavour: str, pin: str) -> bool:
    """Has the case changed since, in what the guest is and runs?"""
    try:
        return ran.is_file() and load_case(ran, now.name, flavour, pin).guest() != now.guest()
    except CaseError:
        return True


def sums_of(case: Case, built: Path) -> dict[str, str]:
    """What of guest.sums in this folder, if it is there, the case runs: its programs, PID 1 and the modules."""
    wanted = {"init", *(argv[0] for argv in case.programs())}
    listed = [line.split(maxsplit=1) for line in text_of(built / "guest.sums").splitlines()]
    return {name: digest for digest, name in listed if name in wanted or name.endswith(".ko")}


def load(place: Path, variant: str, name: str) -> Cell:
    """Read one verdict; one about another kernel or another test than is built now, or another guest, is stale."""
    cell = Cell(place / variant / name, variant)
    stored = cell.path / "verdict.json"
    if not stored.exists():
        return cell
    flavour, pin = parted(place.name)[0], place.parent.name
    here, conf = get().build / pin / f"{variant}-{place.name}", get().configs / f"{name}.conf"
    built = here / "build.json"
    try:
        verdict = json.loads(stored.read_text())
        for key in ("verdict", "reason", "failed", "tests", "seconds", "meta"):
            setattr(cell, key, verdict[key])
        now = json.loads(built.read_text()) if built.exists() else {}
        for what in ("config", "kernel"):
            then = cell.meta.get(what, "")
            if now.get(what, then) != then:
                cell.verdict, cell.reason = "stale", f"{what} {brief(then) or 'unknown'}, built now is {brief(now[what])}"
        if conf.exists():
            case, then = load_case(conf, name, flavour, pin), cell.meta.get("sums", {})
            if odd := [test for test, digest in sums_of(case, here).items() if then.get(test, digest) != digest]:
                cell.verdict, cell.reason = "stale", f"{odd[0]} has changed since"
            if other_guest(cell.path / "case.conf", case, flavour, pin):
                cell.verdict, cell.reason = "stale", "the case has changed since"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CaseError) as err:
        cell.verdict, cell.reason = "broken", f"verdict.json: {type(err).__name__}: {err}"
    cell.reason = clean(cell.reason)
    return cell


def gather(place: Path, cases: list[Case], variants) -> list[Row]:
    """The rows of these cases, compared with what they expect; place is results/PIN/LABEL."""
    rows = [Row(case, [load(place, v, case.name) for v in variants]) for case in cases]
    for row in rows:
        compare(row)
    return rows


def compare(row: Row) -> None:
    """Fill in what differs from what the case expects."""
    if {cell.verdict for cell in row.cells} == {"skip"} and \
            len({cell.reason for cell in row.cells}) == 1:
        row.skip = row.cells[0].reason
        return
    for cell in row.cells:
        wanted = row.case.fails(cell.variant)
        if of := row.case.dies(cell.variant):
            died = cell.verdict == "lost" and cell.said(of)
            cell.expected = f"died: {of}" if died else ""
            cell.problem = "" if died else f"{cell.variant}: {cell.verdict} ({cell.reason}), and not of '{of}'"
            continue
        if cell.verdict not in ("pass", "fail"):
            cell.problem = f"{cell.variant}: {cell.verdict} ({cell.reason})"
            continue
        lacks = [name for name in wanted if name not in cell.failed]
        extra = [name for name in cell.failed if name not in wanted]
        told = []
        skipped = [test["name"] for test in cell.tests
                   if test["status"] == "skip" and test["name"] in row.case.base_fails]
        if skipped and cell.variant != "base":
            told.append(f"{cell.variant} skipped {' '.join(skipped)}")
        if lacks:
            told.append(f"{cell.variant} did not fail {' '.join(lacks)}")
        if extra and (cell.variant == "base" or row.case.reported):
            told.append(f"{cell.variant} {'also ' if wanted else ''}failed {' '.join(extra)}")
        elif extra or (cell.verdict == "fail" and not wanted):
            told.append(f"{cell.variant}: fail {' '.join(extra)}")
        cell.problem = "; ".join(told)
        if not told:
            cell.expected = " ".join(wanted)
