# SPDX-License-Identifier: GPL-2.0
"""Read series/PIN/series: the patches in order, what each claims, and the sets that are mailed together.

usage: series all | sets | own SET | set SET | needs SET | cases SET | only SET | renamed

A line is `0001-name.patch  # mark: words`. The mark is for prove.py (`cases`, `needed by`, `not
shown`), or says that the patch is a test (`test of: <patch without its number> ...`). A line
`# set: NAME [needs: OTHERS] [guards: CASES]` begins a set, which goes to the next such line; its
guards are cases that show none of its patches, and must pass with it.

Prints the names of all patches, each after `patch` or `test`; of the sets; of a set its own patches,
these and those that it needs, the sets that it needs, and the cases that show or guard it. `only`
prints the series with the patches of a set and of those that it needs alone. `renamed`
reads lines `NEW [OLD]`, the patches as they are called now and were called, and prints the series
with the new names: each keeps its line and the comments above it.
Exit code: 0 printed, 2 bad input.
"""
import re
import sys
from pathlib import Path
from typing import NamedTuple, cast

from settings import die, get, options

MARK = re.compile(r"#\s*(cases|needed by|not shown|test of):\s*(\S.*?)\s*$")
SET = re.compile(r"# set: (\S+)(?: needs: *(.*?))?(?: guards: *(.*?))?\s*$")


def slug(patch: str) -> str:
    """A patch's name without its number, which may change, and its suffix."""
    return re.sub(r"^\d+-|\.patch$", "", patch)


def mail_of(path: Path) -> tuple[str, str]:
    """Subject and text of a patch file, decoded."""
    from email import message_from_bytes        # here: it takes longer to import than all else
    from email.header import decode_header, make_header
    mail = message_from_bytes(path.read_bytes())
    subject = " ".join(str(make_header(decode_header(mail["subject"] or ""))).split())
    return re.sub(r"^(\[[^]]*\] *)+", "", subject), cast(bytes, mail.get_payload(decode=True)).decode(errors="replace")


class Patch(NamedTuple):    # dataclasses take a third of the time that this program takes
    """One line of the series."""
    name: str           # of the file in patches/PIN
    mark: str           # cases, needed by, not shown, test of; "": none
    words: str          # behind the mark
    set: str            # "": none
    above: str          # the comment lines above it
    behind: str         # all that is behind the name

    @property
    def slug(self) -> str:
        """The name that a new place in the series does not change."""
        return slug(self.name)

    @property
    def is_test(self) -> bool:
        """Is it a test, which base has, too?"""
        return self.mark == "test of"


class Series:
    """All of it."""

    def __init__(self):
        self.patches: list[Patch] = []
        self.needs: dict[str, list[str]] = {}   # set -> the sets that it needs
        self.guards: dict[str, list[str]] = {}  # set -> the cases that guard it
        self.below = ""     # the comment lines at the end

    def own(self, name: str) -> list[Patch]:
        """The patches of a set."""
        return [patch for patch in self.patches if patch.set == name]

    def with_needs(self, name: str) -> list[Patch]:
        """The patches of a set and of those that it needs, in the order of the series."""
        taken, todo = set(), [name]
        while todo:
            if (word := todo.pop()) not in taken:
                taken.add(word)
                todo += self.needs[word]
        return [patch for patch in self.patches if patch.set in taken]

    def cases(self, name: str) -> list[str]:
        """The cases that show the patches of a set, or guard it."""
        return sorted({case for patch in self.own(name) if patch.mark == "cases" for case in patch.words.split()}
                      .union(self.guards[name]))

    def only(self, name: str) -> str:
        """The file with the patches of a set and of those that it needs."""
        return "".join(f"{patch.above}{patch.name}{patch.behind}\n" for patch in self.with_needs(name))

    def renamed(self, lines: list[str]) -> str:
        """The file with these patches, `NEW [OLD]`; comments of one that is gone go to the next that is there."""
        names = [line.partition(" ")[::2] for line in lines]
        kept, above, carried = {old for _, old in names}, {}, ""
        for patch in self.patches:
            carried += patch.above
            if patch.name in kept:
                above[patch.name], carried = carried, ""
        behind = {patch.name: patch.behind for patch in self.patches}
        return "".join(f"{above.get(old, '')}{new}{behind.get(old, '')}\n" for new, old in names) + carried + self.below


def read(path: Path) -> Series:
    """Parse the file; one that is not there is empty."""
    found, current, above = Series(), "", ""
    for line in path.read_text().splitlines() if path.is_file() else ():
        if not line.strip() or line.lstrip().startswith("#"):
            above += f"{line}\n"
            if line.startswith("# set:") and not SET.match(line):
                die(f"{path}: '{line}' is not '# set: NAME [needs: OTHERS] [guards: CASES]'")
            if begins := SET.match(line):
                current = begins[1]
                found.needs[current] = (begins[2] or "").split()
                found.guards[current] = (begins[3] or "").split()
            continue
        name = line.split()[0]
        behind = line[line.index(name) + len(name):]
        mark = MARK.search(behind)
        found.patches.append(Patch(name, mark[1] if mark else "", mark[2] if mark else "", current, above, behind))
        above = ""
    found.below = above
    for name, others in found.needs.items():
        if odd := [other for other in others if other not in found.needs]:
            die(f"{path}: set {name} needs '{odd[0]}', which is not a set")
    return found


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("what", choices=["all", "sets", "own", "set", "needs", "cases", "only", "renamed"])
    parser.add_argument("name", nargs="?", default="")
    args = parser.parse_args()
    series, name = read(get().series / "series"), args.name
    if args.what in ("own", "set", "needs", "cases", "only") and name not in series.needs:
        die(f"no set '{name}' in series/{get().pin}/series; sets: {' '.join(series.needs) or 'none'}")
    lines = {"all": lambda: [f"{'test' if patch.is_test else 'patch'} {patch.name}" for patch in series.patches],
             "sets": lambda: list(series.needs), "needs": lambda: series.needs[name],
             "own": lambda: [patch.name for patch in series.own(name)],
             "set": lambda: [patch.name for patch in series.with_needs(name)], "cases": lambda: series.cases(name),
             "only": lambda: series.only(name).splitlines(),
             "renamed": lambda: series.renamed(sys.stdin.read().splitlines()).splitlines()}[args.what]()
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0
