# SPDX-License-Identifier: GPL-2.0
"""Fill in the cover letter that git format-patch wrote: cover MAIL LETTER [options]

LETTER is series/PIN/cover-letter: `Subject: ...`, an empty line, the text. A line
*** TESTING *** in it is replaced by what --testing names; without that line it goes to the
end. Then come what changed, newest version first (--changelog: sections that a line `v2:`
begins; comments are left out), git's shortlog and diffstat, the range-diff, and the base.
Where LETTER is -, MAIL is a patch that is sent alone: all of that goes behind its ---.
Exit code: 0 written, 2 bad input.
"""
import re
from email.utils import formataddr, parseaddr
from pathlib import Path

from settings import die, options, text_of

MARK = "*** TESTING ***\n"


def changes(path: Path | None, version: int, links: dict[int, str]) -> str:
    """What changed since each version before this one."""
    text = text_of(path) if path else ""
    parts = re.split(r"^v(\d+):[ \t]*\n", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    found = {int(number): body.strip("\n") for number, body in zip(parts[1::2], parts[2::2])}
    if version > 1 and not found.get(version, "").strip():
        raise ValueError(f"{path} has no section 'v{version}:' that says what changed since v{version - 1}")
    out = []
    for number in sorted((n for n in found if 1 < n <= version), reverse=True):
        link = f"\n({links[number - 1]})" if number - 1 in links else ""
        out.append(f"Changes since v{number - 1}:{link}\n\n{found[number]}\n")
    return "\n".join(out)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("mail", type=Path)
    parser.add_argument("letter", type=Path)
    parser.add_argument("--testing", type=Path, required=True)
    parser.add_argument("--changelog", type=Path)
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--link", action="append", default=[], help="N=address of vN")
    parser.add_argument("--range-diff", type=Path)
    parser.add_argument("--base", required=True, help="the last line")
    args = parser.parse_args()
    alone = str(args.letter) == "-"
    try:
        subject, _, text = ("" if alone else args.letter.read_text()).partition("\n\n")
        if not alone and not (re.fullmatch(r"Subject: \S.*(\n .*)*", subject) and text.strip()):
            raise ValueError(f"{args.letter} does not begin with 'Subject: ...' and an empty line")
        links = {int(n): address for n, _, address in (link.partition("=") for link in args.link)}
        changed = changes(args.changelog, args.version, links)
    except (OSError, ValueError) as err:
        die(str(err))
    testing = args.testing.read_text()
    text = text.replace(MARK, testing, 1) if MARK in text else f"{text.rstrip()}\n\n{testing}"
    text = text.rstrip() + "\n" + (f"\n{changed}" if changed else "")
    mail, diff = args.mail.read_bytes().decode(), ""
    if args.range_diff:
        diff = f"\nRange-diff against v{args.version - 1}:\n{args.range_diff.read_text().rstrip()}\n"
    if alone:
        head, _, rest = mail.partition("\n---\n")
        args.mail.write_bytes(f"{head}\n---\n\n{text.strip()}\n\n{args.base}\n{diff}\n{rest}".encode())
        return 0
    subject = " ".join(subject.removeprefix("Subject: ").split())
    mail = mail.replace("*** SUBJECT HERE ***", subject, 1).replace("*** BLURB HERE ***\n", text, 1).rstrip() + "\n"
    head, _, body = f"{mail}{diff}\n{args.base}\n".partition("\n\n")
    if not body.isascii() and "\nContent-Type:" not in head:
        head += "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit"
    # git encodes names in patches, but not here
    head = re.sub("^From: (.*[^\x00-\x7f].*)$", lambda found: f"From: {formataddr(parseaddr(found[1]))}",
                  head, flags=re.MULTILINE)
    args.mail.write_bytes(f"{head}\n\n{body}".encode())
    return 0
