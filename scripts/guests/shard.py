# SPDX-License-Identifier: GPL-2.0
"""SHARD=2/4: the second of four parts of the cases, for a machine of its own.

A case is never split: its variants run side by side on one machine. All machines must split
alike: by the run times in the file `seconds` that make pack writes, in a pack; else by those of
stored results, where a machine has a result of every case; else every case counts the same.
"""
import json

from guests.case import Case
from guests.results import load
from settings import ROOT, die, get


def stored_seconds(cases: list[Case]) -> dict[str, float]:
    """How long each case took here; empty when there is one without a result."""
    found = {case.name: sum(load(get().place, variant, case.name).seconds for variant in get().variants) for case in cases}
    return found if all(found.values()) else {}


def seconds(cases: list[Case]) -> dict[str, float]:
    """How long each case is expected to take, in seconds or parts of all."""
    packed = ROOT / "seconds"
    known = json.loads(packed.read_text()) if packed.is_file() else stored_seconds(cases)
    return {case.name: known.get(case.name) or 1.0 for case in cases}


def split(took: dict[str, float], parts: int) -> list[list[str]]:
    """Names in so many parts, the longest first, each to the part that has least."""
    found: list[list[str]] = [[] for _ in range(parts)]
    sums = [0.0] * parts
    for name in sorted(took, key=lambda name: (-took[name], name)):
        least = sums.index(min(sums))
        found[least].append(name)
        sums[least] += took[name]
    return found


def part(cases: list[Case]) -> list[Case]:
    """The part of these cases that SHARD names."""
    number, parts = get().shard
    if parts > len(cases):
        die(f"SHARD={number}/{parts}: there are only {len(cases)} cases")
    names = split(seconds(cases), parts)[number - 1]
    return [case for case in cases if case.name in names]


def begin(cases: list[Case]) -> list[Case]:
    """The same, kept for those that read the results."""
    number, parts = get().shard
    if parts == 1:
        return cases
    mine = part(cases)
    path = get().place / f"shard-{number}-of-{parts}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{case.name}\n" for case in mine))
    return mine


def of_stored(cases: list[Case]) -> list[Case]:
    """The part that begin() chose when the guests were run: their results may have changed it since."""
    number, parts = get().shard
    if parts == 1:
        return cases
    path, again = get().place / f"shard-{number}-of-{parts}", f"run: make boot SHARD={number}/{parts}{get().words()}"
    if not path.is_file():
        die(f"no {path}; {again}", 125)
    names = path.read_text().split()
    if gone := set(names) - {case.name for case in cases}:
        die(f"{path} has {gone.pop()}, which CASE={get().cases} has not; {again}", 125)
    return [case for case in cases if case.name in names]
