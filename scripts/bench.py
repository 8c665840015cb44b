# SPDX-License-Identifier: GPL-2.0
"""How long things take: bench [--runs N] [--cold | --count | --vfio]

Prints a table of medians over N runs (5), and the spread, for the built tree:
  no-op          make with nothing changed, until the first guest starts
  edit           the same after an edit of the case's test program
  one case       one guest from start to verdict (CASE, or q35-4000m)
  whole set      all cases, both variants, to the table
and with --cold instead, N times in a scratch folder without ccache:
  cold           nothing (but the downloaded source) to the table

and the peak memory of the host side while the whole set, or the cold build,
runs: how far MemAvailable fell. No test fails on a time. BENCH_DIR names
where the scratch folder goes.

With --count it prints what pfn_to_online_page() costs instead: instructions a call, in
each VARIANT, for pfns of every kind that the case q35-online-cost has. QEMU counts them
(with -icount, a tick of the TSC is an instruction), and two guests have to agree. What
the loop around the calls takes is not in it; the call itself is, where it is one: on
v5.10.223, base has a macro.

With --vfio it prints what VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA take for each 4 KiB
of RAM, device DAX and a BAR, in instructions, counted in the same way, to a tenth, in
the guest q35-vfio-cost.

Exit codes: 0 done, 1 something did not run.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from guests import case as cases
from guests.machine import script
from settings import ROOT, get, options


def available() -> int:
    """MemAvailable in bytes."""
    return int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) * 1024


class PeakMemory(threading.Thread):
    """Samples how far MemAvailable falls between start() and stop()."""

    def __init__(self):
        super().__init__(daemon=True)
        self.before = self.least = available()
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            self.least = min(self.least, available())

    def stop(self) -> float:
        self.ended.set()
        return (self.before - self.least) / 2**20


def run(*command: str, until: str = "", **env: str) -> float:
    """Seconds that a command takes, or takes to print a line that matches until."""
    clean = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "STARTED", "MFLAGS")}
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=clean | env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds, text = 0.0, []
    for line in process.stdout:
        text.append(line)
        if until and not seconds and re.search(until, line):
            seconds = time.monotonic() - start
    # a table with an unexpected row still took the time that it took
    table = any(re.match(r"\d+ rows as expected", line) for line in text)
    if process.wait() and not table or (until and not seconds):
        sys.exit(f"bench: {' '.join(command)} ended with {process.returncode}:\n" + "".join(text[-5:]))
    return seconds or time.monotonic() - start


def row(name: str, seconds, memory=()) -> None:
    """A line of the table, of so many runs."""
    spread = f"{min(seconds):8.1f} .. {max(seconds):.1f}"
    peak = f"{statistics.median(memory):8.0f} MiB" if memory else ""
    print(f"{name:12} {statistics.median(seconds):8.1f} s  {spread:20} {len(seconds):3} runs {peak}", flush=True)


def measured(*command: str, **env: str) -> tuple[float, float]:
    memory = PeakMemory()
    return run(*command, **env), memory.stop()


def cold_once() -> tuple[float, float]:
    """From the source archive alone to the table, elsewhere, without ccache."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR"), ignore_cleanup_errors=True) as scratch:
        return measured("make", BUILD=f"{scratch}/build", RESULTS=f"{scratch}/results",
                        KERNEL_SRC_DIR=str(get().build / get().pin / "download"), CCACHE_DISABLE="1")


def edited_once(case: str, number: int, **env: str) -> float:
    """From an edit of the test that the case runs to its first guest; the edit is taken back."""
    name = cases.load(get().configs / f"{case}.conf").programs()[0][0]
    source = next((ROOT / "selftests").rglob(f"{name}.c"))
    text, stat = source.read_text(), source.stat()
    try:
        source.write_text(f'{text}\nconst char memmap_bench[] = "{number}";\n')
        return run("make", "boot", f"CASE={case}", "VARIANT=series", until=r"boot: ", **env)
    finally:
        source.write_text(text)
        os.utime(source, ns=(stat.st_atime_ns, time.time_ns()))     # newer than what was built of the edit


KINDS = {"ordinary": "RAM", "shared_ram": "RAM beside device memory", "shared_device": "device memory beside RAM",
         "offline": "offline memory", "absent": "nothing"}
ONLINE = ("ordinary", "shared_ram")     # the others are not, and may not be found
COST = re.compile(r"# cost of (\w+): (\d+) found in (\d+) calls, ticks: (\d+), without them (\d+)")


def counted(name: str, variant: str, place: Path, line: re.Pattern, kinds: dict[str, str]) -> list[tuple]:
    """What the pattern finds in the report of a guest, once for each kind."""
    case = cases.chosen(name)[0]
    (place / "cmd.sh").write_text(script(case, variant, "tcg"))
    guest = subprocess.run(["timeout", str(10 * case.timeout), "bash", place / "cmd.sh",
                            "-icount", "shift=0,sleep=off", "-rtc", "clock=vm"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
    report = place / "result.ktap"
    found = line.findall(report.read_text()) if report.exists() else []
    if guest.returncode or {kind for kind, *_ in found} != set(kinds):
        sys.exit(f"bench: {variant}: no counts: {(guest.stderr or guest.stdout)[-300:]}")
    return found


def count_once(variant: str, place: Path) -> dict[str, tuple[float, bool]]:
    """Instructions a call, and whether the answers are right, by kind, as one guest says."""
    found = counted("q35-online-cost", variant, place, COST, KINDS)
    return {kind: ((int(ticks) - int(loop)) / int(calls), int(hits) == int(calls) * (kind in ONLINE))
            for kind, hits, calls, ticks, loop in found}


def agreed(once, place: Path) -> dict[str, dict]:
    """What once() counts in each variant; two guests of a variant have to say the same."""
    variants = get().variants
    counts = {variant: once(variant, place) for variant in variants}
    if odd := [variant for variant in variants if once(variant, place) != counts[variant]]:
        sys.exit(f"bench: two guests of {' and '.join(odd)} do not say the same")
    return counts


def count(place: Path) -> None:
    """The table of counts."""
    counts = agreed(count_once, place)
    variants = list(counts)
    print(f"{f'pfn_to_online_page(), {get().pin}: instructions a call':52}" + "".join(f"{v:>8}" for v in variants))
    for kind, text in KINDS.items():
        cells = [counts[variant][kind] for variant in variants]
        print(f"{text:51}" + "".join(f"{number:8.1f}{' ' if right else '*'}" for number, right in cells).rstrip())
    print("* the answer is wrong")
    if not all(right for variant in variants if variant == "series" for _, right in counts[variant].values()):
        sys.exit("bench: series: wrong answers")


PARTS = {"ram_4k": "RAM, 4K", "dax_4k": "device DAX, 4K", "ram_2m": "RAM, 2M", "dax_2m": "device DAX, 2M",
         "dax_1g": "device DAX, 1G", "bar": "BAR"}
VFIO_COST = re.compile(r"# cost of (\w+): (\d+) pages, ticks to map: (\d+), to unmap: (\d+)")


def vfio_once(variant: str, place: Path) -> dict[str, tuple[float, float]]:
    """Instructions to map and to unmap a page, by kind, as one guest says, to a tenth: what
    takes longest has timer interrupts in it, a few instructions more or less."""
    return {kind: (round(int(map_ticks) / int(pages), 1), round(int(unmap_ticks) / int(pages), 1))
            for kind, pages, map_ticks, unmap_ticks in counted("q35-vfio-cost", variant, place, VFIO_COST, PARTS)}


def count_vfio(place: Path) -> None:
    """The table of counts, and the series against base."""
    counts = agreed(vfio_once, place)
    variants = list(counts)
    print(f"{f'VFIO, {get().pin}: instructions a page of 4K':36}{'to map':>{9 * len(variants)}}"
          f"{'to unmap':>{9 * len(variants)}}    {variants[-1]} / {variants[0]}")
    print(" " * 36 + 2 * "".join(f"{v:>9}" for v in variants) + "      map   unmap")
    for kind, text in PARTS.items():
        cells = [[counts[v][kind][what] for v in variants] for what in (0, 1)]
        ratios = "".join(f"{100 * row[-1] / row[0]:7.1f}%" for row in cells)
        print(f"{text:36}" + "".join(f"{number:9.1f}" for row in cells for number in row) + "  " + ratios)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--cold", action="store_true")
    what.add_argument("--count", action="store_true")
    what.add_argument("--vfio", action="store_true")
    args = parser.parse_args()
    case = os.environ.get("CASE", "*")
    case = "q35-4000m" if case == "*" else case
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        if args.count or args.vfio:
            (count_vfio if args.vfio else count)(Path(scratch))
            return 0
        print(f"{'':12} {'median':>10}  {'least .. most':>20}")
        if args.cold:
            row("cold", *zip(*(cold_once() for _ in range(args.runs))))
            return 0
        results = {"RESULTS": scratch}
        row("no-op", [run("make", "boot", f"CASE={case}", "VARIANT=series", until=r"boot: ", **results)
                      for _ in range(args.runs)])
        row("edit", [edited_once(case, number, **results) for number in range(args.runs)])
        row("one case", [run("python3", "scripts", "boot", CASE=case, VARIANT="series", **results) for _ in range(args.runs)])
        row("whole set", *zip(*(measured("make", CASE="*", **results) for _ in range(args.runs))))
    return 0
