# SPDX-License-Identifier: GPL-2.0
"""What prove shows of each patch: what its line in the series claims, what was seen without it,
and the table of all. A module; see prove.py."""
import fnmatch
import itertools
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from guests import case as cases
from guests.results import clean, ruled
from series import series
from series.series import slug
from settings import get, text_of


@dataclass
class Proof:
    """A patch, what its line claims, and what was seen."""
    patch: str
    kind: str
    claim: str
    cases: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)   # lines of the table
    failed: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""
    seconds: float = 0.0
    key: str = ""           # what is quick to tell: patches, case files, tools
    content: str = ""       # the kernel source that was built, and the same

    @property
    def slug(self) -> str:
        """The name that a new place in the series does not change."""
        return slug(self.patch)

    @property
    def stored(self) -> Path:
        """Where the proof is kept."""
        return get().place / "drop" / self.slug / "proof.json"

    @property
    def title(self) -> str:
        """What the progress calls it."""
        return self.patch

    def words(self) -> str:
        """The last column."""
        if self.problem:
            return f"NO: {self.problem}"
        return {"cases": "yes", "needed by": "yes, to build", "elsewhere": f"shown on {self.claim}",
                "not shown": "not shown"}[self.kind]


def read_series(known: list[cases.Case]) -> tuple[list[str], list[Proof], list[str]]:
    """All patches in order, the claims, and what is wrong with the claims."""
    listed = series.read(get().series / "series")
    every = listed.patches
    proofs, wrong = [], []
    for place, patch in enumerate(every):
        before, later = ([other.slug for other in some if not other.is_test] for some in (every[:place], every[place + 1:]))
        if patch.is_test:
            wrong += [f"{patch.name}: no patch before it is '{fix}'" for fix in patch.words.split() if fix not in before]
            continue
        if not patch.mark:
            wrong.append(f"{patch.name} says nothing; append '# cases: ...', '# needed by: ...' or '# not shown: why'")
            continue
        proof = Proof(patch.name, patch.mark, patch.words)
        proofs.append(proof)
        if proof.kind == "needed by" and proof.claim not in later:
            wrong.append(f"{patch.name}: no patch after it is '{proof.claim}'")
        archs: set[str] = set()
        for word in proof.claim.split() if proof.kind == "cases" else ():
            match = [case for case in known if fnmatch.fnmatchcase(case.name, word)]
            archs |= {case.arch for case in match}
            proof.cases += [case.name for case in match if case.arch == get().arch and case.name not in proof.cases]
            if not match:
                wrong.append(f"{patch.name}: no case matches '{word}'; run: make list")
        if archs and not proof.cases:   # make prove ARCH=... shows it
            proof.kind, proof.claim = "elsewhere", " ".join(sorted(archs))
    names = {case.name for case in known}
    wrong += [f"set {name}: no case is called '{word}'; run: make list"
              for name, words in listed.guards.items() for word in words if word not in names]
    slugs = [proof.slug for proof in proofs]
    wrong += [f"drop/{undo.name} is for no patch of the series" for undo in sorted((get().series / "drop").glob("*"))
              if undo.name.removesuffix(".patch") not in slugs]
    return [patch.name for patch in every], proofs, wrong


def first_line(proof: Proof) -> str:
    """The beginning of a patch's row in the table."""
    return f"{proof.patch.partition('-')[0]} {textwrap.wrap(proof.slug, 48)[0]}"


def table(proofs: list[Proof]) -> str:
    """The text of prove.txt."""
    grid = [[["patch"], ["without it"], ["needed"]]]
    for proof in proofs:
        name = textwrap.wrap(proof.slug, 48)
        seen = proof.seen or [proof.claim if proof.kind == "not shown" else "-"]
        grid.append([[first_line(proof), *(f"     {part}" for part in name[1:])],
                     [part for line in seen for part in textwrap.wrap(clean(line), 64, subsequent_indent="  ")],
                     textwrap.wrap(clean(proof.words()), 32, break_on_hyphens=False)])
    bad = sum(1 for proof in proofs if proof.problem)
    kinds = [proof.kind for proof in proofs if not proof.problem]
    other = f"{kinds.count('elsewhere')} on another architecture, " if "elsewhere" in kinds else ""
    return "\n".join([f"{get().pin} {get().label}: the series without one patch", "", *ruled(grid), "",
                      f"{kinds.count('cases')} shown by cases, {kinds.count('needed by')} by the build, "
                      f"{other}{kinds.count('not shown')} not shown, {bad} not as the series says", ""])


def stale(proofs: list[Proof]) -> list[str]:
    """What is wrong with series/PIN/proof, the table of the last whole run."""
    found = re.findall(r"^\d{4} \S+", text_of(get().series / "proof"), re.MULTILINE)
    want = [first_line(proof) for proof in proofs]
    return [f"proof is of another series (line '{a or b}'); run: make prove"
            for a, b in itertools.zip_longest(want, found) if a != b][:1]
