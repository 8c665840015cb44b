# SPDX-License-Identifier: GPL-2.0
"""SHARD=2/4: the second of four parts of the cases, for a machine of its own.

A case is never split: its variants run side by side on one machine. The parts take about
the same time by the seconds of stored results; a case without one counts as the mean of the
others, and with no results at all every case counts the same. Machines that are to share the
work must have the same results stored, or none.
"""
from guests.case import Case
from guests.results import load
from settings import die, get


def seconds(cases: list[Case]) -> dict[str, float]:
    """How long each case is expected to take, in seconds or parts of all."""
    stored = {case.name: sum(load(get().place, variant, case.name).seconds for variant in get().variants) for case in cases}
    known = [took for took in stored.values() if took]
    mean = sum(known) / len(known) if known else 1.0
    return {name: took or mean for name, took in stored.items()}


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
    path = get().place / f"shard-{number}-of-{parts}"
    if not path.is_file():
        die(f"no {path}; run: make boot SHARD={number}/{parts}{get().words()}", 125)
    names = path.read_text().split()
    return [case for case in cases if case.name in names]
