# SPDX-License-Identifier: GPL-2.0
"""Show that every hunk is needed: without it a case fails, or the series does not build.

usage: hunks [PATCH...]

For each patch that cases show, and each that such a patch needs (or those named, by a
part of their names), and for each of its hunks, the series without that hunk is built and
the cases of the patch are run, as prove does for whole patches. Left out are hunks that change
comments or documentation alone, and the hunk of a patch that has no other. One that neither fails a case nor the
build needs a line in series/PIN/hunks-not-shown, by its id:

    3f2a9c04 why no case can show it

A hunk is done once until a patch, a case, a tool or the way to build guests changes, so an
interrupted run goes on where it was. Writes results/PIN/hunks.txt, and when all is shown
the table to series/PIN/hunks, for readers.
Environment: as for prove.
Exit code: 0 all shown or said why not, 1 not, 2 bad input, 125 not judged.
"""
import re
import sys
import textwrap
from dataclasses import dataclass, replace

from gates.proofs import Proof, read_series
from gates.prove import RED, Unjudged, boot_cases, build_error, guarded, keys, look, prove_all, restore, run, tools
from guests import case as cases
from guests.results import clean
from series.hunk import parts
from series.series import slug
from settings import get, options, text_of, write


@dataclass
class HunkProof(Proof):
    """A hunk of a patch, and what was seen without it."""
    number: int = 0
    id: str = ""
    where: str = ""

    @property
    def slug(self) -> str:
        return f"{slug(self.patch)}@{self.number}"

    @property
    def title(self) -> str:
        return f"{self.slug} {self.where}"

    def words(self) -> str:
        return f"NO: {self.problem}" if self.problem else "yes"


def hunks_of(proof: Proof) -> list[HunkProof]:
    """The hunks to drop: none of a patch that has but one."""
    _, files, _ = parts((get().patches / proof.patch).read_text())
    every = [part for _, found in files for part in found]
    if len([part for part in every if part.is_code()]) < 2:
        return []
    return [HunkProof(proof.patch, proof.kind, proof.claim, proof.cases, number=number, id=part.id,
                      where=f"{part.path} {part.where}".strip())
            for number, part in enumerate(every, 1) if part.is_code()]


def without(hunk: HunkProof) -> None:
    """Drop the hunk, build, run the cases; fills in what was seen."""
    variant = f"drop/{hunk.slug}"
    code, text = run("series/drop.sh", variant)
    if code:
        hunk.seen = [f"a later patch builds on it: {text}"]
        return
    code, text = run("kernel/kernel.sh", variant)
    if code and "space" in text:
        raise Unjudged(text)
    if code:
        hunk.seen = [f"does not build: {build_error()}"]
        return
    if run("kernel/initramfs.sh", variant)[0]:
        raise Unjudged(f"{variant}: no guest")
    for name in hunk.cases:
        boot_cases(variant, [name])
        cell, text = look(variant, name)
        if cell.verdict in RED:
            hunk.seen = [text]
            return
    hunk.seen = [f"{len(hunk.cases)} cases pass"]
    hunk.problem = "nothing is red"


def reasons() -> dict[str, str]:
    """series/PIN/hunks-not-shown: by id, why no case shows it."""
    return dict(re.findall(r"^([0-9a-f]{8}) (\S.*)", text_of(get().series / "hunks-not-shown"), re.MULTILINE))


def table(hunks: list[HunkProof], why: dict[str, str]) -> str:
    """The text of series/PIN/hunks."""
    out = [f"{get().pin} {get().label}: the series without one hunk", ""]
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


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("patch", nargs="*")
    args = parser.parse_args()
    patches, proofs, wrong = read_series(cases.find(arch=""))
    for proof in (p for p in proofs if p.kind == "needed by" and not wrong):
        proof.cases = next(p.cases for p in proofs if p.slug == proof.claim)
    picked = [p for p in proofs if p.cases and (not args.patch or any(word in p.patch for word in args.patch))]
    if not picked and not wrong:
        wrong = ["no such patch that cases show"]
    for line in wrong:
        print(f"hunks: {line}", file=sys.stderr)
    if wrong:
        return 2
    hunks = [hunk for proof in picked for hunk in hunks_of(proof)]

    with guarded():
        tools_id = tools()
        for hunk in hunks:
            # no patch is left out of the key: the other hunks of this one count, too
            hunk.key = keys(replace(hunk, patch=""), patches, tools_id)[0] + f"@{hunk.number}"
        prove_all(hunks, [hunk for hunk in hunks if not restore(hunk, "key")], without, "hunks")
    why = reasons()
    text = table(hunks, why)
    odd = [hunk for hunk in hunks if hunk.problem and hunk.id not in why]
    if not args.patch:
        write(get().results / get().pin / "hunks.txt", text)
        if not odd:
            write(get().series / "hunks", text)
    print(text, end="")
    return 1 if odd else 0
