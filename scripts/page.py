# SPDX-License-Identifier: GPL-2.0
"""HTML for report.py that is safe by construction: tag() and markup() escape
whatever is not markup made by them. The page loads nothing, from anywhere: its
own policy (CSP) forbids it, and runs no script but the one given here."""
import base64
import hashlib
import html
import math
import re
from pathlib import Path

from rows import clean

HERE = Path(__file__).resolve().parent
VOID = ("input", "meta")
# control characters, surrogates, and those that turn text around
UNSAFE = re.compile("[^\t\n\x20-\x7e\xa0-\u200d\u2010-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\ufffd"
                    "\U00010000-\U0010ffff]")
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
LEFT, WIDTH, STEP = 230, 1040, 18       # of the plot, in pixels


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


def plot(names: list[str], dots: list[tuple[int, float, str, str]]) -> Html:
    """Dots on a line for each name; a dot is line, seconds, class, what it says."""
    values = [seconds for _, seconds, _, _ in dots if seconds > 0] or [1.0]
    low, high = math.log(min(values)), math.log(max(values) * 1.05)
    height = STEP * len(names) + 40

    def x(seconds: float) -> str:
        return f"{LEFT + (WIDTH - LEFT - 30) * (math.log(seconds) - low) / max(high - low, 1e-9):.1f}"

    out = []
    for tick in (tick for tick in TICKS if low <= math.log(tick) <= high):
        out += [tag("line", x1=x(tick), x2=x(tick), y1=20, y2=height - 15, class_="grid"),
                tag("text", f"{tick:g} s", x=x(tick), y=12, text_anchor="middle")]
    for i, name in enumerate(names):
        y = 34 + STEP * i
        mine = [seconds for at, seconds, _, _ in dots if at == i and seconds > 0] or [values[0]]
        out += [tag("text", name, x=LEFT - 15, y=y + 4, text_anchor="end"),
                tag("line", x1=x(min(mine)), x2=x(max(mine)), y1=y, y2=y, class_="span")]
    for at, seconds, kind, says in dots:
        if seconds > 0:
            out.append(tag("g", tag("title", says), tag("circle", cx=x(seconds), cy=34 + STEP * at, r=4.5),
                           class_=kind))
    return tag("svg", *out, viewBox=f"0 0 {WIDTH} {height}", width=WIDTH, height=height, role="img")


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
