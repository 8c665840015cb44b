# SPDX-License-Identifier: GPL-2.0
"""Read a page of the report for its test, and look for what it must not have."""
import re
from html.parser import HTMLParser

KNOWN = set("html head meta title style body h1 h2 h3 p nav a span input table thead tbody tr th td code pre div "
            "details summary section svg g text line circle script".split())
VOID = ("meta", "input")


class Page(HTMLParser):
    """The cells of the matrix, what they open, and all that could do harm."""
    def __init__(self, words: str):
        super().__init__()
        self.open, self.rows, self.cells, self.tags, self.links, self.odd = [], [], {}, [], [], []
        self.ids, self.section = set(), {}
        self.feed(words)
        self.odd += [f"{name} is left open" for name, _ in self.open]

    def handle_starttag(self, tag, attrs):
        words = dict(attrs)
        self.tags.append(tag)
        self.ids.add(words.get("id"))
        self.odd += [f"{tag} {key}" for key in words if key.startswith("on") or key in ("src", "style", "action")]
        if "href" in words:
            self.links.append(words["href"])
        if tag not in VOID:
            self.open.append((tag, words))
        if tag == "section":
            self.section = self.cells[words["id"]] = {"verdict": "", "words": "", "failed": [], "text": ""}
        inside = any(words.get("id") == "matrix-table" for _, words in self.open)
        if inside and tag == "tr":
            self.rows.append([])
        elif inside and tag in ("td", "th"):
            self.rows[-1].append({"class": words.get("class", ""), "link": "", "text": "", "s": ""})
        elif inside and tag == "a":
            self.rows[-1][-1]["link"] = words["href"][1:]
        if tag == "tr" and any(words.get("class") == "failed" for _, words in self.open):
            self.section["failed"].append("")

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()[0] != tag:
            self.odd.append(f"</{tag}> closes another")

    def handle_data(self, data):
        names = [name for name, _ in self.open]
        classes = [name for _, words in self.open for name in (words.get("class") or "").split()]
        if "matrix-table" in [words.get("id") for _, words in self.open] and names[-1] in ("th", "td", "a", "span"):
            self.rows[-1][-1]["s" if "s" in classes else "text"] += data.strip("\n")
        if "section" in names:
            self.section["text"] += data
            for name in ("verdict", "words"):
                self.section[name] += data.strip("\n") if name in classes else ""
            if "failed" in classes and names[-1] == "td" and not self.section["failed"][-1]:
                self.section["failed"][-1] = data


def harmless(page: Page, words: str) -> list[str]:
    """What a page must not have, whatever the results say."""
    wrong = page.odd + [f"tag {tag}" for tag in set(page.tags) - KNOWN]
    wrong += [f"link {link}" for link in page.links if link != "#-" and (link[0] != "#" or link[1:] not in page.ids)]
    wrong += ["scripts"] if page.tags.count("script") != 1 else []
    return wrong + [f"characters {found}" for found in re.findall("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]", words)]
