# SPDX-License-Identifier: GPL-2.0
"""Which lines that the series changes are run by the cases, and which by none?

usage: coverage

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
import tarfile
import tempfile
from pathlib import Path

from guests.results import load
from series.git import git
from settings import die, get, label_of, lines_of, options

HUNK = re.compile(r"@@ -\S+ \+(\d+)")


def built() -> Path:
    """Where the kernel is that counts."""
    return get().build / get().pin / f"series-{label_of('coverage', get().arch)}"


def changed() -> dict[str, dict[int, str]]:
    """File -> line number -> text, of what the series adds or changes in code of the kernel that is no test."""
    diff = git("diff", "-U0", "--no-ext-diff", get().pin, "HEAD").decode(errors="replace")
    found, lines, number = {}, {}, 0
    for line in diff.splitlines():
        if line.startswith("+++ "):
            lines = found.setdefault(line[6:], {})
        elif hunk := HUNK.match(line):
            number = int(hunk[1])
        elif line.startswith("+"):
            lines[number] = " ".join(line[1:].split())
            number += 1
    return {path: lines for path, lines in found.items()
            if path.endswith((".c", ".h")) and not path.startswith("tools/") and not path.endswith("_kunit.c")}


def unpack(tar: Path, folder: Path) -> None:
    """The counts of one guest into folder, by path below that of the kernel."""
    with tarfile.open(tar) as archive:
        for member in archive:
            _, found, path = member.name.partition(f"/{built().name}/")
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
        data.with_suffix(".gcno").symlink_to(built() / data.relative_to(total).with_suffix(".gcno"))
    return total


def counts(total: Path) -> dict[str, dict[int, int]]:
    """File -> line number -> how often it was run, where the compiler made code of it."""
    found = {}
    for data in sorted(total.rglob("*.gcda")):
        text = subprocess.run(["gcov", "--json-format", "--stdout", data], capture_output=True, text=True,
                              check=True, cwd=built()).stdout
        for entry in json.loads(text)["files"]:
            path = os.path.relpath(os.path.realpath(built() / entry["file"]), get().tree)
            lines = found.setdefault(path, {})
            for line in entry["lines"]:
                lines[line["line_number"]] = lines.get(line["line_number"], 0) + line["count"]
    return found


def reasons() -> dict[tuple[str, str], str]:
    """series/PIN/not-run: (file, source line) -> why no case runs it."""
    found, path = {}, get().series / "not-run"
    for number, line in lines_of(path):
        where, _, why = line.rpartition(" # ")
        file, colon, source = where.partition(": ")
        if not (colon and source and why.strip()):
            die(f"{path}:{number}: not 'FILE: SOURCE LINE # reason'")
        found[file, " ".join(source.split())] = why.strip()
    return found


def main() -> int:
    options(__doc__).parse_args()
    pin, file = get().pin, f"series/{get().pin}/not-run"
    stored = get().results / pin / label_of("coverage", get().arch) / "series"
    tars = sorted(path for path in stored.glob("*/coverage.tar") if path.stat().st_size)
    # gcov can't add up what two kernels counted
    old = [tar for tar in tars if load(stored.parent, stored.name, tar.parent.name).verdict == "stale"]
    tars = [tar for tar in tars if tar not in old]
    if not tars:
        die(f"no coverage.tar of this kernel below {stored}; run: make coverage PIN={pin}")
    why, unrun, used = reasons(), [], set()
    with tempfile.TemporaryDirectory() as place:
        known = counts(add_up(tars, Path(place)))
    print(f"{len(tars)} cases of {pin}; lines that the series changes and the compiler made code of:\n")
    for path, lines in changed().items():
        if path not in known:
            print(f"  {path:45} {'not built for these guests; see make cross' if path.endswith('.c') else 'no code'}")
            continue
        code = {number: known[path][number] for number in lines if number in known[path]}
        print(f"  {path:45} {sum(map(bool, code.values()))} of {len(code)} run")
        unrun += [(path, number, lines[number]) for number, times in code.items() if not times]
    missing = 0
    for path, number, source in unrun:
        reason = why.get((path, source), "")
        used.add((path, source))
        missing += not reason
        print(f"\n{path}:{number}: {source}\n    " + (reason or f"NO REASON; add a line to {file}"))
    stale = [key for key in why if key not in used]
    for path, source in stale:
        print(f"\n{path}: {source}\n    is run now, or is gone: remove it from {file}")
    print(f"\n{len(unrun)} lines are not run, {missing} of them without a reason")
    if old:
        print(f"{len(old)} cases were left out, they are of another kernel; run: make coverage PIN={pin}")
    return 1 if missing or stale else 0
