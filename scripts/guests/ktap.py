# SPDX-License-Identifier: GPL-2.0
"""Parse result.ktap, what PID 1 of the guest reports, for the judge.

The format is KUnit's dialect of TAP: a subtest is indented by four columns
and is followed by the result line of its parent. parse() never raises; what
it could not make sense of is in Report.error, and whether the report is whole
is for the caller to ask (end, finished).
"""
import re
from dataclasses import dataclass, field

VERSION = re.compile(r"K?TAP version \d+$")
SUBTEST = re.compile(r"# Subtest: *(\S+)")
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\b:?\s*(?P<skip>.*))?$", re.I)
RESULT = re.compile(r"(not )?ok (\d+)(?: -)?(?: |$)(.*)$")
SKIP = re.compile(r"(?:^|\s)#\s*SKIP\b:?\s*(.*)$", re.I)


@dataclass
class Block:
    """The lines of one level: a plan and its results, perhaps still open."""
    name: str = ""
    plan: int | None = None
    skip: str | None = None
    tests: list["Test"] = field(default_factory=list)


@dataclass
class Test:
    """One result line, with the block of its subtests."""
    name: str
    passed: bool
    skip: str | None
    detail: str
    block: Block

    def failed(self) -> bool:
        """A not ok anywhere below counts, whatever the parent says."""
        return not self.passed or any(t.failed() for t in self.block.tests)

    def entry(self, prefix: str = "") -> dict:
        """The test as it is listed in verdict.json."""
        status, detail = "pass", self.detail
        if self.failed():
            below = [t.entry()["detail"] for t in self.block.tests if t.failed()]
            status, detail = "fail", self.detail or next(filter(None, below), "")
        elif self.skip is not None:
            status, detail = "skip", self.skip
        return {"name": prefix + self.name, "status": status, "detail": detail}


@dataclass
class Report:
    """The whole of result.ktap."""
    top: Block = field(default_factory=Block)
    unfinished: list[Block] = field(default_factory=list)
    end: bool = False           # "# end of run" is there
    bail: str | None = None     # the reason of "Bail out!"
    error: str | None = None    # malformed: line and what

    def finished(self) -> bool:
        """Every test of the outer plan has its result."""
        return self.top.plan == len(self.top.tests) and not self.unfinished

    def entries(self) -> list[dict]:
        """The tests named <subtest>.<case>; one that has no cases, or failed
        for a reason that none of its cases shows, is named <subtest>."""
        found = []
        for test in self.top.tests:
            cases = [t.entry(f"{test.name}.") for t in test.block.tests]
            found += cases
            short = len(cases) < (test.block.plan or 0)
            blamed = any(case["status"] == "fail" for case in cases)
            if not cases or short or (not test.passed and not blamed):
                found.append(test.entry() if not short else {
                    "name": test.name, "status": "fail",
                    "detail": f"{test.detail}\n{len(cases)} of "
                              f"{test.block.plan} tests reported".strip()})
        for block in self.unfinished[:1]:
            found += [t.entry(f"{block.name}.") for t in block.tests]
        return found


def add_result(blocks: list[Block], level: int, match, notes: list) -> str | None:
    """Close the subtest below level and add a result; returns what is wrong."""
    block, passed = blocks[level], not match[1]
    skip = SKIP.search(match[3])
    words = SKIP.sub("", match[3]).split()
    number = len(block.tests) + 1
    name = words[0] if words else match[2]      # "ok 2 # SKIP why" has no name
    if int(match[2]) != number:
        return f"result {match[2]} ({name}) where {number} was due"
    if block.plan is not None and number > block.plan:
        return f"result {number} ({name}) but only {block.plan} were planned"
    if block.plan is None and level < 2:    # KUnit parameters have no plan
        return f"result {number} ({name}) without a plan"
    below = blocks[level + 1] if len(blocks) > level + 1 else Block()
    if passed and len(blocks) > level + 2:
        return f"{name} is ok but a subtest of it never ended"
    if passed and len(below.tests) < (below.plan or 0):
        return f"{name} is ok with {len(below.tests)} of {below.plan} tests"
    if below.name not in ("", name):
        return f"the result of subtest {below.name} is missing, found {name}"
    del blocks[level + 1:]
    reason = skip[1].strip() if skip else below.skip
    block.tests.append(Test(name, passed, reason, "\n".join(notes), below))
    return None


def add_line(report: Report, blocks: list[Block], line: str, notes: list):
    """Take one line; returns what is wrong with it, or None."""
    text = line.strip()
    level, odd = divmod(len(line) - len(line.lstrip(" ")), 4)
    subtest, plan, result = (p.match(text) for p in (SUBTEST, PLAN, RESULT))
    if level == 0 and text == "# end of run":
        report.end = True
    elif level == 0 and text.startswith("Bail out!"):
        report.bail = text.removeprefix("Bail out!").strip()
    elif not (subtest or plan or result or VERSION.match(text)):
        if text:
            notes.append(text.removeprefix("# "))
        return None
    elif report.end:
        return f"'{text}' after the end of the run"
    elif odd or level > len(blocks):
        return f"'{text}' is indented by {len(line) - len(line.lstrip(' '))}"
    elif level == len(blocks):
        blocks.append(Block())

    if result:
        error = add_result(blocks, level, result, notes)
        notes.clear()
        return error
    if subtest or plan:
        block = blocks[level]
        if len(blocks) > level + 1 or block.tests or block.plan is not None:
            return f"'{text}' where the result of {block.name or 'a test'} was due"
    if subtest:
        block.name = subtest[1]
        notes.clear()
    if plan:
        block.plan, block.skip = int(plan[1]), plan["skip"]
        if block.plan == 0 and block.skip is None:
            return "'1..0' without SKIP"
    return None


def parse(text: str) -> Report:
    """Parse a report; stops at the first line that is malformed."""
    report, notes = Report(), []
    blocks = [report.top]
    lines = text.splitlines()
    if lines and not VERSION.match(lines[0]):
        report.error = "line 1: not a TAP version"
        return report
    for number, line in enumerate(lines, 1):
        error = add_line(report, blocks, line.rstrip(), notes)
        if error:
            report.error = f"line {number}: {error}"
            break
    else:
        if report.end and report.top.plan is None:
            report.error = "no plan"
    report.unfinished = blocks[1:]
    return report
