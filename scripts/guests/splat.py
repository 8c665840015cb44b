# SPDX-License-Identifier: GPL-2.0
"""The console of a guest, for the judge: its messages, and the lists of those
that fail a case (splat.deny) or are excepted for now (splat.allow).

A list that cannot be relied on raises Broken: it must never look like a
console that is clean.
"""
import datetime
import re
from pathlib import Path

STAMP = re.compile(r"\[ *\d+\.\d{6}\](?:\[ *[TC]\d+\])? ?")
ESCAPE = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|c)")
ECHO = re.compile(r"(Kernel command line|Command line|Unknown kernel command "
                  r"line parameters|Unknown command line parameters)\b")


class Broken(Exception):
    """The result cannot be judged."""


def read(path: Path) -> str:
    """The text of an input that has to be there."""
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError as err:
        raise Broken(f"{path.name}: {err.strerror}") from err


def pattern(path: Path, number: int, line: str) -> re.Pattern:
    """Compile one line of a list."""
    try:
        found = re.compile(line)
    except re.error as err:
        raise Broken(f"{path.name}:{number}: bad regex: {err}") from err
    if found.search(""):
        raise Broken(f"{path.name}:{number}: '{line}' matches every line")
    return found


def deny_list(path: Path) -> list[re.Pattern]:
    """The patterns of splat.deny; an empty list would let anything pass."""
    found = [pattern(path, number, line)
             for number, line in enumerate(read(path).splitlines(), 1)
             if line.strip() and not line.startswith("#")]
    if not found:
        raise Broken(f"{path.name}: no entries")
    return found


def allow_list(path: Path) -> list[re.Pattern]:
    """The patterns of splat.allow, each with a reason, a link and a day that
    is not over."""
    found, notes = [], {}
    for number, line in enumerate(read(path).splitlines(), 1):
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition(":")
            notes[key] = value.strip()
            continue
        if line.strip():
            where = f"{path.name}:{number}: '{line}'"
            for key in ("reason", "link", "expires"):
                if not notes.get(key):
                    raise Broken(f"{where} has no '# {key}:' above it")
            try:
                last = datetime.date.fromisoformat(notes["expires"])
            except ValueError as err:
                raise Broken(f"{where} expires: {err}") from err
            if last < datetime.date.today():
                raise Broken(f"{where} expired on {last}")
            found.append(pattern(path, number, line))
        notes = {}
    return found


def messages(console: str) -> list[str]:
    """The messages of the console: no time stamps, no carriage returns, no
    echo of the command line. A time stamp in mid-line begins a message."""
    text = STAMP.sub("\n", ESCAPE.sub("", console).replace("\r", "\n"))
    return [line.rstrip() for line in text.split("\n")
            if line.strip() and not ECHO.match(line)]
