# SPDX-License-Identifier: GPL-2.0
"""Counts by function: what QEMU's plugin, plugin/count.c, is told, and what it says. For bench."""
import re
import subprocess
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

from settings import ROOT, BadInput, get, lines_of

LIST = ROOT / "scripts/bench/plugin/functions"
LINE = re.compile(r" *(\w+)(?: = (\w+) \.\. (\w+))?")
# what a compiler makes of a function that is called in one way; parts of one have no entry that counts
CLONE = r"(?:\.(?:constprop|isra)\.\d+)*"
ENTRIES = ((re.compile("__schedule"), "without"), (re.compile("__switch_to_asm"), "switch"),
           (re.compile(r"asm_sysvec_\w+|(?:irq|spurious)_entries_start"), "interrupt"), (re.compile(r"asm_exc_\w+"), "exception"))

Counts = dict[str, tuple[int, int]]     # name -> calls, instructions


class Function(NamedTuple):
    """A line of the list."""
    name: str
    shown: str      # with its indentation
    since: str      # from the return of this one
    until: str      # to the entry of this one; both empty: from its own entry to its return


class Step(NamedTuple):
    """What the plugin says of one step."""
    instructions: int       # of the task
    functions: Counts


def listed(path: Path = LIST) -> list[Function]:
    """The functions of the list; BadInput names the first line that is wrong."""
    found = []
    for number, line in lines_of(path):
        if not (words := LINE.fullmatch(line.rstrip())):
            raise BadInput(f"{path}:{number}: neither a function nor NAME = FIRST .. SECOND: '{line.strip()}'")
        found.append(Function(words[1], line.partition("=")[0].rstrip(), words[2] or "", words[3] or ""))
    return found


def symbols(nm: str, functions: list[Function]) -> str:
    """The plugin's table of symbols, from what nm prints of a kernel. What the kernel lacks, or has inline, is left out."""
    text = sorted((int(words[0], 16), words[2]) for line in nm.splitlines() if len(words := line.split()) == 3 and words[1] in "tT")
    starts, lines = sorted({start for start, _ in text}), []

    def add(pattern: re.Pattern, what: str, name: str = "") -> None:
        for start, symbol in text:
            if pattern.fullmatch(symbol):
                after = bisect_right(starts, start)
                end = starts[after] if after < len(starts) else start + 1
                lines.append(f"{start:x} {end:x} {what} {name or symbol}\n")
    for function in functions:
        ends = ((function.since, "since"), (function.until, "until")) if function.since else ((function.name, "function"),)
        for word, what in ends:
            add(re.compile(re.escape(word) + CLONE), what, function.name)
    for pattern, what in ENTRIES:
        add(pattern, what)
    return "".join(lines)


def steps(text: str) -> list[Step]:
    """What the plugin has written, step by step."""
    found: list[Step] = []
    for line in text.splitlines():
        name, first, second = line.split()
        if name == "step":
            found.append(Step(int(second), {}))
        else:
            found[-1].functions[name] = (int(first), int(second))
    return found


def plugin(variants) -> tuple[Path | None, str]:
    """The plugin; or None and, in a line, why these variants can't have it."""
    if missing := [variant for variant in variants if not (get().built(variant) / "vmlinux").is_file()]:
        return None, f"there is no vmlinux of {missing[0]}"
    done = subprocess.run([ROOT / "scripts/bench/plugin.sh"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["no answer"])[-1]
    return get().build / "qemu-plugin/count.so", ""


def arguments(path: Path, variant: str, place: Path) -> list[str]:
    """The arguments of QEMU with the plugin; it writes place/functions."""
    nm = subprocess.run(["nm", get().built(variant) / "vmlinux"], capture_output=True, text=True, check=True).stdout
    (place / "symbols").write_text(symbols(nm, listed()))
    return ["-plugin", f"{path},symbols={place / 'symbols'},out={place / 'functions'}"]
