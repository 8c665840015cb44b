#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How many guests run at once: as CPUs, memory and the cgroup allow; each is started once.

usage: scripts/tests/test_run.py

Exit code: 0 all as expected, 1 otherwise.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

from guests import machine, run     # noqa: E402

class Guest:
    """A guest that sleeps for a moment."""
    now: list = []              # those that run
    most: list = []             # how many ran when each began, and their memory

    def __init__(self, name: str, size: int, place: Path):
        self.name, self.variant, self.bytes, self.dir, self.began, self.deadline = name, "series", size, place, 0.0, time.monotonic() + 60

    def start(self, _text) -> None:
        """Nothing to lay out."""

    def run(self) -> None:
        """A process in place of QEMU."""
        self.now.append(self)
        self.most.append((len(self.now), sum(guest.bytes for guest in self.now)))
        self.proc = subprocess.Popen(["sleep", "0.05"])
        self.pidfd = os.pidfd_open(self.proc.pid)

    def finish(self, status: str, _facts) -> None:
        """What became of it."""
        if self in self.now:
            self.now.remove(self)
        self.judged = {"verdict": "broken" if status == "missing" else "pass", "reason": status}

def packed(sizes: list[int], jobs: int, budget: int) -> list[tuple[int, int]]:
    """Guests and memory at each start."""
    Guest.now, Guest.most = [], []
    run.available = lambda: budget
    with tempfile.TemporaryDirectory() as name:
        run.matrix([Guest(str(i), size, Path(name)) for i, size in enumerate(sizes)], jobs, lambda _: "", {})
    return Guest.most

def main() -> list[str]:
    """What is wrong."""
    wrong, quiet = [], os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for sizes, jobs, budget, starts, guests in (
            ([1] * 6, 2, 100, 6, 2), ([1] * 6, 4, 100, 6, 4),   # CPUs
            ([60, 60, 60], 4, 100, 3, 1),                       # memory
            ([60, 40, 60, 40], 4, 100, 4, 2),                   # a small one beside a large one
            ([60, 200], 4, 100, 1, 1)):                         # one that never fits
        most = packed(sizes, jobs, budget)
        if len(most) != starts or max(n for n, _ in most) != guests or max(size for _, size in most) > budget:
            wrong.append(f"{sizes}, {jobs} jobs, {budget}: {most}")
    os.dup2(quiet, 1)
    with tempfile.TemporaryDirectory() as name:
        mine = next((line.partition("::")[2].strip("/\n") for line in open("/proc/self/cgroup") if line.startswith("0::")), "")
        folder = Path(name) / mine
        folder.mkdir(parents=True, exist_ok=True)
        if machine.limits(Path(name)):
            wrong.append("a limit without a cgroup that has one")
        (folder / "memory.max").write_text("max\n")
        if machine.limits(Path(name)):
            wrong.append("'max' is a limit")
        (folder / "memory.max").write_text("1000\n")
        (folder / "memory.current").write_text("400\n")
        (folder / "memory.stat").write_text("anon 100\ninactive_file 200\nactive_file 90\nslab_reclaimable 10\n")
        if machine.limits(Path(name)) != [900]:
            wrong.append(f"900 bytes can be had, page cache included, not {machine.limits(Path(name))}")
    return wrong


if __name__ == "__main__":
    program.end(main())
