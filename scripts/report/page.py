# SPDX-License-Identifier: GPL-2.0
"""HTML for the report that is safe by construction: tag() and markup() escape
whatever is not markup made by them. The page loads nothing, from anywhere: its
own policy (CSP) forbids it, and runs no script but the one given here."""
import base64
import hashlib
import html
import re
from pathlib import Path

from guests.results import clean

HERE = Path(__file__).resolve().parent
VOID = ("input", "meta")
# control characters, surrogates, and those that turn text around
UNSAFE = re.compile("[^\t\n\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd"
                    "\U00010000-\U0010ffff]")


class Html(str):
    """Markup; any other text has yet to be escaped."""


def text(words) -> str:
    """words, escaped, without what a page should not hold."""
    return html.escape(UNSAFE.sub("", str(words)))


def markup(*parts) -> Html:
    """The parts, one after the other."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts))


def tag(name: str, /, *parts, **attributes) -> Html:
    """An element; class_ is class, data_x is data-x, and what is "" is left out."""
    words = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
                    for key, value in attributes.items() if value != "")
    return Html(f"<{name}{words}>" + ("" if name in VOID else f"{markup(*parts)}</{name}>\n"))


def fold(title, *parts) -> Html:
    """Something to open."""
    return tag("details", tag("summary", title), *parts)


def log(words: str, last: int = 0, width: int = 400) -> Html:
    """The text of a file, or its last lines, as a terminal would show it."""
    lines = words.splitlines()[-last:]
    return tag("pre", "\n".join(clean(line.expandtabs())[:width] for line in lines))


def page(title: str, *body) -> str:
    """The whole file."""
    script = (HERE / "report.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
              "base-uri 'none'; form-action 'none'")
    style = Html((HERE / "report.css").read_text())
    head = markup(tag("meta", charset="utf-8"),
                  tag("meta", http_equiv="Content-Security-Policy", content=policy),
                  tag("meta", name="viewport", content="width=device-width"),
                  tag("title", title), tag("style", style))
    return "<!DOCTYPE html>\n" + tag("html", tag("head", head),
                                     tag("body", *body, Html(f"<script>{script}</script>")), lang="en")
