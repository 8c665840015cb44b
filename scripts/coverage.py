#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Which lines that the series changes are run by the cases, and which by none?

usage: scripts/coverage.py

Reads coverage.tar, what gcov counted in a guest of this kernel, of every case in
RESULTS/PIN/coverage/series, has gcov-tool add them up and gcov name the lines, and looks up
those that `git diff` says the series adds or changes in the kernel (its tests are left out).
series/PIN/not-run has the lines that no case runs, and why: `FILE: SOURCE LINE # reason`.
Prints a line a file, then what is not run. Environment: PIN BUILD RESULTS.
Exit code: 0 each line is run or has its reason, 1 not, or a reason is stale, 2 bad input.
"""
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from case import label
from command import BUILD, HERE, PIN, RESULTS, die
from rows import load

TREE = BUILD / PIN / "linux"
OUT = BUILD / PIN / f"series-{label('coverage')}"
STORED = RESULTS / PIN / label("coverage") / "series"
REASONS = HERE.parent / "series" / PIN / "not-run"
TESTS = (":!tools", ":!*_kunit.c")
HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def changed() -> dict[str, dict[int, str]]:
    """File -> line number -> text, of what the series adds or changes."""
    diff = subprocess.run(["git", "-C", TREE, "diff", "-U0", "--no-ext-diff", PIN, "HEAD", "--", "*.c", "*.h", *TESTS],
                          capture_output=True, text=True, check=True,
                          env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}).stdout
    found, lines, number = {}, {}, 0
    for line in diff.splitlines():
        if line.startswith("+++ "):
            lines = found.setdefault(line[6:], {})
        elif hunk := HUNK.match(line):
            number = int(hunk[1])
        elif line.startswith("+"):
            lines[number] = " ".join(line[1:].split())
            number += 1
    return found


def unpack(tar: Path, folder: Path) -> None:
    """The counts of one guest into folder, by path below OUT."""
    with tarfile.open(tar) as archive:
        for member in archive:
            _, found, path = member.name.partition(f"/{OUT.name}/")
            if found and member.isfile() and ".." not in path:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(archive.extractfile(member).read())


def add_up(tars: list[Path], place: Path) -> Path:
    """The sum over all guests, with gcov's notes beside it."""
    total = None
    for number, tar in enumerate(tars):
        unpack(tar, one := place / f"{number}")
        if total:
            subprocess.run(["gcov-tool", "merge", total, one, "-o", one / "sum"], check=True, capture_output=True)
        total = one / "sum" if total else one
    for data in total.rglob("*.gcda"):
        data.with_suffix(".gcno").symlink_to(OUT / data.relative_to(total).with_suffix(".gcno"))
    return total


def counts(total: Path) -> dict[str, dict[int, int]]:
    """File -> line number -> how often it was run, where the compiler made code of it."""
    found = {}
    for data in sorted(total.rglob("*.gcda")):
        text = subprocess.run(["gcov", "--json-format", "--stdout", data], capture_output=True, text=True,
                              check=True, cwd=OUT).stdout
        for entry in json.loads(text)["files"]:
            path = os.path.relpath(os.path.realpath(OUT / entry["file"]), TREE)
            lines = found.setdefault(path, {})
            for line in entry["lines"]:
                lines[line["line_number"]] = lines.get(line["line_number"], 0) + line["count"]
    return found


def reasons() -> dict[tuple[str, str], str]:
    """series/PIN/not-run: (file, source line) -> why no case runs it."""
    found = {}
    text = REASONS.read_text() if REASONS.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        where, _, why = line.rpartition(" # ")
        path, colon, source = where.partition(": ")
        if not (colon and source and why.strip()):
            die(f"{REASONS}:{number}: not 'FILE: SOURCE LINE # reason'")
        found[path, " ".join(source.split())] = why.strip()
    return found


def main() -> int:
    """The command line."""
    if len(sys.argv) != 1:
        print(__doc__.strip())
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    tars = sorted(path for path in STORED.glob("*/coverage.tar") if path.stat().st_size)
    # gcov can't add up what two kernels counted
    old = [tar for tar in tars if load(STORED.parent, STORED.name, tar.parent.name, BUILD).verdict == "stale"]
    tars = [tar for tar in tars if tar not in old]
    if not tars:
        die(f"no coverage.tar of this kernel below {STORED}; run: make coverage PIN={PIN}")
    why, unrun, used = reasons(), [], set()
    with tempfile.TemporaryDirectory() as place:
        known = counts(add_up(tars, Path(place)))
    print(f"{len(tars)} cases of {PIN}; lines that the series changes and the compiler made code of:\n")
    for path, lines in changed().items():
        if path not in known:
            code = path.endswith(".c")
            print(f"  {path:45} {'not built for these guests; see make cross' if code else 'no code'}")
            continue
        code = {number: known[path][number] for number in lines if number in known[path]}
        print(f"  {path:45} {sum(map(bool, code.values()))} of {len(code)} run")
        unrun += [(path, number, lines[number]) for number, times in code.items() if not times]
    missing = 0
    for path, number, source in unrun:
        reason = why.get((path, source), "")
        used.add((path, source))
        missing += not reason
        print(f"\n{path}:{number}: {source}\n    " + (reason or f"NO REASON; add a line to {REASONS.relative_to(HERE.parent)}"))
    stale = [key for key in why if key not in used]
    for path, source in stale:
        print(f"\n{path}: {source}\n    is run now, or is gone: remove it from {REASONS.relative_to(HERE.parent)}")
    print(f"\n{len(unrun)} lines are not run, {missing} of them without a reason")
    if old:
        print(f"{len(old)} cases were left out, they are of another kernel; run: make coverage PIN={PIN}")
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
