#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judge every stored result below scripts/tests/fixtures/judge.

usage: scripts/tests/test_judge.py [FIXTURE...]

A fixture is what differs from the result in clean_pass, and `expected`: the
verdict, the failed list, a piece of the reason, the files to leave out. It may
bring its own splat.deny and splat.allow. The lists of the project are held
against two files of console lines, `denied` and `ordinary`.
Exit code: 0 all as expected, 1 otherwise.
"""
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures/judge"
CONFIGS = program.ROOT / "qemu-configs"
CODE = {"pass": 0, "fail": 1, "lost": 1, "skip": 77, "timeout": 124,
        "broken": 125}


def run(fixture: Path, scratch: Path, without=(), missing=""):
    """Judge a copy of fixture: exit code, verdict.json, what was printed."""
    result = scratch / fixture.name
    shutil.copytree(FIXTURES / "clean_pass", result)
    shutil.copytree(fixture, result, dirs_exist_ok=True)
    for name in without:
        (result / name).unlink()
    configs = scratch / f"{fixture.name}.configs"
    configs.mkdir(parents=True)
    for name in ("splat.deny", "splat.allow"):
        own = result / name
        if name != missing:
            shutil.copyfile(own if own.exists() else CONFIGS / name, configs / name)
    done = program.run("judge", result, env={"CONFIGS": str(configs)})
    stored = result / "verdict.json"
    verdict = json.loads(stored.read_text()) if stored.exists() else {}
    return done.returncode, verdict, done.stdout + done.stderr


def check(fixture: Path, scratch: Path) -> str:
    """What is wrong with the verdict on fixture; empty when nothing is."""
    lines = (fixture / "expected").read_text().splitlines()
    want = {key.strip(): value.strip()
            for key, _, value in (line.partition("=") for line in lines)}
    code, got, printed = run(fixture, scratch, want.get("without", "").split())
    for key, found in (("verdict", got.get("verdict")),
                       ("failed", " ".join(got.get("failed", ["?"])))):
        if found != want[key]:
            return f"{key} is '{found}', not '{want[key]}': {printed}"
    if want["reason"] not in got["reason"]:
        return f"the reason lacks '{want['reason']}': {got['reason']}"
    if code != CODE[want["verdict"]]:
        return f"exit code {code}: {printed}"
    if printed.count("\n") != 1:
        return f"not one line: {printed}"
    return ""


def lists() -> list[str]:
    """What splat.deny misses, and what it should not catch."""
    from guests import splat
    deny = splat.deny_list(CONFIGS / "splat.deny")
    wrong = []
    for name in ("denied", "ordinary"):
        for line in (FIXTURES / name).read_text().splitlines():
            caught = any(pattern.search(text) for pattern in deny
                         for text in splat.messages(f"[    2.000001] {line}\r\n"))
            if caught != (name == "denied"):
                wrong.append(f"splat.deny, {name}: {line}")
    return wrong


def unusable(scratch: Path) -> list[str]:
    """Lists that are not there, and a result that is not there."""
    wrong = []
    for name in ("splat.deny", "splat.allow"):
        code, got, printed = run(FIXTURES / "clean_pass", scratch / name, missing=name)
        if code != 125 or got.get("verdict") != "broken":
            wrong.append(f"{name} is missing: {code} {printed}")
    gone = program.run("judge", scratch / "nonexistent")
    if gone.returncode != 125 or gone.stderr.count("\n") != 1:
        wrong.append(f"a missing result: {gone.returncode} {gone.stderr}")
    return wrong


def main() -> list[str]:
    """What is wrong."""
    chosen = sys.argv[1:]
    fixtures = sorted(path.parent for path in FIXTURES.glob("*/expected")
                      if not chosen or path.parent.name in chosen)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        wrong = [f"{fixture.name}: {what}" for fixture in fixtures
                 if (what := check(fixture, scratch))]
        wrong += unusable(scratch) + lists()
    if not fixtures:
        wrong.append("no fixtures")
    return wrong


if __name__ == "__main__":
    program.end(main())
