# SPDX-License-Identifier: GPL-2.0
"""Which kernels have which bug that a patch of ours fixes, and which patch they need.

usage: affected

A word of TREES is a folder with a kernel's source or, with KERNEL_GIT, a tag of that repository; without
any, the tags of all pins. A row a patch with `Fixes:`, or that series/releases has by its name; of pins
whose subjects differ only in the prefix, one row. First the commits that brought the bug and their
releases, or since when it is known to be there, then those of mainline that fixed it; behind, a column a tree:

  applies       the newest pin's patch applies as it is, behind those of its set in front of it
  of PIN        the patch of that pin applies
  by hand       no pin's patch applies: read the code
  has it        the patch is in the tree, or the mainline commit that it backports (series/PIN/upstream)
  not there     none of the lines that the patch removes is there
  no            the commit that it fixes is not there: by the history, or by series/releases; or the
                newest pin does not need the patch, and the tree is as new

A pin of the tree's own line is asked first. A patch that applies is not a proof: make PIN=... for a
pin is. Environment: TREES KERNEL_GIT BUILD SERIES_DIR PATCHES_DIR.
Exit code: 0 printed, 2 bad input.
"""
import os
import re
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from report.pins import age, show
from series import series
from series.git import GitError, git
from settings import die, folder, get, known_pins, lines_of, options

FIXES = re.compile(r"^Fixes: ([0-9a-f]{12,})", re.MULTILINE)
COMMIT = re.compile(r"[0-9a-f]{12}$")
BACKPORT = re.compile(r"^(?:\[ Upstream commit ([0-9a-f]{40}) \]|commit ([0-9a-f]{40}) upstream\.)$", re.MULTILINE)
MAINLINE = re.compile(r"(?:^commit ([0-9a-f]{40}) upstream\.$|Mainline fixed this with commit ([0-9a-f]{12,}))", re.MULTILINE)
FILES = re.compile(r"^--- a/(\S+)", re.MULTILINE)
APPLIES, BY_HAND, HAS, ABSENT, NO = "applies", "by hand", "has it", "not there", "no"
TELLING = 4     # so many lines are removed, and none of them is there
OPEN = (BY_HAND, ABSENT)    # another pin's patch may do better


def asked(*words: str, cwd: Path) -> bytes | None:
    """What git prints; None when it fails."""
    try:
        return git(*words, cwd=cwd)
    except GitError:
        return None


class Tree:
    """A kernel's source: its name, its files, and whether it has a commit."""

    def __init__(self, name: str, repository: Path | None):
        self.name, self.repository, self.folder = name, repository, Path(name)
        makefile = (self.read("Makefile") or b"").decode(errors="replace")
        self.version = [int(number) for number in re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL) = *(\d+)", makefile, re.MULTILINE)]
        if len(self.version) < 3:
            die(f"KERNEL_GIT={repository} has no tag {name} of a kernel; run: git -C {repository} fetch --tags" if repository
                else f"{name} is no kernel's source; run: make affected TREES='<folders>', or with KERNEL_GIT=<repository> tags")
        if not repository:
            self.name = "v" + ".".join(map(str, self.version))

    def read(self, path: str) -> bytes | None:
        """A file."""
        if self.repository:
            return asked("show", f"{self.name}:{path}", cwd=self.repository)
        file = self.folder / path
        return file.read_bytes() if file.is_file() else None

    @cached_property
    def backported(self) -> set[str]:
        """The commits of mainline that the history has in another form, as stable commits name them."""
        log = asked("log", "--format=%B", "-E", "--grep=^(\\[ Upstream commit|commit) [0-9a-f]{40}", self.name, cwd=self.repository) or b""
        return {(one or other)[:12] for one, other in BACKPORT.findall(log.decode(errors="replace"))}

    def has(self, commit: str, release: str, unlisted: bool) -> bool:
        """Is a commit in it? By the history, if there is one; else by its release, if that is listed."""
        if self.repository:
            known = asked("cat-file", "-e", f"{commit}^{{commit}}", cwd=self.repository) is not None
            if known and asked("merge-base", "--is-ancestor", commit, self.name, cwd=self.repository) is not None:
                return True
            if known or commit in self.backported:
                return commit in self.backported
        return self.version >= age(release) if release else unlisted


@cache
def pairs(name: str) -> dict[str, str]:
    """The lines `KEY VALUE` of a file in series/: releases by commits or patches, upstream commits by patches."""
    rows = [line.split(maxsplit=1) for _, line in lines_of(folder("SERIES_DIR", "series") / name)]
    return {row[0]: row[1] for row in rows}


def taken_away(text: str) -> set[str]:
    """The lines that a patch removes, but for those that are everywhere."""
    change = text[text.find("\ndiff --git"):]
    return {line for line in (raw[1:].strip() for raw in change.splitlines() if re.match(r"-(?!-- )", raw)) if len(line) > 12}


def tried(tree: Tree, patches: list[Path]) -> list[str]:
    """What becomes of these patches, one after the other, on the files that they touch."""
    found = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        git("init", "-q", cwd=work)
        for path in {path for patch in patches for path in FILES.findall(patch.read_text())}:
            if (data := tree.read(path)) is not None:
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_bytes(data)
        for patch in patches:
            text = patch.read_text()
            if asked("apply", str(patch), cwd=work) is not None:
                found.append(APPLIES)
            elif asked("apply", "-R", "--check", str(patch), cwd=work) is not None:
                found.append(HAS)
            else:
                lines = {line.strip() for path in FILES.findall(text) if (work / path).is_file()
                         for line in (work / path).read_text(errors="replace").splitlines()}
                gone = taken_away(text)
                found.append(ABSENT if len(gone) >= TELLING and not gone & lines else BY_HAND)
    return found


@cache
def subject_of(path: Path) -> str:
    """The subject of a patch."""
    return series.mail_of(path)[0]


def bug_of(path: Path) -> str:
    """What pins call alike: the subject without its prefix, as code moves between files."""
    return subject_of(path).partition(": ")[2] or subject_of(path)


@dataclass
class Bug:
    """What a patch of some pin fixes."""
    subject: str            # of the newest pin that has the patch
    fixes: list[str]        # the commits that have it, all of them together
    since: str              # without any: the release
    mainline: list[str]     # the commits that fix it
    newest: bool            # does the newest pin have the patch?

    def row(self) -> list[str]:
        """What is the same for all trees."""
        def told(ids: list[str]) -> str:
            releases = {one[:12]: pairs("releases").get(one[:12]) for one in ids}
            return ", ".join(f"{one} ({release})" if release else one for one, release in releases.items())
        return [self.subject, told(self.fixes) or self.since, told(self.mainline) or "-"]


def column(tree: Tree, pins: dict[str, series.Series], bugs: dict[str, Bug], place: Path) -> dict[str, str]:
    """A tree's answers, by the names of bugs: what the first pin says whose patch applies."""
    known, newest = pairs("releases"), next(iter(pins))

    def some(ids: list[str], unlisted: bool) -> bool:
        return any(tree.has(one[:12], known.get(one[:12], ""), unlisted) for one in ids)
    answers = {name: HAS if some(bug.mainline, False) else NO for name, bug in bugs.items()
               if some(bug.mainline, False) or bug.fixes and not some(bug.fixes, True) or not bug.newest and tree.version >= age(newest)}
    # a pin of the same line has what its release needs
    for pin, listed in sorted(pins.items(), key=lambda item: age(item[0])[:2] != tree.version[:2]):
        for name in ["", *listed.needs]:
            chosen = listed.with_needs(name) if name else [patch for patch in listed.patches if not patch.set]
            paths = [place / pin / patch.name for patch in chosen]
            fixed = [bug_of(path) for path in paths]
            if not any(bug in bugs and answers.get(bug, BY_HAND) in OPEN for bug in fixed):
                continue
            for bug, answer in zip(fixed, tried(tree, paths)):
                if answers.get(bug, ABSENT) == ABSENT or answers[bug] == BY_HAND and answer not in OPEN:
                    answers[bug] = f"of {pin}" if answer == APPLIES and pin != newest else answer
    return answers


def main() -> int:
    options(__doc__).parse_args()
    place, names = folder("PATCHES_DIR", "patches"), sorted(known_pins(folder("SERIES_DIR", "series")), key=age, reverse=True)
    pins = {pin: series.read(folder("SERIES_DIR", "series") / pin / "series") for pin in names}
    slugs = {patch.slug for listed in pins.values() for patch in listed.patches}
    if gone := [key for key in pairs("releases") if not COMMIT.match(key) and key not in slugs]:
        die(f"series/releases: '{gone[0]}' is no commit, and no patch of any pin")
    bugs: dict[str, Bug] = {}
    for pin, listed in pins.items():
        for patch in listed.patches:
            try:
                text = (place / pin / patch.name).read_text()
            except OSError as err:
                die(f"{err}; run: make refresh PIN={pin}")
            fixes, since = FIXES.findall(text), pairs("releases").get(patch.slug, "")
            if not patch.is_test and (fixes or since):
                path = place / pin / patch.name
                bug = bugs.setdefault(bug_of(path), Bug(subject_of(path), fixes, since, [], pin == names[0]))
                bug.mainline += [one or other for one, other in MAINLINE.findall(text)]
                if commit := pairs(f"{pin}/upstream").get(patch.slug):
                    bug.mainline.append(commit)
    repository = os.environ.get("KERNEL_GIT") or ""
    if words := (os.environ.get("TREES") or "").split():
        trees = [Tree(word, Path(repository).absolute() if repository else None) for word in words]
    else:
        trees = [Tree(pin, get().build / pin / "linux") for pin in reversed(names) if (get().build / pin / "linux").is_dir()]
    if not trees:
        die("no source of any pin; run: make source PIN=all, or make affected TREES='<folders>'")
    columns = [column(tree, pins, bugs, place) for tree in trees]
    show([["patch", "introduced by", "fixed by", *(tree.name for tree in trees)],
          *([*bug.row(), *(answers[name] for answers in columns)] for name, bug in bugs.items())])
    return 0
