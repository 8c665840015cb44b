#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Cover letter and recipients on mails and a get_maintainer.pl that are made here.

usage: scripts/tests/test_mail.py

Exit code: 0 all as expected, 1 otherwise.
"""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

COVER = """From 0 Mon Sep 17 00:00:00 2001
From: Zoë Sender <zoe@example.org>
Subject: [PATCH 0/1] *** SUBJECT HERE ***

*** BLURB HERE ***

Zoë (1):
  mm: one

 mm/a.c | 2 +-
"""
PATCH = """From 1 Mon Sep 17 00:00:00 2001
From: Zoë Sender <zoe@example.org>
Subject: [PATCH 1/1] mm: one

Why.

Reported-by: Rob <rob@example.org>
Cc: <stable@vger.kernel.org>
---
 mm/a.c | 2 +-
"""
GET_MAINTAINER = """
exit 1 if -f "$ENV{HOME}/.get_maintainer.conf";
print "Ada Keeper <ada\\@example.org> (maintainer:MM)\\n";
print "Rita <rita\\@example.org> (reviewer:MM)\\n";
print "linux-mm\\@example.org (open list:MM)\\n";
print "stable\\@vger.kernel.org (open list)\\n";
"""


def cover(top: Path, wrong: list[str]) -> None:
    """What becomes of the letter."""
    mail, letter, testing, changelog = (top / name for name in ("0000-cover.patch", "letter", "testing", "changelog"))
    testing.write_text("It was tested.\n")
    changelog.write_text("# a comment\nv2:\nfixed\n\nv3:\nfixed more\n")

    def run(text: str, *more):
        mail.write_text(COVER)
        letter.write_text(text)
        return program.run("cover", mail, letter, "--testing", testing, "--base", "Applies to: x", *more)
    done = run("Subject: do it\n\nWords.\n\n*** TESTING ***\nMore.\n", "--changelog", changelog, "--version", "3", "--link", "2=https://two")
    text = mail.read_text()
    order = ["[PATCH 0/1] do it", "Words.", "It was tested.", "More.", "Changes since v2:\n(https://two)\n\nfixed more",
             "Changes since v1:\n\nfixed", "Zoë (1):", "Applies to: x"]
    places = [text.find(part) for part in order]
    if done.returncode or -1 in places or places != sorted(places) or "a comment" in text:
        wrong.append(f"cover letter: {done.stderr} {places} {text}")
    if "charset=UTF-8" not in text or "\nFrom: =?utf-8?" not in text:
        wrong.append(f"cover letter: what is not ASCII: {text}")
    for text, words in (("do it\n\nWords.\n", "does not begin with 'Subject: ...'"), ("Subject: x\n\n", "does not begin with")):
        done = run(text)
        if done.returncode != 2 or words not in done.stderr or done.stderr.count("\n") != 1:
            wrong.append(f"letter {text!r}: {done}")
    done = run("Subject: x\n\ny\n", "--changelog", changelog, "--version", "4")
    if done.returncode != 2 or "has no section 'v4:'" not in done.stderr:
        wrong.append(f"no changelog: {done}")


def recipients(top: Path, wrong: list[str]) -> None:
    """Who gets what."""
    tree, home = top / "tree", top / "home"
    (tree / "scripts").mkdir(parents=True)
    home.mkdir()
    mails = [top / "0000-cover.patch", top / "0001-one.patch"]
    mails[0].write_text(COVER)
    mails[1].write_text(PATCH)
    done = program.run("recipients", tree, *mails)
    if done.returncode != 2 or "run: make tree" not in done.stderr:
        wrong.append(f"no get_maintainer.pl: {done}")
    (tree / "scripts/get_maintainer.pl").write_text(GET_MAINTAINER)
    (home / ".get_maintainer.conf").write_text("--ignore\n")
    done = program.run("recipients", tree, *mails, env={"HOME": str(home)})
    heads = [mail.read_text().partition("\n\n")[0] for mail in mails]
    if done.returncode or "\nTo: Ada Keeper <ada@example.org>\nCc: Rita <rita@example.org>, linux-mm@example.org, Rob <rob@example.org>" not in heads[1]:
        wrong.append(f"patch: {done} {heads[1]}")
    if "\nTo: Ada Keeper <ada@example.org>\nCc: linux-mm@example.org" not in heads[0] or "rita" in heads[0]:
        wrong.append(f"cover letter: {heads[0]}")
    if any("stable@" in head for head in heads):
        wrong.append("stable@ is a recipient")
    (tree / "scripts/get_maintainer.pl").write_text("exit 0;\n")
    done = program.run("recipients", tree, mails[1])
    if done.returncode != 1 or "it names nobody" not in done.stderr:
        wrong.append(f"nobody: {done}")


def main() -> list[str]:
    """What is wrong."""
    wrong: list[str] = []
    for test in (cover, recipients):
        with tempfile.TemporaryDirectory() as name:
            test(Path(name), wrong)
    return wrong


if __name__ == "__main__":
    program.end(main())
