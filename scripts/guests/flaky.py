# SPDX-License-Identifier: GPL-2.0
"""Run cases many times: how often is each what it should be?

usage: flaky N

Each repetition has results of its own, in results/flaky/M/<repetition>, M being the first free
number, and is compared with what the cases expect, as the table is. What is not as expected is
printed as it comes, and kept; all else is removed. At the end there is the rate of each cell,
expected/N, and how often it was something else, and what.
Environment: as for boot.
Exit code: 0 all of them 100 %, 1 not, 2 bad input.
"""
import collections
import contextlib
import shutil
import time

from guests import compare
from guests.boot import boot
from guests.case import chosen
from guests.results import gather
from guests.run import end_by_exit, fresh
from settings import die, get, options, say


def report(rates: dict, number: int) -> None:
    """A line a case, a column a variant; below it what was not expected."""
    variants = get().variants
    width = max(map(len, ["case", *(name for name, _ in rates)]))
    columns = [max(len(v), len(f"{number}/{number}")) for v in variants]
    print("\n" + "  ".join(text.ljust(n) for text, n in zip(["case", *variants], [width, *columns])).rstrip())
    for name in dict.fromkeys(name for name, _ in rates):
        odd = [rates[name, v] for v in variants]
        cells = [f"{number - sum(each.values())}/{number}" for each in odd]
        print("  ".join(text.ljust(n) for text, n in zip([name, *cells], [width, *columns])).rstrip())
        for problem, times in (found for each in odd for found in each.most_common()):
            print(f"    {times} x {problem}")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("number")
    text = parser.parse_args().number
    if not text.isdigit() or int(text) < 1:
        die(f"N={text} is not a number of repetitions")
    number, cases, s = int(text), chosen(), get()
    end_by_exit()
    rates = {(case.name, v): collections.Counter() for case in cases for v in s.variants}
    place, begin, bad = fresh(s.results / "flaky"), time.monotonic(), 0
    say("flaky", f"{number} x {len(rates)} guests: {s.pin} {s.label}, {' x '.join(s.variants)}")
    for done in range(1, number + 1):
        folder = place / str(done) / s.pin / s.label
        try:
            boot(cases, s.variants, folder)
        except BaseException:   # a part of a repetition says nothing
            shutil.rmtree(place / str(done), ignore_errors=True)
            with contextlib.suppress(OSError):      # others are kept
                place.rmdir()
            raise
        rows = gather(folder, cases, s.variants)
        odd = [cell for row in rows for cell in row.cells if cell.problem]
        for row in rows:
            for cell in row.cells:
                if cell.problem:
                    rates[row.case.name, cell.variant][cell.problem] += 1
                else:
                    shutil.rmtree(cell.path, ignore_errors=True)
        if not odd:
            shutil.rmtree(place / str(done))
        bad += len(odd)
        each = (time.monotonic() - begin) / done
        say("flaky", f"{done}/{number} {len(rates) - len(odd)} of {len(rates)} as expected"
            + (f", {each * (number - done):.0f} s to go" if done < number else ""))
        if odd:
            print(compare.details(rows, folder).lstrip("\n"), flush=True)
    report(rates, number)
    if not bad:
        place.rmdir()
    print(f"\n{number * len(rates) - bad} verdicts as expected, {bad} not" + (f"; those are in {place}" if bad else ""))
    return 1 if bad else 0
