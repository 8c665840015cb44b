# SPDX-License-Identifier: GPL-2.0
"""Print the testing section of the cover letter, from stored results of exactly this series or set.

usage: testing

Reads results/PIN/FLAVOUR of each flavour that has results of both base and series, or of
FLAVOURS. Every case of the flavour must be there, as expected, and of kernels whose source
has the tree ids that branches base and series of build/PIN/linux have now: a changelog
that was reworded changes nothing, a line of code does. Of a SET: its cases, with base and with
that set on the tag; a set without cases has to be built.
Environment: PIN SET FLAVOURS RESULTS BUILD CONFIGS.
Exit code: 0 printed, 1 a row is not as expected, 2 bad input, 125 no results, missing,
stale or broken ones.
"""
import json
import os
import textwrap

from guests.compare import NOT_JUDGED, read_rows
from guests.results import Row, clean
from series import series
from series.git import tree_of
from settings import UNJUDGED, die, get, options, parted, text_of, told


def variants() -> list[str]:
    """What is compared: the tag with the tests, and the series or the set."""
    return ["base", f"set/{get().set}" if get().set else "series"]


def again(label: str, names: list[str]) -> str:
    """The command that makes these results."""
    extra = f" SET={get().set}" if get().set else ""
    some = f" CASE='{' '.join(names)}'" if len(names) < 6 else ""
    more = ", or name flavours that are whole: FLAVOURS='default'" if label != "default" else ""
    return f"run: make{told(get().pin, *parted(label))}{extra}{some}{more}"


def wanted() -> str:
    """The cases: all, or those of the set."""
    return " ".join(series.read(get().series / "series").cases(get().set)) if get().set else "*"


def judged(label: str, now: dict[str, str]) -> list[Row]:
    """The rows of a flavour; ends here when they are not all there, of this series and as expected."""
    rows = read_rows(get().results / get().pin / label, variants(), wanted())
    if not rows:
        die(f"no case is for flavour '{label}'")
    known: dict[str, str] = {}
    for row in rows:
        for cell in row.cells:
            kernel = str(cell.meta.get("kernel", ""))
            if cell.verdict not in NOT_JUDGED and known.setdefault(kernel, tree_of(kernel)) != now[cell.variant]:
                of = f"tree {known[kernel][:12]}" if known[kernel] else f"unknown kernel {kernel[:12]}"
                cell.verdict, cell.reason = "stale", f"of {of}, {cell.variant} is {now[cell.variant][:12]}"
    for verdict in ("stale", "broken", "missing"):
        odd = [(row.case.name, cell) for row in rows for cell in row.cells if cell.verdict == verdict]
        if odd:
            names = list(dict.fromkeys(name for name, _ in odd))
            name, cell = odd[0]
            die(f"results of {label}: {len(odd)} {verdict}, {name} {cell.variant}: {cell.reason}; "
                + again(label, names), UNJUDGED)
    if wrong := [row for row in rows if any(cell.problem for cell in row.cells)]:
        die(f"results of {label}: {len(wrong)} rows not as expected, {wrong[0].case.name}: "
            f"{wrong[0].words()}; " + again(label, [row.case.name for row in wrong]), 1)
    return rows


def wrapped(text: str, indent: str = "", first: str = "") -> list[str]:
    """Lines that fit into a mail."""
    return textwrap.wrap(text, 75, initial_indent=first or indent, subsequent_indent=indent,
                         break_on_hyphens=False, break_long_words=False)


def base_said(row: Row) -> str:
    """What the tag did with a case."""
    cell = row.cells[0]
    if row.case.base_dies:
        return "dies"
    return f"fails {len(cell.failed)}: {cell.failed[0]}" + (", ..." if len(cell.failed) > 1 else "")


def facts(found: dict[str, list[Row]]) -> list[str]:
    """What all of it was run with."""
    metas = [cell.meta for rows in found.values() for row in rows for cell in row.cells]
    table = {"kernel": [get().pin],
             "qemu": [m.get("qemu", "?") for m in metas],
             "accelerator": [m.get("accel", "?") for m in metas],
             "compiler": [m.get("compiler", "?") for m in metas],
             "run": ["{} to {}".format(*(f(str(m.get("started", "?"))[:10] for m in metas) for f in (min, max)))]}
    return [line for name, values in table.items()
            for line in wrapped(clean(", ".join(dict.fromkeys(map(str, values)))), " " * 15, f"  {name:11}  ")]


def section(found: dict[str, list[Row]], now: dict[str, str]) -> str:
    """The section."""
    out = ["Testing", "=======", ""]
    what = "set" if get().set else "series"
    tag = get().pin
    if any(patch.is_test for patch in series.read(get().series / "series").patches):
        tag += " with only tests on top"
    out += wrapped(f"Of exactly this {what} (tree {now[variants()[1]][:12]}) and of {tag} (tree {now['base'][:12]}): "
                   f"each case is a QEMU guest that is booted with both, and is as expected when the {what} passes "
                   "and the tag fails what the case names, no more and no less.")
    reported = sorted({row.case.name for rows in found.values() for row in rows if row.case.reported})
    found = {label: [row for row in rows if not row.case.reported] for label, rows in found.items()}
    out += ["", f"  {'flavour':16}  cases  red on the tag  green on both  skipped"]
    for label, rows in found.items():
        skipped = sum(bool(row.skip) for row in rows)
        red = sum(bool(row.cells[0].expected) for row in rows)
        out.append(f"  {label:16}  {len(rows):5}  {red:14}  {len(rows) - red - skipped:13}  {skipped:7}")
    out += ["", *facts(found)]
    label, rows = next(iter(found.items()))
    width = max(len(row.case.name) for row in rows)
    if reds := [row for row in rows if row.cells[0].expected]:
        out += ["", f"Red on the tag, green with the {what} ({label}):", ""]
        out += [f"  {row.case.name:{width}}  {clean(base_said(row))}" for row in reds]
    if green := [row.case.name for row in rows if not row.cells[0].expected and not row.skip]:
        out += ["", f"Green on both ({label}):", "", *wrapped(", ".join(green), "  ")]
    if reported:
        out += ["", f"Red on both, for bugs outside the {what} that are reported:", "",
                *wrapped(", ".join(reported), "  ")]
    for row in (row for row in rows if row.skip):
        out += wrapped(f"{row.case.name}: {clean(row.skip)}", "    ", "  skipped ")
    return "\n".join(out) + "\n"


def only_built(now: dict[str, str]) -> str:
    """The section of a set that no case shows; ends here when its kernel is not built."""
    s = get()
    built = json.loads(text_of(s.build / s.pin / f"{variants()[1]}-default" / "build.json") or "{}")
    if tree_of(str(built.get("kernel", ""))) != now[variants()[1]]:
        die(f"set {s.set} is not built; run: make kernel PIN={s.pin} SET={s.set}", UNJUDGED)
    return "\n".join(["Testing", "=======", "", *wrapped(
        f"Built without a warning on {s.pin} (tree {now[variants()[1]][:12]}, {built['compiler']}); "
        "the changelog says why it is not run."), ""])


def main() -> int:
    options(__doc__).parse_args()
    s = get()
    place = s.results / s.pin
    labels = (os.environ.get("FLAVOURS") or "").split() or sorted(
        (path.name for path in place.glob("*") if all((path / v).is_dir() for v in variants())),
        key=lambda name: (name != "default", name))
    now = {variant: tree_of(f"refs/sets/{s.set}" if "/" in variant else f"refs/heads/{variant}") for variant in variants()}
    if not all(now.values()):
        die(f"no tree in {s.tree.parent}; run: make tree PIN={s.pin}")
    if not wanted():
        print(only_built(now), end="")
        return 0
    if not labels:
        die(f"no results in {place}; run: make{s.words()}" + (f" SET={s.set}" if s.set else ""), UNJUDGED)
    found = {label: judged(label, now) for label in labels}
    print(section(found, now), end="")
    return 0
