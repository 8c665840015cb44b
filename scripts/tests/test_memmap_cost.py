#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""bench --memmap reads the reports of guests and of the plugin, and compares two guests.

usage: scripts/tests/test_memmap_cost.py

A script stands in for QEMU. There is no kernel, so the program says why it has no table by
function; what reads the plugin's counts is called here.
Exit code: 0 all as expected, 1 otherwise.
"""
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
from bench import functions, memmap_cost, plot    # noqa: E402
from settings import BadInput    # noqa: E402

QEMU = """#!/bin/bash
echo "$*" >>"$SAID"
[[ $(wc -l <"$SAID") != "$ODD" ]] || more=900000
for kind in fs_dev fs_mem dax_dev dax_4k dax_2m private; do
	echo "    # cost of $kind: 1000 pages, ticks to bind: $((44000 + ${more:-0})), to unbind: 500, to bind again: 43000, to make: $([[ $kind == private ]] && echo 0 || echo 89000000)"
done >result.ktap
"""
NM = """\
ffffffff81000140 T irq_entries_start
ffffffff810007a0 T spurious_entries_start
ffffffff81000aa0 T asm_exc_page_fault
ffffffff81000c30 T asm_sysvec_apic_timer_interrupt
ffffffff81003260 T __switch_to_asm
ffffffff81010000 t setup.constprop.0
ffffffff81010100 t setup.cold
ffffffff81010200 t setup.isra.0
ffffffff81010300 T setup_more
ffffffff81010400 T take
ffffffff81010400 T take_alias
ffffffff81010500 T give
ffffffff815f5660 t __schedule
ffffffff81c00000 D setup
                 U nothing
"""
LIST = "# a comment\nsetup\n  inlined\nheld = take .. give\n"
SYMBOLS = """\
ffffffff81010000 ffffffff81010100 function setup
ffffffff81010200 ffffffff81010300 function setup
ffffffff81010400 ffffffff81010500 since held
ffffffff81010500 ffffffff815f5660 until held
ffffffff815f5660 ffffffff815f5661 without __schedule
ffffffff81003260 ffffffff81010000 switch __switch_to_asm
ffffffff81000140 ffffffff810007a0 interrupt irq_entries_start
ffffffff810007a0 ffffffff81000aa0 interrupt spurious_entries_start
ffffffff81000c30 ffffffff81003260 interrupt asm_sysvec_apic_timer_interrupt
ffffffff81000aa0 ffffffff81000c30 exception asm_exc_page_fault
"""


def parts(folder: Path) -> list[str]:
    """What the readers do wrongly."""
    wrong = []

    def same(what: str, found, want) -> None:
        if found != want:
            wrong.append(f"{what}: {found}")
    path = folder / "list"
    path.write_text(LIST)
    found = functions.listed(path)
    same("list", found, [("setup", "setup", "", ""), ("inlined", "  inlined", "", ""), ("held", "held", "take", "give")])
    same("symbols", functions.symbols(NM, found), SYMBOLS)
    path.write_text("one two\n")
    try:
        same("a bad line", functions.listed(path), "refused")
    except BadInput as err:
        same("a bad line", str(err), f"{path}:1: neither a function nor NAME = FIRST .. SECOND: 'one two'")
    same("the project's list", [name for name in ("memremap_pages", "flush_tlb_all", "mem_hotplug_lock")
                                if name not in {function.name for function in functions.listed()}], [])
    same("steps", functions.steps("step 1 100\na 1 2\nb 3 4\nstep 2 7\na 0 0\nb 0 0\n"),
         [(100, {"a": (1, 2), "b": (3, 4)}), (7, {"a": (0, 0), "b": (0, 0)})])

    def kind(instructions: int, count: int) -> dict[str, memmap_cost.Kind]:
        return {"x": memmap_cost.Kind(1000, dict.fromkeys(memmap_cost.STEPS, instructions),
                                      {step: {"a": (1, count), "b": (2, 2)} for step in memmap_cost.STEPS}, 0)}
    same("apart", memmap_cost.apart(kind(44000, 1)["x"], kind(44050, 1)["x"]), 0.05)
    same("the same", memmap_cost.differing(kind(1, 1), kind(2, 1)), (6, {}))
    same("differing", memmap_cost.differing(kind(1, 1), kind(1, 131)), (6, {"a": 130}))
    counts = {"base": {"x": [10, 0], "y": [0, 0]}, "series": {"x": [5, 0], "y": [2, 0]}}
    plot.bars(folder / "p/lot.svg", "a < b", ["one", "two"], counts, {"x": "&x", "y": "y"})
    same("bars", bars(folder / "p/lot.svg"), ["190.0", "95.0", "0.0", "38.0", *["0.0"] * 4])
    return wrong


def bars(picture: Path) -> list[str]:
    """The widths of the plot's bars."""
    rects = ElementTree.parse(picture).getroot().iter("{http://www.w3.org/2000/svg}rect")
    return [rect.get("width") for rect in rects if "." in rect.get("width")]


def programs(folder: Path) -> list[str]:
    """What bench does wrongly."""
    wrong = []
    qemu, said = folder / "qemu", folder / "said"
    qemu.write_text(QEMU)
    qemu.chmod(0o755)
    usual = {"PIN": "v7.3.4", "VARIANT": "base series", "BUILD": str(folder / "build"), "RESULTS": str(folder / "results"), "QEMU": str(qemu), "SAID": str(said), "ODD": "", "SIZE": "1G", "APPEND": ""}

    def bench(code: int, *lines: str, **env: str) -> None:
        said.write_text("")
        done = program.run("bench", "--memmap", env=usual | env)
        text = done.stdout + done.stderr
        wrong.extend(f"{env}: no line '{line}' in {text}" for line in lines if line not in text.splitlines())
        if done.returncode != code or code == 2 and done.stderr.count("\n") != 1:
            wrong.append(f"{env}: {done.returncode}: {text}")
    row = "".join(f"{number:9.3f}" for number in (44, 44, 43, 43, .5, .5)) + "    100.0%  100.0%  100.0%   0.000"
    bench(0, "no table by function: there is no vmlinux of base", f"{'fsdax, map=dev':36}{row}",
          "apart: two guests are, at most", f"{'fsdax, map=dev':46}" + f"{89:13.1f}" * 2 + f"{100 * 43500 / 89000000:12.1f}%" * 2)
    if (nr := said.read_text().count("-icount shift=0,sleep=off")) != 4:
        wrong.append(f"{nr} guests, not two of each variant")
    picture = folder / "results/v7.3.4/bench-memmap-1G.svg"
    bench(0, f"plot: {picture}")
    if len(bars(picture)) != 2 * 3 * 6:
        wrong.append(f"not 2 variants, 3 steps, 6 kinds: {bars(picture)}")
    bench(0, SIZE="1G", APPEND="init_on_alloc=1")
    if (words := said.read_text()).count("init_on_alloc=1 tests=") != 4 or "size=1G" not in words or "dax_1g" in words:
        wrong.append(f"APPEND, and no pages of 1G: {words}")
    bench(1, ODD="2")
    for size in ("1", "4M", "0G", "1G,4G", "big"):
        bench(2, f"bench: SIZE={size} is not sizes like '1G 64G'", SIZE=size)
    needed = 1024 + 900000 * 1024 * 3 // 64
    bench(2, f"bench: SIZE=900000G takes {needed} MiB of memory, more than is free", SIZE="900000G")
    return wrong


def main() -> list[str]:
    """What is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        return parts(Path(folder)) + programs(Path(folder))


if __name__ == "__main__":
    program.end(main())
