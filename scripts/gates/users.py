# SPDX-License-Identifier: GPL-2.0
"""The users of PG_reserved in kernel sources, for the audit.

A C-aware scan, and not a semantic patch: it must read every architecture's
code and every branch of every #if, macros included, which spatch parses only
in part and then skips without a word.
"""
import functools
import hashlib
import re
from dataclasses import dataclass

# what git grep looks for; each match of USER contains one of these
WORDS = ("PageReserved", "PG_reserved", "KPF_RESERVED", "PAGE_FLAGS_CHECK_AT_",
         "FLAG(Reserved", "FLAG(reserved", "FLAG_FALSE(reserved", "mark_page_reserved",
         "free_reserved_page", "folio_test_reserved", "folio_set_reserved",
         "folio_clear_reserved", "folio_test_set_reserved", "folio_test_clear_reserved",
         "PT_reserved", "pagetable_is_reserved")
USER = (r"\b(?:\w*PageReserved\w*|PG_reserved|KPF_RESERVED|PAGE_FLAGS_CHECK_AT_\w+|"
        r"\w*FLAG\w*\([Rr]eserved\b|PT_reserved|pagetable_is_reserved|mark_page_reserved|(?:__)?free_reserved_page|"
        r"(?:__)?folio_(?:test_set|test_clear|test|set|clear)_reserved)\b")
# comments, strings and character constants
DULL = re.compile(r"""//(?:[^\n\\]|\\.)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.S)
DIRECTIVE = r"^[ \t]*#(?:[^\n\\]|\\.)*"
STEP = re.compile(rf"(?P<directive>{DIRECTIVE})|(?P<user>{USER})|[{{}}();]", re.S | re.M)
# `name(` in front of a function's body that is not the function
ATTRIBUTE = re.compile(r"__attribute__|__printf|__scanf|__acquires|__releases|__must_hold|"
                       r"__aligned|__section|__alloc_size|__no_sanitize|__ref_?data|"
                       r"__cond_\w+|__diag_\w+")
C_LIKE = {"c", "h", "S", "cc", "cpp", "rs", "y", "l", "lds", "inc"}
LONG = 110


@dataclass(frozen=True)
class User:
    """One statement or line that uses the flag."""
    path: str
    line: int
    place: str      # the function or the macro; - for neither
    text: str


def squeeze(text: str) -> str:
    """One line of it; what is too long ends in a hash of the whole."""
    text = " ".join(re.sub(DIRECTIVE, " ", text, flags=re.S | re.M).split())
    if len(text) <= LONG:
        return text
    return f"{text[:LONG - 14].rstrip()} ... {hashlib.sha256(text.encode()).hexdigest()[:8]}"


def function(header: str) -> str:
    """The function whose body follows header, or nothing."""
    header = re.sub(DIRECTIVE, " ", header, flags=re.S | re.M)
    name, depth = "", 0
    for step in re.finditer(r"(\w+)\s*\(|[()=]", header):
        if step[0] == "=" and not depth:
            return ""
        if step[1] and not depth and not ATTRIBUTE.fullmatch(step[1]):
            name = step[1]
            if re.match(r"[A-Z_0-9]+$", name):     # SYSCALL_DEFINE3(mbind, ...
                name += "_" + header[step.end():].split(",")[0].split(")")[0].strip()
        depth += {"(": 1, ")": -1, "=": 0}[step[0][-1]]
    return name


@dataclass
class State:
    """Where in the nesting a scan is; #else goes back to where #if was."""
    braces: tuple = ()      # what to go back to at each }: (place, parentheses)
    place: str = ""         # the function; empty outside
    parens: int = 0
    begin: int = 0          # of the statement


class Scan:
    """The users in one C file."""

    def __init__(self, path: str, text: str):
        self.path, self.found, self.pending = path, [], []
        # the same length without comments, and without what strings hold
        self.text = DULL.sub(lambda m: m[0] if m[0][0] in "\"'" else self.blank(m[0]), text)
        self.code = DULL.sub(lambda m: self.blank(m[0]), text)
        self.state, self.saved = State(), []
        for step in STEP.finditer(self.code):
            if step["directive"]:
                self.directive(step)
            elif step["user"]:
                if self.state.place:
                    self.pending.append(step.start())
                else:
                    self.add_line(step.start(), "-")
            else:
                self.punctuation(step[0], step.start(), step.end())
        self.flush(len(self.code))

    @staticmethod
    def blank(text: str) -> str:
        """As many characters and lines, all blank."""
        return re.sub(r"[^\n]", " ", text)

    def add_line(self, at: int, place: str) -> None:
        """The user is the line around at, however often it names the flag."""
        start = self.code.rfind("\n", 0, at) + 1
        end = self.code.find("\n", at)
        text = self.text[start:end if end >= 0 else None]
        # not through squeeze(), which drops directives
        line = User(self.path, self.code.count("\n", 0, at) + 1, place,
                    " ".join(text.rstrip("\\ \t").split()))
        if line not in self.found[-1:]:
            self.found.append(line)

    def flush(self, end: int) -> None:
        """The statement with the pending users ends here."""
        if self.pending:
            line = self.code.count("\n", 0, self.pending[0]) + 1
            text = squeeze(self.text[self.state.begin:end])
            self.found.append(User(self.path, line, self.state.place, text))
            self.pending.clear()

    def directive(self, step: re.Match) -> None:
        """A line of the preprocessor."""
        words = re.match(r"\s*#\s*(\w*)\s*(\w*)", step[0])
        if words[1] in ("if", "ifdef", "ifndef"):
            self.saved.append(State(**vars(self.state)))
        elif words[1] in ("else", "elif") and self.saved:
            begin = self.state.begin
            self.state = State(**vars(self.saved[-1]))
            self.state.begin = max(begin, self.state.begin)
        elif words[1] == "endif" and self.saved:
            self.saved.pop()
        place = words[2] if words[1] == "define" else "-"
        for user in re.finditer(USER, step[0]):
            self.add_line(step.start() + user.start(), place)

    def punctuation(self, char: str, start: int, end: int) -> None:
        """One of {}();"""
        state = self.state
        if char in "()":
            state.parens = max(0, state.parens + (1 if char == "(" else -1))
            return
        if char == ";":
            if not state.parens:
                self.flush(end)
                state.begin = end
            return
        self.flush(start)
        if char == "{":
            inner = state.place or (function(self.code[state.begin:start])
                                    if not state.braces else "")
            state.braces += ((state.place, state.parens),)
            state.place, state.parens = inner, 0
        elif state.braces:
            state.place, state.parens = state.braces[-1]
            state.braces = state.braces[:-1]
        state.begin = end


@functools.lru_cache(maxsize=None)
def find(path: str, text: str) -> tuple[User, ...]:
    """The users in one file, in order."""
    if path.rpartition(".")[2] in C_LIKE:
        return tuple(Scan(path, text).found)
    return tuple(User(path, number, "-", " ".join(line.split()))
                 for number, line in enumerate(text.splitlines(), 1) if re.search(USER, line))


def find_all(files: dict[str, str]) -> dict[str, User]:
    """The users in all files by key; #2 and so on tells equal ones apart."""
    found = {}
    for path, text in sorted(files.items()):
        for user in find(path, text):
            key = first = f"{path} {user.place}: {user.text}"
            number = 1
            while key in found:
                number += 1
                key = f"{first} #{number}"
            found[key] = user
    return found
