#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What hosted CI is told: every pin, targets that there are, and where a call trace is in compare's words.

Exit code: 0 all as it should be, 1 otherwise.
"""
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
import test_compare as tables   # noqa: E402

FILES = (".github/workflows/matrix.yml", ".gitlab-ci.yml")


def files(wrong: list[str]) -> None:
    """Pins and make targets."""
    pins = sorted(path.parent.name for path in (program.ROOT / "series").glob("*/base"))
    targets = set(re.findall(r"^([a-z-]+):.*## ", (program.ROOT / "Makefile").read_text(), re.M))
    for name in FILES:
        text = re.sub(r"(?m)^ *#.*", "", (program.ROOT / name).read_text())
        lists = re.findall(r"\[(v\d[^\]]*)\]", text)
        if not lists or any(sorted(found.split(", ")) != pins for found in lists):
            wrong.append(f"{name}: pins {lists}, and series/ has {pins}")
        said = [word for line in re.findall(r"(?m)(?:run: |- |^ *|&& )make ([a-z][a-z -]*)", text) for word in line.split()]
        if not said or (odd := set(said) - targets):
            wrong.append(f"{name}: no target {odd if said else 'at all'}")


def matcher(wrong: list[str]) -> None:
    """One annotation for a call trace: its innermost function, with file and line. GitHub drops a file that is not in
    the checkout, so they are in the message."""
    [part] = json.loads((program.ROOT / ".github/splat.json").read_text())["problemMatcher"][0]["pattern"]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        matrix = json.loads((tables.FIXTURES / "lost_and_timeout.json").read_text())
        place = tables.lay_out(matrix, root)
        build = root / "build" / place.parent.name
        for path in place.glob("*/*/console.log"):
            path.write_text("".join(f"[    1.00000{i}] {line}\n" for i, line in enumerate(
                ("BUG: it is", "Call Trace:", " one+0x1/0x2", " two+0x3/0x4", " </TASK>"))))
        for variant in matrix["variants"]:
            (build / f"{variant}-{place.name}").mkdir(parents=True, exist_ok=True)
            (build / f"{variant}-{place.name}" / "vmlinux").touch()
        tool = build / "linux/scripts/faddr2line"
        tool.parent.mkdir(parents=True)
        tool.write_text('#!/bin/sh\nshift\nfor f; do printf \'%s:\\n%s at mm/memremap.c:12\\n\\n\' "$f" "${f%%+*}"; done\n')
        tool.chmod(0o755)
        lines = program.run("compare", cwd=root, env=tables.environment(place)).stdout.splitlines()
    found = [match[part["message"]] for line in lines if (match := re.search(part["regexp"], line))]
    traced = sum(line.startswith("      at two") for line in lines)
    if not traced or len(found) != traced or set(found) != {"in one+0x1/0x2  mm/memremap.c:12"}:
        wrong.append(f"{traced} traces, found {found} in " + "\n".join(lines))


def main() -> list[str]:
    """What is wrong."""
    wrong: list[str] = []
    files(wrong)
    matcher(wrong)
    return wrong


if __name__ == "__main__":
    program.end(main())
