# SPDX-License-Identifier: GPL-2.0
"""What binding device memory costs: the guests of bench --memmap, and their tables."""
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench import functions, plot
from bench.counts import counted, table
from guests import case as cases
from guests.machine import available, size as size_of
from settings import die, get, value

CASE = "q35-bind-cost"
BINDS = {"fs_dev": "fsdax, map=dev", "fs_mem": "fsdax, map=mem", "dax_dev": "device DAX, 2M, map=dev",
         "dax_4k": "device DAX, 4K, map=mem", "dax_2m": "device DAX, 2M, map=mem", "dax_1g": "device DAX, 1G, map=mem",
         "private": "device private (test_hmm)"}
COST = re.compile(r"# cost of (\w+): (\d+) pages, ticks to bind: (\d+), to unbind: (\d+), to bind again: (\d+), "
                  r"to make: (\d+)")
STEPS = ("bind", "unbind", "rebind")        # in this order
SHOWN = ("bind", "rebind", "unbind")
ALIKE = 0.5         # instructions a page that two guests may be apart: to load test_hmm is more than memory


class Kind(NamedTuple):
    """What one guest says of a kind of device memory."""
    pages: int
    instructions: dict[str, int]                    # by step
    functions: dict[str, functions.Counts]          # by step; empty without the plugin
    made: int                                       # instructions of ndctl, from its start to the device in /dev; 0: without


def sized(size: str, append: list[str]) -> cases.Case:
    """The case with a device of that size, and RAM that can hold its memory map twice. The console waits for
    a port, so there is nothing on it."""
    case, mib = cases.one(CASE), size_of(size) >> 20
    ram = 1024 + mib // 32
    if (ram + mib // 64) << 20 > available():
        die(f"SIZE={size} takes {ram + mib // 64} MiB of memory, more than is free")
    program, namespace, *kinds = case.programs()[0]
    kinds = [kind for kind in kinds if kind != "dax_1g" or mib > 1024]      # the info block is in the first GiB
    return replace(case, mem=f"{ram}M,slots=1,maxmem={ram + mib + 2048}M", append=[*case.append, "loglevel=1", *append],
                   devices=[re.sub(r"\bsize=\w+", f"size={size}", line) for line in case.devices],
                   tests=",".join([program, namespace, *kinds]), timeout=case.timeout * (1 + mib // 4096))


def once(case: cases.Case, plugin: Path | None, variant: str, place: Path) -> dict[str, Kind]:
    """What one guest says. Without the plugin it is the process' CPU time, which has interrupts in it."""
    more = functions.arguments(plugin, variant, place) if plugin else []
    found = counted(case, variant, place, COST, case.programs()[0][2:], more)
    steps = functions.steps((place / "functions").read_text()) if plugin else []
    if plugin and len(steps) != len(STEPS) * len(found):
        sys.exit(f"bench: {variant}: the plugin counted {len(steps)} steps, not {len(STEPS) * len(found)}")
    kinds = {}
    for kind, pages, *ticks, made in found:
        mine, steps = dict(zip(STEPS, steps)), steps[len(STEPS):]
        instructions = {step: mine[step].instructions for step in mine} or dict(zip(STEPS, map(int, ticks)))
        kinds[kind] = Kind(int(pages), instructions, {step: mine[step].functions for step in mine}, int(made))
    return kinds


def apart(one: Kind, other: Kind) -> float:
    """How far two guests are apart at most, in instructions a page."""
    return max(abs(one.instructions[step] - other.instructions[step]) / one.pages for step in STEPS)


def differing(one: dict[str, Kind], other: dict[str, Kind]) -> tuple[int, dict[str, int]]:
    """How many counts by function there are, and by how much those of a name differ that do, at most."""
    number, names = 0, dict[str, int]()
    for name, kind in one.items():
        for step, counts in kind.functions.items():
            for function, count in counts.items():
                number += 1
                if (there := other[name].functions[step][function]) != count:
                    names[function] = max(names.get(function, 0), *(abs(a - b) for a, b in zip(count, there)))
    return number, names


def by_function(title: str, kinds: dict[str, Kind]) -> None:
    """The table of one kind, by variant: to bind it again, and to unbind it."""
    variants = list(kinds)
    width = max(9, max(map(len, variants)) + 1)
    head = "".join(f"{variant:>{width}}" for variant in variants)
    print(f"\n{title:40}{'calls':>{width * len(variants)}}{'instructions':>{(width + 4) * len(variants)}}{'a page':>{width * len(variants)}}")
    print(" " * 40 + head + "".join(f"{variant:>{width + 4}}" for variant in variants) + head)
    for step in ("rebind", "unbind"):
        print(f"to {step}")
        for function in functions.listed():
            cells = [kind.functions[step].get(function.name, (0, 0)) for kind in kinds.values()]
            if any(calls for calls, _ in cells):
                print(f"  {function.shown:38}" + "".join(f"{calls:{width}}" for calls, _ in cells)
                      + "".join(f"{number:{width + 4}}" for _, number in cells)
                      + "".join(f"{number / kind.pages:{width}.3f}" for (_, number), kind in zip(cells, kinds.values())))


def by_share(title: str, names: dict[str, str], runs: dict[str, dict[str, Kind]]) -> None:
    """What ndctl takes to make the device of what is one already, until it is in /dev, and how much of that it is to
    unbind and to bind it again, as counted before."""
    variants = list(runs)
    width = max(13, max(map(len, variants)) + 1)
    shares = [name for name in names if all(run[name].made for run in runs.values())]
    print(f"\n{f'{title}: million instructions':46}{'ndctl, to /dev':>{width * len(variants)}}"
          f"{'unbind and bind again':>{width * len(variants)}}")
    print(" " * 46 + 2 * "".join(f"{variant:>{width}}" for variant in variants))
    for name in shares:
        kinds = [run[name] for run in runs.values()]
        parts = [(kind.instructions["unbind"] + kind.instructions["rebind"]) / kind.made for kind in kinds]
        print(f"{names[name]:46}" + "".join(f"{kind.made / 1e6:{width}.1f}" for kind in kinds)
              + "".join(f"{100 * part:{width - 1}.1f}%" for part in parts))


def count_memmap(place: Path) -> None:
    """The tables of each size."""
    sizes = value("SIZE", "4G", r"[1-9]\d*G( +[1-9]\d*G)*", "sizes like '1G 64G'").split()
    append = os.environ.get("APPEND", "").split()
    guests = [sized(size, append) for size in sizes]
    picture = get().results / get().pin / f"bench-memmap-{'-'.join([*sizes, *append])}.svg"
    plugin, why = functions.plugin(get().variants)
    if not plugin:
        print(f"no table by function: {why}")
    plotted, rows = {variant: {} for variant in get().variants}, {}
    for size, case in zip(sizes, guests):
        runs = {variant: [once(case, plugin, variant, place) for _ in range(2)] for variant in get().variants}
        kinds = {kind: BINDS[kind] for kind in case.programs()[0][2:]}
        far = {kind: max(apart(one[kind], other[kind]) for one, other in runs.values()) for kind in kinds}
        if odd := [kind for kind in kinds if far[kind] > ALIKE]:
            sys.exit(f"bench: two guests are {far[odd[0]]:.3f} instructions a page apart: {kinds[odd[0]]}")
        title, columns = " ".join([size, *append]), [f"to {step}" for step in SHOWN]
        counts = {variant: {name: [kind.instructions[step] / kind.pages for step in SHOWN] for name, kind in one.items()}
                  for variant, (one, _) in runs.items()}
        table(f"{title}, {get().pin}: instructions a page", columns, counts, kinds, far)
        print("apart: two guests are, at most", flush=True)
        by_share(title, kinds, {variant: one for variant, (one, _) in runs.items()})
        rows |= {f"{size} {kind}": f"{size}, {text}" for kind, text in kinds.items()}
        for variant, numbers in counts.items():
            plotted[variant] |= {f"{size} {kind}": number for kind, number in numbers.items()}
        plot.bars(picture, " ".join([f"Device memory, {get().pin}: instructions a page", *append]), columns, plotted, rows)
        if not plugin:
            continue
        for kind in kinds:
            by_function(f"{title}, {kinds[kind]}", {variant: one[kind] for variant, (one, _) in runs.items()})
        compared = [differing(*two) for two in runs.values()]
        names = {name: max(some.get(name, 0) for _, some in compared) for _, some in compared for name in some}
        print(f"\ntwo guests differ in {', '.join(f'{name} (by {far})' for name, far in names.items()) or 'none'} of "
              f"{sum(number for number, _ in compared)} counts by function", flush=True)
    print(f"\nplot: {picture}")
