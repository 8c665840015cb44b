#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run cases many times: how often is each what it should be?

usage: scripts/flaky.py N

Each repetition is a run of boot.py with results of its own, in results/flaky/M/<repetition>,
M being the first free number; rows.py weighs it as it does for compare.py's table. What is
not as expected is printed as it comes, and kept; all else is removed. At the end there is
the rate of each cell, expected/N, and how often it was something else, and what.
Environment: PIN VARIANT FLAVOUR ARCH CASE RESULTS BUILD CONFIGS, and what boot.py reads.
Exit code: 0 all of them 100 %, 1 not, 2 bad input.
"""
import collections
import contextlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import compare
from boot import end_by_exit
from case import ARCH, label
from command import BUILD, ENV, HERE, PIN, RESULTS, die, fresh, select_cases, with_parent
from rows import Row, gather

FLAVOUR = ENV.get("FLAVOUR") or "default"
VARIANTS = (ENV.get("VARIANT") or "base series").split()
BEGIN = int(ENV.get("STARTED") or time.time())


def say(text: str) -> None:
    """Progress, in the form that all scripts have."""
    print(f"[{time.time() - BEGIN:4.0f} s] flaky: {text}", flush=True)


def repeat(folder: Path, chosen: list) -> list[Row]:
    """One run of all; its rows."""
    folder.mkdir()
    with open(folder / "boot.log", "w", encoding="utf-8") as log:
        # boot.py ends its guests when it is asked to end, and so it is when we are gone
        with subprocess.Popen([HERE / "boot.py"], env={**ENV, "RESULTS": str(folder)}, stdout=log, stderr=log,
                              preexec_fn=with_parent(signal.SIGTERM)) as process:
            try:
                code = process.wait()
            except BaseException:
                process.terminate()
                raise
    if code not in (0, 125):
        last = (folder / "boot.log").read_text().strip().rpartition("\n")[2]
        die(last.removeprefix("boot.py: ") or f"boot.py ended with {code}")
    return gather(folder / PIN / label(FLAVOUR), chosen, VARIANTS, BUILD)


def report(rates: dict, number: int) -> None:
    """A line a case, a column a variant; below it what was not expected."""
    width = max(map(len, ["case", *(name for name, _ in rates)]))
    columns = [max(len(v), len(f"{number}/{number}")) for v in VARIANTS]
    print("\n" + "  ".join(text.ljust(n) for text, n in zip(["case", *VARIANTS], [width, *columns])).rstrip())
    for name in dict.fromkeys(name for name, _ in rates):
        odd = [rates[name, v] for v in VARIANTS]
        cells = [f"{number - sum(each.values())}/{number}" for each in odd]
        print("  ".join(text.ljust(n) for text, n in zip([name, *cells], [width, *columns])).rstrip())
        for problem, times in (found for each in odd for found in each.most_common()):
            print(f"    {times} x {problem}")


def main() -> int:
    """The command line."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) == 2 else 2
    if not sys.argv[1].isdigit() or int(sys.argv[1]) < 1:
        die(f"N={sys.argv[1]} is no number of repetitions")
    number = int(sys.argv[1])
    chosen = list(select_cases(ENV.get("CASE") or "*", FLAVOUR).values())
    end_by_exit()
    rates = {(case.name, v): collections.Counter() for case in chosen for v in VARIANTS}
    place, begin, bad = fresh(RESULTS / "flaky"), time.monotonic(), 0
    say(f"{number} x {len(rates)} guests: {PIN} {label(FLAVOUR)}, {' x '.join(VARIANTS)}")
    for done in range(1, number + 1):
        folder = place / str(done)
        try:
            rows = repeat(folder, chosen)
        except BaseException:   # a part of a repetition says nothing
            shutil.rmtree(folder)
            with contextlib.suppress(OSError):      # others are kept
                place.rmdir()
            raise
        odd = [cell for row in rows for cell in row.cells if cell.problem]
        for row in rows:
            for cell in row.cells:
                if cell.problem:
                    rates[row.case.name, cell.variant][cell.problem] += 1
                else:
                    shutil.rmtree(cell.path, ignore_errors=True)
        if not odd:
            shutil.rmtree(folder)
        bad += len(odd)
        each = (time.monotonic() - begin) / done
        say(f"{done}/{number} {len(rates) - len(odd)} of {len(rates)} as expected"
            + (f", {each * (number - done):.0f} s to go" if done < number else ""))
        if odd:
            print(compare.details(rows, {"PIN": PIN, "FLAVOUR": FLAVOUR, "ARCH": ARCH}).lstrip("\n"), flush=True)
    report(rates, number)
    if not bad:
        place.rmdir()
    print(f"\n{number * len(rates) - bad} verdicts as expected, {bad} not" + (f"; those are in {place}" if bad else ""))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
