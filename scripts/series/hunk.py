# SPDX-License-Identifier: GPL-2.0
"""Print a patch file without one hunk, or with that hunk alone.

usage: hunk --without N FILE | --only N FILE

Hunks are counted from 1, through all files of the patch. A file of which no hunk is left
is left out. Also a module: the hunks of a patch, see gates/hunks.py.
Exit code: 0 printed, 2 bad input.
"""
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from settings import die, options

COMMENT = re.compile(r"\s*(?:/\*|\*|//|#(?!\s*(?:if|else|endif|elif|define|undef|include|error|pragma|warning)\b)|$)")
CODE = (".c", ".h", ".S", "Kconfig", "Makefile", "Kbuild")


@dataclass
class Part:
    """A hunk of a patch: the file that it changes, its first line, and all of it."""
    path: str
    where: str
    text: str

    @property
    def id(self) -> str:
        """What stays when lines move."""
        changed = "\n".join(line for line in self.text.splitlines()[1:] if line[:1] in "+-")
        return hashlib.sha256(f"{self.path}\n{changed}".encode()).hexdigest()[:8]

    def is_code(self) -> bool:
        """Does it change more than comments?"""
        if not self.path.endswith(CODE):
            return False
        lines = [line[1:] for line in self.text.splitlines()[1:] if line[:1] in "+-"]
        return not all(COMMENT.match(line) for line in lines)


def parts(text: str) -> tuple[str, list[tuple[str, list[Part]]], str]:
    """A patch: what stands in front, the header and the hunks of each file, the signature."""
    head, *files = re.split(r"^(?=diff --git )", text, flags=re.MULTILINE)
    found, tail = [], ""
    for number, file in enumerate(files, 1):
        if number == len(files):
            file, mark, tail = file.partition("\n-- \n")
            file, tail = file + ("\n" if mark else ""), ("-- \n" + tail if mark else "")
        header, *hunks = re.split(r"^(?=@@ )", file, flags=re.MULTILINE)
        path = re.search(r"^diff --git a/\S+ b/(\S+)", header)[1]
        found.append((header, [Part(path, hunk.split("@@")[2].splitlines()[0].strip(), hunk) for hunk in hunks]))
    return head, found, tail


def cut(text: str, number: int, only: bool) -> str:
    """The patch without a hunk, or with it only."""
    head, files, tail = parts(text)
    out, at = [], 0
    for header, hunks in files:
        kept = []
        for part in hunks:
            at += 1
            if (at == number) == only:
                kept.append(part.text)
        if kept:
            out.append(header + "".join(kept))
    if not 1 <= number <= at:
        raise ValueError(f"there is no hunk {number}, but {at}")
    return head + "".join(out) + tail


def main() -> int:
    parser = options(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--without", type=int)
    what.add_argument("--only", type=int)
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    only = args.only is not None
    try:
        print(cut(args.file.read_text(), args.only if only else args.without, only), end="")
    except (OSError, ValueError) as err:
        die(str(err))
    return 0
