# SPDX-License-Identifier: GPL-2.0
"""Counts of instructions, read from the reports of guests, and tables of them: for bench."""
import re
import subprocess
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from guests import case as cases
from guests.machine import script
from settings import get

KINDS = {"ordinary": "RAM", "shared_ram": "RAM beside device memory", "shared_device": "device memory beside RAM",
         "offline": "offline memory", "absent": "nothing"}
ONLINE = ("ordinary", "shared_ram")     # the others are not, and may not be found
COST = re.compile(r"# cost of (\w+): (\d+) found in (\d+) calls, ticks: (\d+), without them (\d+)")


def counted(case, variant: str, place: Path, line: re.Pattern, kinds: Collection[str], more: Collection[str] = ()) -> list[tuple]:
    """What the pattern finds in the report of a guest, once for each kind; more is for QEMU."""
    (place / "cmd.sh").write_text(script(case, variant, "tcg"))
    guest = subprocess.run(["timeout", str(10 * case.timeout), "bash", place / "cmd.sh",
                            "-icount", "shift=0,sleep=off", "-rtc", "clock=vm", *more],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    report = place / "result.ktap"
    found = line.findall(report.read_text()) if report.exists() else []
    if guest.returncode or {kind for kind, *_ in found} != set(kinds):
        sys.exit(f"bench: {variant}: no counts: {(guest.stderr or guest.stdout)[-300:]}")
    return found


def count_once(variant: str, place: Path) -> dict[str, tuple[float, bool]]:
    """Instructions a call, and whether the answers are right, by kind, as one guest says."""
    found = counted(cases.one("q35-online-cost"), variant, place, COST, KINDS)
    return {kind: ((int(ticks) - int(loop)) / int(calls), int(hits) == int(calls) * (kind in ONLINE))
            for kind, hits, calls, ticks, loop in found}


def agreed(once: Callable[[str, Path], dict], place: Path, apart: float = 0) -> dict[str, dict]:
    """What once() counts in each variant; two guests of a variant have to say the same, or within that share."""
    counts = {variant: once(variant, place) for variant in get().variants}
    for variant, kinds in counts.items():
        again = once(variant, place)
        if any(abs(one - other) > apart * one for kind in kinds for one, other in zip(kinds[kind], again[kind])):
            sys.exit(f"bench: two guests of {variant} do not say the same")
    return counts


PARTS = {"ram_4k": "RAM, 4K", "dax_4k": "device DAX, 4K", "ram_2m": "RAM, 2M", "dax_2m": "device DAX, 2M",
         "dax_1g": "device DAX, 1G", "bar": "BAR"}
VFIO_COST = re.compile(r"# cost of (\w+): (\d+) pages, ticks to map: (\d+), to unmap: (\d+)")


def vfio_once(variant: str, place: Path) -> dict[str, tuple[float, float]]:
    """Instructions to map and to unmap a page, by kind, as one guest says, to a tenth: what
    takes longest has timer interrupts in it, a few instructions more or less."""
    return {kind: (round(int(map_ticks) / int(pages), 1), round(int(unmap_ticks) / int(pages), 1))
            for kind, pages, map_ticks, unmap_ticks in counted(cases.one("q35-vfio-cost"), variant, place, VFIO_COST, PARTS)}


def table(title: str, columns: list[str], counts: dict[str, dict], rows: dict[str, str],
          far: dict[str, float] | None = None) -> None:
    """A table of counts, by variant and row, of so many columns each, and the last variant against the first.
    With far, how far two guests of a row are apart, it has three digits; else one, or none if all are whole."""
    variants, numbers = list(counts), [number for of in counts.values() for cells in of.values() for number in cells]
    digits = 3 if far else int(any(isinstance(number, float) for number in numbers))
    width = max(9, *(len(word) + 1 for word in (*variants, f"{max(numbers):.{digits}f}")))
    print(f"{title:36}" + "".join(f"{word:>{width * len(variants)}}" for word in columns) + f"    {variants[-1]} / {variants[0]}")
    print(" " * 36 + len(columns) * "".join(f"{v:>{width}}" for v in variants) + "  "
          + "".join(f"{word.removeprefix('to '):>8}" for word in columns) + ("   apart" if far else ""))
    for row, text in rows.items():
        cells = [[counts[v][row][what] for v in variants] for what in range(len(columns))]
        ratios = "".join(f"{100 * cell[-1] / cell[0]:7.1f}%" if cell[0] else " " * 8 for cell in cells)
        print(f"{text:36}" + "".join(f"{number:{width}.{digits}f}" for cell in cells for number in cell) + "  " + ratios
              + (f"{far[row]:8.3f}" if far else ""))


def count_vfio(place: Path) -> None:
    """The table of counts, and the series against base."""
    table(f"VFIO, {get().pin}: instructions a page of 4K", ["to map", "to unmap"], agreed(vfio_once, place), PARTS)


USES = {"online": "online a memory block of 128 MiB", "offline": "offline it", "fault_4k": "fault, device DAX, 4K",
        "fault_2m": "fault, device DAX, 2M", "kvm_ram": "KVM guest's fault, RAM, 4K",
        "kvm_4k": "KVM guest's fault, device DAX, 4K", "kvm_2m": "KVM guest's fault, device DAX, 2M"}
USE_COST = re.compile(r"# cost of (\w+), ticks: (\d+)")
ALIKE = 1e-4        # of its instructions that two guests may be apart: onlining a block takes longer than a timer's period


def use_once(variant: str, place: Path) -> dict[str, list[int]]:
    """Instructions of each use, as one guest says. The kernel prints nothing meanwhile: it would wait for the console."""
    case = cases.one("q35-use-cost")
    quiet = replace(case, append=[*case.append, "loglevel=1"])
    return {kind: [int(ticks)] for kind, ticks in counted(quiet, variant, place, USE_COST, USES)}


def count(place: Path) -> None:
    """The table of counts of pfn_to_online_page(), and that of what uses memory that is hot-plugged or a device's."""
    counts = agreed(count_once, place)
    variants = list(counts)
    print(f"{f'pfn_to_online_page(), {get().pin}: instructions a call':52}" + "".join(f"{v:>8}" for v in variants))
    for kind, text in KINDS.items():
        cells = [counts[variant][kind] for variant in variants]
        print(f"{text:51}" + "".join(f"{number:8.1f}{' ' if right else '*'}" for number, right in cells).rstrip())
    print("* the answer is wrong")
    if not all(right for variant in variants if variant == "series" for _, right in counts[variant].values()):
        sys.exit("bench: series: wrong answers")
    print(flush=True)
    table(f"{get().pin}: instructions", ["each"], agreed(use_once, place, ALIKE), USES)
