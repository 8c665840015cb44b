# SPDX-License-Identifier: GPL-2.0
"""Boot guests whose memory is laid out at random, and have memmap_zones look at every page.

usage: fuzz-layout N

Layout I of SEED (a word; 1) is a case of its own, layout-SEED-I: pc or q35, RAM, nodes,
mem=, holes (memmap=$), persistent memory of e820's (memmap=!), kernelcore=, a DIMM, an
nvdimm. Numbers from 1 to N are run, or those of ONLY alone. The same seed and number are
the same layout for as long as the generator below is the same; a change of it makes others
of all of them, so what was found has to become a case in qemu-configs/.
What is wrong, or could not be judged, is kept, its case and results, in results/fuzz/M, M being the first free number.
The judge decides, as with any case: `pass` is right, `fail` is wrong, and everything else
(a guest that died, say) is not judged, and no pass. MINUTES ends the run early; what has
not run is not judged either. DRY=1 prints the cases and runs nothing.
Environment: SEED ONLY MINUTES, and PIN VARIANT (make says series) FLAVOUR ARCH JOBS ACCEL RESULTS BUILD QEMU DRY
as for boot.
Exit code: 0 none is wrong, 1 some are, 2 bad input, 125 none of those that were judged.
"""
import contextlib
import os
import random
import re
import shutil
import time
from pathlib import Path

from guests.accel import wanted
from guests.case import load
from guests.machine import require_built, script
from guests.run import Guest, end_by_exit, fresh, host_facts, matrix
from settings import DEFAULT, die, get, options, say, value

TIMEOUT = 120

# All of what follows is in pages.
PAGE = 4096
MIB, SUBSECTION, SECTION, GIB = 256, 512, 32768, 262144
UNITS = (1, MIB, SUBSECTION, SECTION)       # borders are multiples of one of these
FOUR_GIB = 4 * GIB
# Less RAM than the first is all below 4 GiB; of more, the second.
BELOW = {"pc": (0xe0000, 0xc0000), "q35": (0xb0000, 0x80000)}
ACPI = 32               # tables of the firmware's, the last pages below 4 GiB
LEAST = 600 * MIB       # RAM, also of what mem= leaves
KEEP = SECTION          # the kernel is here: no hole, no node's border
NODE = 16 * MIB         # the least that a node has: x86 forgets one with less than 4 MiB
HOLES = (1, 3, 16, 255, 512, 513, 1027, 3 * SUBSECTION, 300 * MIB - 1)
LARGE = 2 * SECTION     # such a hole is above 4 GiB, or there is enough left below
STATES = ("online", "online_kernel", "online_movable")


def multiple(rng: random.Random, low: int, high: int, units=UNITS) -> int:
    """A page in [low, high) that is a multiple of one of units, each as likely."""
    unit = rng.choice([u for u in units if -(-low // u) < -(-high // u)])
    return rng.randrange(-(-low // unit), -(-high // unit)) * unit


class Layout:
    """One layout: the fields are what the case says, edges the pages where something begins or ends."""

    def __init__(self, seed: str, number: int):
        self.seed, self.number = seed, number
        self.append, self.devices, self.tests, self.more = ["page_owner=on"], [], "memmap_zones", ""
        rng = random.Random(f"{seed}/{number}")
        self.add_ram(rng)
        self.add_nodes(rng, rng.choice((1, 1, 2, 2, 2, 4, 4)))
        self.add_end(rng)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            self.add_hole(rng)
        self.add_pmem(rng)
        self.add_movable(rng)
        self.add_devices(rng)

    def add_ram(self, rng) -> None:
        """-m, which QEMU rounds up to two pages, and where of it there is an end."""
        self.machine = rng.choice(sorted(BELOW))
        most, split = BELOW[self.machine]
        least, end = rng.choice(((LEAST, most), (most, 6 * GIB)))
        self.pages = multiple(rng, least, end, (*UNITS, GIB)) & ~1
        self.low = self.pages if self.pages < most else split
        self.top = self.low if self.low == self.pages else self.physical(self.pages)
        self.edges = [self.low - ACPI, *([FOUR_GIB, self.top] if self.top > FOUR_GIB else [])]

    def physical(self, page: int) -> int:
        """Where that page of RAM is."""
        return page if page < self.low else page - self.low + FOUR_GIB

    def add_nodes(self, rng, count: int) -> None:
        """Borders of nodes: anywhere, or around the end of the RAM below 4 GiB."""
        borders = [0, self.pages]
        while len(borders) < count + 1:
            end = rng.choice((self.low - ACPI - 1, self.low - ACPI, self.low, self.low + 1))
            page = end if rng.random() < 0.3 else multiple(rng, KEEP, self.pages)
            if all(abs(page - other) >= NODE for other in borders):
                borders.append(page)
        self.nodes = [end - start for start, end in zip(sorted(borders), sorted(borders)[1:])]
        self.edges += [self.physical(page) for page in sorted(borders)[1:-1]]
        if count > 1 and rng.random() < 0.1:
            self.append.append("numa=off")

    def add_end(self, rng) -> None:
        """mem=, in a third of them: anywhere, or around an edge."""
        self.cut = None
        if rng.random() < 0.33:
            areas = [(LEAST, self.low), *([(FOUR_GIB + 1, self.top)] if self.top > FOUR_GIB + 1 else [])]
            page = rng.choice(self.edges) + rng.choice((-513, -1, 1, 3))
            page = page if rng.random() < 0.3 else multiple(rng, *rng.choice(areas))
            if page >= LEAST:
                self.cut = page
                self.append.append(f"mem={page * PAGE >> 10}K")
                self.edges = [edge for edge in self.edges if edge < page] + [page]

    def place(self, rng, pages: int) -> int:
        """Where something of that size begins: at, before, or around an edge; or anywhere. Some of it is in RAM."""
        end = self.cut or self.top
        while True:
            edge = rng.choice(self.edges)
            start = max(KEEP, rng.choice((edge, edge, edge - pages, edge - pages, edge - rng.randrange(pages + 1),
                                          multiple(rng, KEEP, end))))
            if start < min(self.low - ACPI, end) or start < end and start + pages > FOUR_GIB:
                return start

    def add_hole(self, rng) -> None:
        """RAM that the kernel is told not to use; now and then its first pages, which are at 0."""
        pages, start = rng.choice(HOLES), 0
        if rng.random() < 0.1:
            pages = rng.choice((1, 2, 16))
        else:
            start = self.place(rng, pages)
            if pages >= LARGE and start < FOUR_GIB and min(self.low, self.cut or self.low) < LEAST + 2 * pages:
                pages = SUBSECTION - 1
        self.append.append(f"memmap={pages * PAGE >> 10}K${start * PAGE:#x}")

    def add_pmem(self, rng) -> None:
        """Persistent memory in place of RAM, in a quarter of them."""
        if rng.random() < 0.25:
            pages = rng.choice((16, 63, 64)) * MIB
            self.append.append(f"memmap={pages * PAGE >> 20}M!{self.place(rng, pages) * PAGE:#x}")

    def add_movable(self, rng) -> None:
        """A zone Movable at the end of each node."""
        self.movable = rng.random() < 0.12
        if self.movable:
            self.append.append(f"kernelcore={rng.randrange(200, 500)}M")

    def add_devices(self, rng) -> None:
        """
        A DIMM in the last node, which is onlined, and an nvdimm behind it. Not with mem=, which
        forbids to add memory, nor where the DIMM would go to a zone below another.
        """
        dimm, nvdimm, state, large = rng.random() < 0.25, rng.random() < 0.15, rng.choice(STATES), rng.random() < 0.5
        node = len(self.nodes) - 1
        on_node = f",node={node}" if node else ""
        if dimm and not self.cut and not self.movable and "numa=off" not in self.append:
            start, size = -(-max(self.top, FOUR_GIB) // GIB) * GIB, (4 if large else 2) * SECTION
            self.devices += [f"-object memory-backend-ram,id=mem0,size={size * PAGE >> 20}M",
                             f"-device pc-dimm,id=dimm0,memdev=mem0{on_node}"]
            self.tests += f",boot,{start * PAGE:#x},{size * PAGE:#x},{node},{state}"
        if nvdimm:
            self.devices += ["-object memory-backend-ram,id=nv0,size=128M",
                             f"-device nvdimm,id=nvdimm0,memdev=nv0{on_node}"]
            self.machine += ",nvdimm=on"
        self.more = ",slots=2,maxmem=16G" if self.devices else ""

    def name(self) -> str:
        return f"layout-{self.seed}-{self.number}"

    def text(self) -> str:
        """The case file."""
        nodes = [f"-object memory-backend-ram,id=ram{i},size={pages * PAGE >> 10}K -numa node,memdev=ram{i}"
                 + (",cpus=0" if i == 0 else "") for i, pages in enumerate(self.nodes)] if len(self.nodes) > 1 else []
        return "\n".join([f"# layout {self.number} of seed {self.seed}", "# SPDX-License-Identifier: GPL-2.0",
                          f"machine = {self.machine}", f"mem = {self.pages * PAGE >> 10}K{self.more}",
                          *(f"devices = {line}" for line in nodes + self.devices),
                          f"append = {' '.join(self.append)}", f"tests = {self.tests}", f"timeout = {TIMEOUT}", ""])


class Run(Guest):
    """The guest of a layout in a folder; what is right leaves nothing there."""
    waiting: list = []                  # those that have not run yet
    end = float("inf")                  # when that is all

    def __init__(self, folder: Path, layout: Layout, variant: str):
        self.layout, conf = layout, folder / f"{layout.name()}.conf"
        conf.write_text(layout.text())
        super().__init__(load(conf), variant, folder / get().pin / get().label)
        self.conf = conf

    def finish(self, status: str, facts: dict) -> None:
        super().finish(status, facts)
        if self.judged["verdict"] == "pass":
            shutil.rmtree(self.dir)
        if status != "missing" and time.monotonic() > self.end:
            self.waiting.clear()

    def again(self) -> str:
        """The command that repeats it."""
        variant = f" VARIANT={self.variant}" if self.variant != "series" else ""
        return f"make fuzz-layout SEED={self.layout.seed} ONLY={self.layout.number}{variant}{get().words()}"


def clean(runs: list[Run], folder: Path) -> None:
    """What is left in the folder is what was wrong, or not judged."""
    kept = {run.conf for run in runs if run.judged["verdict"] not in ("pass", "not run")}
    for run in runs:
        if run.judged["verdict"] == "not run":        # or not to the end
            shutil.rmtree(run.dir, ignore_errors=True)
        if run.conf not in kept:
            run.conf.unlink(missing_ok=True)
    for place in sorted(folder.glob("**/"), reverse=True):
        with contextlib.suppress(OSError):      # it is not empty
            place.rmdir()


def report(runs: list[Run], folder: Path) -> int:
    """The summary; returns the exit code."""
    wrong = [run for run in runs if run.judged["verdict"] == "fail"]
    unknown = [run for run in runs if run.judged["verdict"] not in ("fail", "pass")]
    for run in wrong + [run for run in unknown if run.judged["verdict"] != "not run"]:
        print(f"\n{run.name} {run.variant}: {run.judged['verdict']} {' '.join(run.judged['failed'])}".rstrip()
              + f"\n    again:  {run.again()}\n    result: {os.path.relpath(run.dir)}")
    every, odd, lost = (list(dict.fromkeys(str(run.layout.number) for run in some)) for some in (runs, wrong, unknown))
    print(f"\n{len(every)} layouts, {len(odd)} wrong" + (f", {len(lost)} not judged" if lost else "")
          + (": " + " ".join(odd) if odd else "") + (f"; in {folder}" if folder.exists() else ""))
    return 1 if wrong else 125 if unknown else 0


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("number")
    number, s = parser.parse_args().number, get()
    if not re.fullmatch(r"[1-9]\d*", number):
        die(f"N={number} is not a number of layouts")
    if s.arch != DEFAULT["ARCH"]:
        die(f"ARCH={s.arch}: the layouts are those of pc and q35")
    seed = value("SEED", "1", r"\w[\w.-]*", "a word")
    minutes = float(value("MINUTES", "inf", r"\d+(\.\d+)?|inf", "a number of minutes"))
    only = value("ONLY", " ".join(str(i + 1) for i in range(int(number))), r"[1-9]\d*( [1-9]\d*)*", "numbers of layouts")
    layouts = [Layout(seed, int(word)) for word in only.split()]
    if s.dry:
        print("\n".join(f"# {layout.name()}.conf\n{layout.text()}" for layout in layouts), end="")
        return 0
    require_built(s.variants)
    accel, reason = wanted()
    end_by_exit()
    folder = fresh(s.results / "fuzz")
    runs = [Run(folder, layout, variant) for layout in layouts for variant in s.variants]
    try:
        Run.waiting, Run.end = list(runs), time.monotonic() + 60 * minutes
        say("fuzz-layout", f"{len(layouts)} layouts of seed {seed}: {s.pin} {s.label}, {' x '.join(s.variants)}, "
            f"{s.jobs} at a time, {accel}: {reason}")
        matrix(Run.waiting, s.jobs, lambda run: script(run.case, run.variant, accel), host_facts(accel, reason))
    finally:
        clean(runs, folder)
    return report(runs, folder)
