# SPDX-License-Identifier: GPL-2.0
"""Write To: and Cc: into the mails of a series, as the tree's get_maintainer.pl says.

usage: recipients [--stable] TREE MAIL...

MAIL is what git format-patch wrote; one whose number is 0 is the cover letter. A patch goes
to the maintainers of what it touches, with the lists and reviewers in Cc, and those that its
own trailers name; the cover letter to the maintainers of all patches, with all lists in Cc.
Nobody is guessed from the history, and the sender is left out. stable@ is a trailer and no
recipient (stable-kernel-rules.rst, option 1); with --stable the mails are for it, and all
others are in Cc (option 3). Prints who gets what.
Exit code: 0 written, 1 a patch that nobody would get, 2 bad input.
"""
import os
import re
import subprocess
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formataddr, getaddresses, parseaddr
from pathlib import Path
from typing import Any, cast

from settings import die, options

OPTIONS = ["--nogit", "--nogit-fallback", "--nofixes", "--roles", "--norolestats"]
ANSWER = re.compile(r"(?P<who>\S.*\S|\S+) \((?P<role>[^:()]+)(?::.*)?\)")
NAMED = re.compile(r"^(?:Cc|[A-Z][a-z-]+-by): (.*@.*)$", re.MULTILINE)
FOLD = 75
STABLE = {"stable@vger.kernel.org": "stable@vger.kernel.org"}

People = dict[str, str]     # by address: as it is written


def ask(tree: Path, mail: Path) -> tuple[People, People]:
    """The maintainers of what a patch touches; its lists and reviewers."""
    done = subprocess.run(["perl", "scripts/get_maintainer.pl", *OPTIONS, mail.absolute()],
                          cwd=tree, capture_output=True, check=False,
                          env={**os.environ, "HOME": "/nonexistent"})      # not with the .get_maintainer.conf of a user
    text = done.stdout.decode(errors="replace")
    to, cc = {}, {}
    for line in text.splitlines():
        found = ANSWER.fullmatch(line)
        if not found:
            continue
        group = to if found["role"].split()[0] in ("maintainer", "supporter") else cc
        name, address = parseaddr(found["who"])
        if "stable@" not in address:
            group.setdefault(address.lower(), formataddr((name, address)))
    if done.returncode or not (to or cc):
        why = (done.stderr.decode(errors="replace").strip().splitlines() or ["it names nobody"])[-1]
        die(f"get_maintainer.pl: {mail.name}: {why}", 1)
    # get_maintainer.pl prints lists in no fixed order
    return to, dict(sorted(((key, who) for key, who in cc.items() if key not in to),
                           key=lambda item: ("<" not in item[1], item[0] if "<" not in item[1] else "")))


def named(message: str) -> People:
    """Whom the trailers of a patch name."""
    return {address.lower(): formataddr((name, address))
            for name, address in getaddresses([line.partition("#")[0] for line in NAMED.findall(message)])
            if "@" in address and not address.startswith("stable")}


def header(name: str, people: People) -> str:
    """A header, folded between addresses."""
    lines, words = [], list(people.values())
    line = f"{name}:"
    for i, who in enumerate(words):
        who += "," if i + 1 < len(words) else ""
        if len(line) + 1 + len(who) > FOLD and line.strip() != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {who}"
    return "\n".join([*lines, line]) + "\n" if words else ""


def address(mail: Path, to: People, cc: People, sender: str, stable: bool) -> None:
    """Write both headers, in place of any that are there."""
    if stable:
        to, cc = STABLE, to | cc
    to, cc = ({key: who for key, who in group.items() if key != sender} for group in (to, cc))
    if not to:      # only a list is responsible
        to, cc = cc, {}
    head, _, body = mail.read_bytes().decode().partition("\n\n")
    head = re.sub(r"^(?:To|Cc): .*\n(?:[ \t].*\n)*", "", head + "\n", flags=re.MULTILINE)
    mail.write_bytes((head + header("To", to) + header("Cc", cc) + "\n" + body).encode())
    print(f"\n{mail.name}")
    for name, group in (("to", to), ("cc", cc)):
        for who in group.values():
            print(f"  {name}  {who}")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--stable", action="store_true", help="for stable trees")
    parser.add_argument("tree", type=Path)
    parser.add_argument("mail", type=Path, nargs="+")
    args = parser.parse_args()
    if not (args.tree / "scripts/get_maintainer.pl").is_file():
        die(f"no scripts/get_maintainer.pl in {args.tree}; run: make tree")
    covers, all_to, all_lists = [], {}, {}
    for mail in args.mail:
        message = cast(EmailMessage, message_from_bytes(mail.read_bytes(), policy=cast(Any, default)))
        sender = parseaddr(str(message["From"]))[1].lower()
        if re.search(r"(^|-)0+-", mail.name):
            covers.append((mail, sender))
            continue
        to, cc = ask(args.tree, mail)
        all_to |= to
        all_lists |= {key: who for key, who in cc.items() if "<" not in who}
        words = message.get_content().partition("\n---\n")[0]
        address(mail, to, cc | {key: who for key, who in named(words).items() if key not in to}, sender, args.stable)
    for mail, sender in covers:
        address(mail, all_to, {key: all_lists[key] for key in sorted(all_lists) if key not in all_to}, sender, args.stable)
    return 0
