# SPDX-License-Identifier: GPL-2.0
"""The first call trace on a console, with source lines: for compare, through the tree's
own faddr2line and the vmlinux of the kernel that wrote it."""
import re
import subprocess
from pathlib import Path

from guests.splat import messages

SHOWN = 8           # frames
FRAME = re.compile(r"^ ?(?:\[[0-9a-f]{16}\] ){,2}(\? )?([\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+)(?: \[\w+\])?( \(unreliable\))?$")
NIP = re.compile(r"^(?:RIP: 0010:|NIP \[[0-9a-f]+\] )([\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+)")


def frames(console: str) -> list[str]:
    """The innermost function+offset/size of the first trace; not those that are
    only left on the stack ("?", "(unreliable)")."""
    lines, found = messages(console), []
    start = next((i for i, line in enumerate(lines) if "Call Trace:" in line), None)
    if start is None:
        return []
    found += [m[1] for line in lines[max(0, start - 20):start] if (m := NIP.match(line))][-1:]
    for line in lines[start + 1:]:
        if not (frame := FRAME.match(line)):
            break
        if not frame[1] and not frame[3]:
            found.append(frame[2])
    return found[:SHOWN]


def decoded(console: str, vmlinux: Path, faddr2line: Path) -> list[str]:
    """A line a frame, `function at file:line` where vmlinux tells; [] without a trace."""
    out = []
    for frame in frames(console):
        told = ""
        if vmlinux.exists() and faddr2line.exists():
            done = subprocess.run([faddr2line, vmlinux, frame], capture_output=True, text=True)
            told = next((line.strip() for line in done.stdout.splitlines() if " at " in line), "")
        where = told.rpartition(" at ")[2]
        out.append(f"{frame}  {where}" if re.search(r":\d", where) else frame)
    return out
