#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Show that every hunk is needed: without it a case fails, or the series does not build.

usage: hunks.py [PATCH...]

For each patch that cases show, and each that such a patch needs (or those named, by a
part of their names), and for each of its hunks, the series without that hunk is built and
the cases of the patch are run, as prove.py does for whole patches. Left out are hunks that change comments or documentation
alone, and the hunk of a patch that has no other. One that neither fails a case nor the
build needs a line in series/PIN/hunks-not-shown, by its id:

    3f2a9c04 why no case can show it

A hunk is done once until a patch, a case or the way to build and judge changes, so an
interrupted run goes on where it was. Writes results/PIN/hunks.txt, and when all is shown
the table to series/PIN/hunks, for readers.
Environment: as for prove.py.
Exit code: 0 all shown or said why not, 1 not, 2 bad input, 125 not judged.
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, dataclass, replace

import case as cases
import prove
from hunk import parts
from proofs import PIN, RESULTS, SERIES, Proof, read_series, slug, write
from rows import clean


@dataclass
class HunkProof(Proof):
    """A hunk of a patch, and what was seen without it."""
    number: int = 0
    id: str = ""
    where: str = ""

    @property
    def slug(self) -> str:
        return f"{slug(self.patch)}@{self.number}"


def hunks_of(proof: Proof) -> list[HunkProof]:
    """The hunks to drop: none of a patch that has but one."""
    _, files, _ = parts((prove.PATCHES / proof.patch).read_text())
    every = [part for _, found in files for part in found]
    if len([part for part in every if part.is_code()]) < 2:
        return []
    return [HunkProof(proof.patch, proof.kind, proof.claim, proof.cases, number=number, id=part.id,
                      where=f"{part.path} {part.where}".strip())
            for number, part in enumerate(every, 1) if part.is_code()]


def without(hunk: HunkProof) -> None:
    """Drop the hunk, build, run the cases; fills in what was seen."""
    variant = f"drop/{hunk.slug}"
    code, text = prove.run("drop.sh", variant)
    if code:
        hunk.seen = [f"a later patch builds on it: {text}"]
        return
    code, text = prove.run("kernel.sh", variant)
    if code and "space" in text:
        raise prove.Unjudged(text)
    if code:
        hunk.seen = [f"does not build: {prove.build_error()}"]
        return
    if prove.run("initramfs.sh", variant)[0]:
        raise prove.Unjudged(f"{variant}: no guest")
    for name in hunk.cases:
        prove.run("boot.py", "--variant", variant, "--case", name, "--flavour", prove.FLAVOUR)
        cell, text = prove.look(variant, name)
        if cell.verdict in prove.RED:
            hunk.seen = [text]
            return
    hunk.seen = [f"{len(hunk.cases)} cases pass"]
    hunk.problem = "nothing is red"


def reasons() -> dict[str, str]:
    """series/PIN/hunks-not-shown: by id, why no case shows it."""
    path = SERIES / "hunks-not-shown"
    lines = path.read_text().splitlines() if path.is_file() else []
    return dict(line.split(" ", 1) for line in lines if re.match(r"[0-9a-f]{8} \S", line))


def table(hunks: list[HunkProof], why: dict[str, str]) -> str:
    """What stands in series/PIN/hunks."""
    out = [f"{PIN} {cases.label(prove.FLAVOUR)}: the series without one hunk", ""]
    patch = ""
    for hunk in hunks:
        if hunk.patch != patch:
            patch = hunk.patch
            out += ["", patch.removesuffix(".patch")]
        said = f"not shown: {why[hunk.id]}" if hunk.problem and hunk.id in why else \
            f"NO: {hunk.problem}" if hunk.problem else "; ".join(hunk.seen)
        out += [f"  {hunk.number:3} {hunk.id}  {hunk.where[:90]}".rstrip()]
        out += textwrap.wrap(clean(said), 96, initial_indent=" " * 8, subsequent_indent=" " * 10)
    bad = [hunk for hunk in hunks if hunk.problem]
    told = sum(hunk.id in why for hunk in bad)
    return "\n".join([*out, "", f"{len(hunks) - len(bad)} shown, {told} not shown with a reason, "
                      f"{len(bad) - told} not shown", ""])


def prove_all(hunks: list[HunkProof], patches: list[str]) -> None:
    """All that are not proven yet, with an estimate from what the others took."""
    tools_id, todo, took = prove.tools(), [], []
    for hunk in hunks:
        # no patch is left out of the key: the other hunks of this one count, too
        hunk.key = prove.keys(replace(hunk, patch=""), patches, tools_id)[0] + f"@{hunk.number}"
        if seconds := prove.last_time(hunk):
            took.append(seconds)
        if not prove.restore(hunk, "key"):
            todo.append(hunk)
    if not todo:
        return
    prove.say(f"{len(todo)} of {len(hunks)} hunks to drop")
    prove.series_passes(sorted({name for hunk in todo for name in hunk.cases}))
    for i, hunk in enumerate(todo, 1):
        left = sum(took) / len(took) * (len(todo) - i + 1) if took else 0
        prove.say(f"{i}/{len(todo)} without {hunk.slug} {hunk.where}"
                  + (f"; about {left / 60:.0f} min to go" if left else ""))
        begin = time.time()
        without(hunk)
        hunk.seconds = round(time.time() - begin, 1)
        took.append(hunk.seconds)
        write(hunk.stored, json.dumps(asdict(hunk), indent=1) + "\n")
        prove.say(f"{i}/{len(todo)} {'NO: ' + hunk.problem if hunk.problem else 'yes'}: {'; '.join(hunk.seen)}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patch", nargs="*")
    args = parser.parse_args()
    try:
        patches, proofs, wrong = read_series(cases.find(arch=""))
    except (OSError, cases.CaseError) as err:
        wrong, proofs, patches = [str(err)], [], []
    for proof in (p for p in proofs if p.kind == "needed by"):
        proof.cases = next(p.cases for p in proofs if p.slug == proof.claim)
    chosen = [p for p in proofs if p.cases and (not args.patch or any(word in p.patch for word in args.patch))]
    if not chosen and not wrong:
        wrong = ["no such patch that cases show"]
    for line in wrong:
        print(f"hunks.py: {line}", file=sys.stderr)
    if wrong:
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    hunks = [hunk for proof in chosen for hunk in hunks_of(proof)]
    try:
        prove_all(hunks, patches)
    except (prove.Unjudged, OSError, subprocess.SubprocessError) as err:
        print(f"hunks.py: {clean(err)}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        print("hunks.py: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    why = reasons()
    text = table(hunks, why)
    odd = [hunk for hunk in hunks if hunk.problem and hunk.id not in why]
    if not args.patch:
        write(RESULTS / PIN / "hunks.txt", text)
        if not odd:
            write(SERIES / "hunks", text)
    print(text, end="")
    return 1 if odd else 0


if __name__ == "__main__":
    sys.exit(main())
