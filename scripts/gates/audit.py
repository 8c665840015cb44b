# SPDX-License-Identifier: GPL-2.0
"""Hold every user of PG_reserved in the pin's tree against series/PIN/audit.

usage: audit [--tree NAME]... [--work-tree [DIR]] [--list]

A user is a statement (outside of functions: a line) of code that names the
flag, one of its accessors, a mask that holds it, or a helper that sets or
clears it for one page; users.py finds them. Documentation/ and comments are
no users. What is read is what is committed in the branches base and series of
build/PIN/linux; nothing is written there, and no file need be checked out.

  --tree NAME        only this branch or commit; may repeat
  --work-tree [DIR]  the files as they are in DIR (build/PIN/linux), too
  --list             print the users, file:line and key, and judge nothing

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
from pathlib import Path

from gates import users
from guests.case import of_pins
from series import series
from series.git import GitError
from series.git import git as run_git
from settings import die, get, options

LINE = re.compile(r"(?P<key>(?P<path>\S+) .+?) => (?P<verdict>.*)")
VERDICT = re.compile(r'patched (?P<refs>"[^"]+"(?:, "[^"]+")*)(?:: \S.*)?|(?:safe|blind): \S.*')


@dataclass
class Patch:
    """One patch of the series."""
    subject: str
    files: set[str]


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
        self.name, self.series, self.patches, self.tree = s.pin, s.series, s.patches, s.tree
        self.audit = self.series / "audit"

    def git(self, *words, **options) -> bytes:
        """What git prints in the tree."""
        try:
            return run_git(*words, **options)
        except GitError as err:
            die(f"{err}; run: make tree")
        return b""

    def grep(self, *words, cwd=None) -> list[str]:
        """The paths with a word that a user may be made of."""
        fixed = [word for name in users.WORDS for word in ("-e", name)]
        out = self.git("grep", "-lzF", *fixed, *words, cwd=cwd, none=True)
        return out.decode().split("\0")[:-1]

    def committed(self, names: list[str]) -> dict[str, dict[str, str]]:
        """The files of each tree that may have users: name -> path -> text."""
        revisions = {}
        for name in names:
            try:
                out = run_git("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
            except GitError:
                die(f"no tree '{name}' in {self.tree}; run: make tree")
            revisions[name] = out.decode().strip()
        # to search a commit unpacks it all; what is checked out is quicker to
        # search, and git knows which of its files are not as in the commit
        checked_out = self.git("rev-parse", "--is-bare-repository").strip() == b"false"
        here = set(self.grep()) if checked_out else set()
        found = {}
        for name, commit in revisions.items():
            if checked_out:
                other = self.git("diff", "--name-only", "--no-renames", "-z", commit).decode()
                paths = here | set(other.split("\0")[:-1])
            else:
                paths = {path.partition(":")[2] for path in self.grep(commit)}
            found[name] = self.blobs(commit, paths)
        return found

    def blobs(self, commit: str, paths: set[str]) -> dict[str, str]:
        """The text of those paths that are in commit."""
        listed = sorted(path for path in paths if users.readable(path) and "\n" not in path)
        ask = "".join(f"{commit}:{path}\n" for path in listed).encode()
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

    def on_disk(self, folder: Path) -> dict[str, str]:
        """The files of a work tree that may have users, untracked ones, too."""
        if not folder.is_dir():
            die(f"no folder {folder}")
        return {path: (folder / path).read_bytes().decode(errors="replace")
                for path in self.grep("--untracked", cwd=folder) if users.readable(path)}

    def load_patches(self) -> list[Patch]:
        """The patches of the series, in order."""
        found = []
        for patch in series.read(self.series / "series").patches:
            try:
                subject, _ = series.mail_of(self.patches / patch.name)
                text = (self.patches / patch.name).read_text(errors="replace")
            except OSError:
                die(f"series/{self.name}/series names {patch.name}, which cannot be read; run: make check")
            found.append(Patch(subject, set(re.findall(r"^diff --git a/(\S+) b/", text, re.M))))
        return found

    def load_audit(self) -> tuple[dict[str, Line], list[str]]:
        """The lines by key, and what is wrong with some."""
        lines, wrong = {}, []
        if not self.audit.exists():
            return lines, wrong
        for number, text in enumerate(self.audit.read_text().splitlines(), 1):
            if not text.strip() or text.startswith("#"):
                continue
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


def bad_patches(line: Line, patches: list[Patch]) -> list[str]:
    """What is wrong with the patches that a line names."""
    wrong = []
    for words in line.patches:
        named = [patch for patch in patches if words.lower() in patch.subject.lower()]
        if not named:
            wrong.append(f"'{words}' is not in the series")
        elif not any(line.path in patch.files for patch in named):
            wrong.append(f"'{named[0].subject}' does not touch {line.path}")
    return wrong


def judge(pin: Pin, trees: dict[str, dict[str, users.User]], whole: bool) -> tuple[list[str], str]:
    """All that is wrong, and the sum; whole: trees has base and series."""
    lines, wrong = pin.load_audit()
    patches = pin.load_patches()
    file = f"series/{pin.name}/audit"
    for key, line in lines.items():
        there = [name for name, found in trees.items() if key in found]
        wrong += [f"{file}:{line.number}: {what}" for what in bad_patches(line, patches)]
        if not whole:
            continue
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
    """The command line."""
    parser = options(__doc__)
    parser.add_argument("--tree", action="append", metavar="NAME")
    parser.add_argument("--work-tree", nargs="?", const="", metavar="DIR")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    pin = Pin()
    carried = of_pins(get().configs, "carries").get(pin.name)
    if carried and not (args.list or args.tree or args.work_tree is not None):
        print(f"audit: {pin.name} carries {' '.join(carried)}, which drops no mark: nothing to review")
        return 0
    texts = pin.committed(args.tree or ["base", "series"])
    if args.work_tree is not None:
        folder = Path(args.work_tree or pin.tree)
        texts[f"work tree {folder}"] = pin.on_disk(folder)
    trees = {name: users.find_all(files) for name, files in texts.items()}
    if args.list:
        for key, user in {key: user for found in trees.values() for key, user in found.items()}.items():
            print(f"{user.path}:{user.line}: {key}")
        return 0
    wrong, total = judge(pin, trees, {"base", "series"} <= trees.keys())
    for what in wrong:
        print(f"audit: {what}", file=sys.stderr)
    print(total + (f", {len(wrong)} wrong" if wrong else ""))
    return 1 if wrong else 0

