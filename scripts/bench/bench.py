# SPDX-License-Identifier: GPL-2.0
"""How long things take: bench [--runs N] [--cold | --count | --vfio | --memmap]

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
v5.10.223, base has a macro. A second table has what it takes to online and offline a memory
block, and to touch a page for the first time, of device DAX in a process, of RAM and device
DAX in a KVM guest, in the guest q35-use-cost. It is the least of many, and two guests have
to agree within 0.01 %.

With --vfio it prints what VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA take for each 4 KiB
of RAM, device DAX and a BAR, in instructions, counted in the same way, to a tenth, in
the guest q35-vfio-cost.

With --memmap it prints what binding a driver to device memory costs for each page of 4 KiB,
binding it again, and unbinding it: instructions of the process that does it, in the guest
q35-bind-cost. SIZE is that of the device (4G; may be several), and APPEND more kernel
arguments, such as init_on_alloc=1; memory that is cleared then counts an instruction a byte.
It says how far two guests are apart. A second table has what ndctl takes as a whole. Where a plugin
of QEMU's can be built there is a table by function (scripts/bench/plugin/functions), too, and
neither that nor the first one has interrupts in it. The first one is drawn, too:
RESULTS/PIN/bench-memmap-SIZE-APPEND.svg.

Exit codes: 0 done, 1 something did not run, 2 bad input.
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

from bench import counts, memmap_cost
from guests import case as cases
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


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--cold", action="store_true")
    what.add_argument("--count", action="store_true")
    what.add_argument("--vfio", action="store_true")
    what.add_argument("--memmap", action="store_true")
    args = parser.parse_args()
    case = os.environ.get("CASE", "*")
    case = "q35-4000m" if case == "*" else case
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as scratch:
        for wanted, table_of in ((args.count, counts.count), (args.vfio, counts.count_vfio), (args.memmap, memmap_cost.count_memmap)):
            if wanted:
                table_of(Path(scratch))
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
