# SPDX-License-Identifier: GPL-2.0
"""Hold every user of PG_reserved in the pin's tree against series/PIN/audit.

usage: audit

A user is a statement (outside of functions: a line) of code that names the
flag, one of its accessors, a mask that holds it, or a helper that sets or
clears it for one page; users.py finds them. Documentation/ and comments are
no users. What is read is what is committed in the branches base and series of
build/PIN/linux; nothing is written there.

series/PIN/audit has a line for each user, `path function: statement => verdict`,
and may explain itself in comments. The verdict is one of

  patched "words": why    a patch with these words in its subject deals with it
  safe: why               sees such pages, and is right either way
  blind: why              cannot see such pages

Errors, by name: a user without a line (and the line to add), a line without a
user in any tree, a patch that is not in the series or does not touch the
file, and a user that the series adds, changes or removes but that is not
`patched`. Exit code: 0 all reviewed, 1 not, 2 bad input.
"""
import re
import sys
from dataclasses import dataclass

from gates import users
from guests.case import of_pins
from series import series
from series.git import GitError
from series.git import git as run_git
from settings import die, get, lines_of, options

LINE = re.compile(r"(?P<key>(?P<path>\S+) .+?) => (?P<verdict>.*)")
VERDICT = re.compile(r'patched (?P<refs>"[^"]+"(?:, "[^"]+")*)(?:: \S.*)?|(?:safe|blind): \S.*')


@dataclass
class Line:
    """One line of the audit file."""
    number: int
    path: str
    verdict: str
    patches: list[str]


class Pin:
    """The folders of a pin, and git in its tree."""

    def __init__(self):
        s = get()
        self.name, self.series, self.patches = s.pin, s.series, s.patches
        self.audit = self.series / "audit"

    def git(self, *words, **options) -> bytes:
        """What git prints in the tree."""
        try:
            return run_git(*words, **options)
        except GitError as err:
            die(f"{err}; run: make tree")

    def committed(self) -> dict[str, dict[str, str]]:
        """The files of both branches that may have users: branch -> path -> text."""
        # to search a commit unpacks it all; what is checked out is quicker to
        # search, and git knows which of its files are not as in the commit
        words = [word for name in users.WORDS for word in ("-e", name)]
        here = self.git("grep", "-lzF", *words, none=True)
        found = {}
        for branch in ("base", "series"):
            other = self.git("diff", "--name-only", "--no-renames", "-z", branch, "--")
            found[branch] = self.blobs(branch, set((here + other).decode().split("\0")[:-1]))
        return found

    def blobs(self, branch: str, paths: set[str]) -> dict[str, str]:
        """The text of those paths that are in a branch."""
        listed = sorted(path for path in paths if not path.startswith("Documentation/") and "\n" not in path)
        ask = "".join(f"{branch}:{path}\n" for path in listed).encode()
        out, at, texts = self.git("cat-file", "--batch", stdin=ask), 0, {}
        for path in listed:
            end = out.index(b"\n", at)
            head, at = out[at:end], end + 1
            if head.endswith(b" missing"):
                continue
            _, kind, size = head.split()
            if kind == b"blob":
                texts[path] = out[at:at + int(size)].decode(errors="replace")
            at += int(size) + 1
        return texts

    def load_patches(self) -> list[tuple[str, set[str]]]:
        """The patches of the series, in order: subject, and the files that it touches."""
        found = []
        for patch in series.read(self.series / "series").patches:
            try:
                subject, _ = series.mail_of(self.patches / patch.name)
                text = (self.patches / patch.name).read_text(errors="replace")
            except OSError:
                die(f"series/{self.name}/series names {patch.name}, which cannot be read; run: make check")
            found.append((subject, set(re.findall(r"^diff --git a/(\S+) b/", text, re.M))))
        return found

    def load_audit(self) -> tuple[dict[str, Line], list[str]]:
        """The lines by key, and what is wrong with some."""
        lines, wrong = {}, []
        for number, text in lines_of(self.audit):
            where = f"series/{self.name}/audit:{number}"
            line = LINE.fullmatch(text)
            verdict = line and VERDICT.fullmatch(line["verdict"])
            if not verdict:
                wrong.append(f"{where}: not 'path function: statement => verdict', with one of "
                             'patched "words", safe: why, blind: why')
            elif line["key"] in lines:
                wrong.append(f"{where}: the user of line {lines[line['key']].number} again")
            else:
                word = line["verdict"].split()[0].rstrip(":")
                refs = re.findall(r'"([^"]+)"', verdict["refs"] or "")
                lines[line["key"]] = Line(number, line["path"], word, refs)
        return lines, wrong


def bad_patches(line: Line, patches: list[tuple[str, set[str]]]) -> list[str]:
    """What is wrong with the patches that a line names."""
    wrong = []
    for words in line.patches:
        named = [(subject, files) for subject, files in patches if words.lower() in subject.lower()]
        if not named:
            wrong.append(f"'{words}' is not in the series")
        elif not any(line.path in files for _, files in named):
            wrong.append(f"'{named[0][0]}' does not touch {line.path}")
    return wrong


def judge(pin: Pin, trees: dict[str, dict[str, users.User]]) -> tuple[list[str], str]:
    """All that is wrong, and the sum; trees are base and series."""
    lines, wrong = pin.load_audit()
    patches = pin.load_patches()
    file = f"series/{pin.name}/audit"
    for key, line in lines.items():
        there = [name for name, found in trees.items() if key in found]
        wrong += [f"{file}:{line.number}: {what}" for what in bad_patches(line, patches)]
        if not there:
            wrong.append(f"{file}:{line.number}: stale, no tree has this user: {key}")
        elif line.verdict != "patched" and ("base" in there) != ("series" in there):
            how = "removes or changes" if "base" in there else "adds"
            wrong.append(f"{file}:{line.number}: the series {how} this user, the verdict must "
                         f"be 'patched': {key}")
    unreviewed = {}
    for name, found in trees.items():
        for key, user in found.items():
            if key not in lines:
                unreviewed.setdefault(key, (user, name))
    wrong += [f"{user.path}:{user.line}: unreviewed user in {name}; review it and add to "
              f"{file}: {key} => safe: <why>" for key, (user, name) in unreviewed.items()]
    keys = {key for found in trees.values() for key in found}
    count = {verdict: sum(lines[key].verdict == verdict for key in keys & lines.keys())
             for verdict in ("patched", "safe", "blind")}
    return wrong, (f"audit: {len(keys)} users in {', '.join(trees)}: " + ", ".join(
        f"{number} {verdict}" for verdict, number in count.items())
        + (f", {len(unreviewed)} unreviewed" if unreviewed else ", all reviewed"))


def main() -> int:
    options(__doc__).parse_args()
    pin = Pin()
    if carried := of_pins(get().configs, "carries").get(pin.name):
        print(f"audit: {pin.name} carries {' '.join(carried)}, which drops no mark: nothing to review")
        return 0
    wrong, total = judge(pin, {name: users.find_all(files) for name, files in pin.committed().items()})
    for what in wrong:
        print(f"audit: {what}", file=sys.stderr)
    print(total + (f", {len(wrong)} wrong" if wrong else ""))
    return 1 if wrong else 0
