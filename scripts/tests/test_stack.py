#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""stack.py finds the first trace of a console, and names source lines.

usage: scripts/tests/test_stack.py

A program built here stands in for vmlinux; faddr2line, which belongs to the tree, does too.
Exit code: 0 all as expected, 1 otherwise.
"""
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
from guests import stack    # noqa: E402

CONSOLE = """\
[    1.000000] init: start
[    1.100000] WARNING: CPU: 0 PID: 59 at mm/memremap.c:5 outer+0x1/0x2
[    1.100001] RIP: 0010:inner.cold+0x12/0x34
[    1.100002] Call Trace:
[    1.100003]  ? __warn+0x7c/0x100
[    1.100004]  middle+0x8c/0xd0 [kvm]
[    1.100005]  outer+0x1/0x2
[    1.100006] RIP: 0033:0x43f66b
[    1.100007]  never+0x1/0x2
[    1.200000] Call Trace:
[    1.200001]  later+0x1/0x2
"""
POWER = """\
NIP [c000000000001234] here+0x14/0x20
LR [c000000000001230] there+0x10/0x20
Call Trace:
[c000000003b6b7e0] [c0000000003c8f10] there+0x10/0x20 (unreliable)
[c000000003b6b830] [c0000000003c9010] caller+0x20/0x40
"""
FADDR2LINE = """#!/bin/sh
[ "$2" != outer+0x1/0x2 ] || exit 1
[ "$2" != middle+0x8c/0xd0 ] || set -- "$1" "$2" "?"
echo "$2:"
echo "${2%%+*} at mm/memremap.c:${3:-12}"
echo " (inlined by) other at mm/gup.c:3"
"""


def main() -> list[str]:
    """What is wrong."""
    wrong = []

    def same(what: str, found: list, want: list) -> None:
        if found != want:
            wrong.append(f"{what}: {found}")

    inner = ["inner.cold+0x12/0x34", "middle+0x8c/0xd0", "outer+0x1/0x2"]
    same("frames", stack.frames(CONSOLE), inner)
    same("frames of POWER", stack.frames(POWER), ["here+0x14/0x20", "caller+0x20/0x40"])
    same("no trace", stack.frames("[    1.000000] init: start\n"), [])
    same("no more than that", stack.frames("Call Trace:\n" + " f+0x1/0x2\n" * 99), ["f+0x1/0x2"] * stack.SHOWN)
    with tempfile.TemporaryDirectory() as folder:
        vmlinux, tool = Path(folder, "vmlinux"), Path(folder, "faddr2line")
        same("without vmlinux", stack.decoded(CONSOLE, vmlinux, tool), inner)
        vmlinux.touch()
        tool.write_text(FADDR2LINE)
        tool.chmod(0o755)
        same("decoded", stack.decoded(CONSOLE, vmlinux, tool), [inner[0] + "  mm/memremap.c:12", *inner[1:]])
    return wrong


if __name__ == "__main__":
    program.end(main())
