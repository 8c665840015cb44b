# SPDX-License-Identifier: GPL-2.0
"""Check what the patches' changelogs refer to, and their trailers.

usage: changelogs

A commit is named by 12 or more digits and its subject, and both are those of a
line `<id> <subject>` of series/PIN/commits (this tree has no history to look
into). The trailers
are the last paragraph: Fixes, then people, then Link; no Signed-off-by, which
the sender of the patches adds. The cover letter (series/PIN/cover-letter, if
there is one) names each patch by its subject in an entry `patch`, and only
cases that exist in an entry `case`; those of sets (series/PIN/cover/, one for each set of several patches) and reports
(series/PIN/reports/, of the newest pin that has the bug) name commits in the same way. A
report is of a case that says `report = <its name>`, and names it. One line for each thing that is wrong.
Exit code: 0 all right, 1 not, 2 bad input.
"""
import re
import sys
from pathlib import Path

from guests import case as cases
from series import series
from settings import die, get, lines_of, options

ORDER = ["Fixes", "Reported-by", "Suggested-by", "Co-developed-by", "Tested-by", "Acked-by", "Reviewed-by", "Cc", "Link"]
TRAILER = re.compile(r"([A-Z][A-Za-z]*(?:-[A-Za-z]+)*): \S")
NAMED = re.compile(r"(\bcommits?|\bFixes:)\s+([0-9a-f]{7,40})\b(?:\s+\(\"(.*?)\"\))?", re.IGNORECASE | re.DOTALL)


def commits(path: Path) -> dict[str, str]:
    """Subjects by id."""
    known = {}
    for number, line in lines_of(path):
        found = re.fullmatch(r"([0-9a-f]{12,40}) (\S.*)", line)
        if not found:
            die(f"series/{get().pin}/commits:{number}: not '<id> <subject>'")
        known[found[1]] = found[2]
    return known


def trailers(body: str) -> list[str]:
    """What is wrong with them."""
    paragraphs = re.split(r"\n\s*\n", body.strip())
    last = [TRAILER.match(line) for line in paragraphs[-1].splitlines()]
    found = [match[1] for match in last if match] if last and last[0] else []
    wrong = []
    if len(found) not in (0, len(last)):
        wrong.append("the last paragraph is not trailers alone")
    wrong += [f"unknown trailer '{name}'" for name in found if name not in ORDER]
    ranks = [ORDER.index(name) for name in found if name in ORDER]
    if ranks != sorted(ranks):
        wrong.append(f"trailers are not in the order {', '.join(name for name in ORDER if name in found)}")
    for paragraph in paragraphs[:-1] if found else paragraphs:
        for line in paragraph.splitlines():
            match = TRAILER.match(line)
            if match and match[1] in [*ORDER, "Signed-off-by"]:
                wrong.append(f"'{match[1]}:' is not in the last paragraph")
    return wrong


def references(text: str, known: dict[str, str], used: set[str]) -> list[str]:
    """What is wrong with the commits that the changelog names."""
    wrong = []
    for found in NAMED.finditer(text):
        digits, subject = found[2], " ".join((found[3] or "").split())
        ids = [name for name in known if name.startswith(digits)]
        used.update(ids)
        if text[found.end():].lstrip().startswith("upstream.") and len(digits) == 40 and ids:
            continue    # the first line of a backport, as stable-kernel-rules wants it
        if len(digits) < 12:
            wrong.append(f"commit {digits}: fewer than 12 digits")
        elif len(ids) != 1:
            wrong.append(f"commit {digits}: unknown; look it up and add it to series/{get().pin}/commits")
        elif subject != known[ids[0]]:
            wrong.append(f"commit {digits}: its subject is '{known[ids[0]]}', not '{subject}'")
    return wrong


def cover_letter(path: Path, subjects: list[str]) -> tuple[str, list[str]]:
    """Its text, and what is wrong with the entries `  patch  subject` and `  case  name, name`."""
    if not path.exists():
        return "", []
    text, wrong, named = path.read_text(), [], []
    cases = [case.stem for case in get().configs.glob("*.conf")]
    for kind, first, rest in re.findall(r"^  (patch|case) +(.+)\n((?: {9}.+\n)*)", text, re.MULTILINE):
        value = " ".join((first + rest).split())
        if kind == "patch" and not value.startswith("none:"):
            named.append(value)
        elif kind == "case" and not value.startswith("only "):
            wrong += [f"there is no case '{name}'" for name in value.split(", ") if name not in cases]
    wrong += [f"does not name the patch '{subject}'" for subject in subjects if subject not in named]
    wrong += [f"there is no patch '{name}'" for name in named if name not in subjects]
    return text, wrong


def reports(folder: Path) -> list[str]:
    """What is wrong between the reports and the cases that show their bugs."""
    shown: dict[str, list[str]] = {}
    for path in sorted(get().configs.glob("*.conf")):
        case = cases.load(path)
        shown.setdefault(case.report, []).append(case.name)
    wrong = [f"there is no report '{name}', for the case {shown[name][0]}" for name in shown
             if name and not any(get().series.parent.glob(f"*/reports/{name}"))]
    for path in sorted(folder.glob("*")):
        if not path.read_text().startswith("Subject: "):
            wrong.append(f"{path.name}: the first line is no subject")
        if path.name not in shown:
            wrong.append(f"{path.name}: no case says 'report = {path.name}'")
        wrong += [f"{path.name}: does not name the case {name}" for name in shown.get(path.name, [])
                  if not re.search(rf"\b{name}\b", path.read_text())]
    return wrong


def covers(listed: series.Series, folder: Path) -> list[str]:
    """What is wrong between the sets of several patches and their cover letters. A set that is all there is has
    the one of the series."""
    want = {name for name in listed.needs if len(listed.own(name)) > 1}
    there = {path.name: path.stat().st_size for path in folder.glob("*")}
    missing = {name for name in want if not there.get(name)} if len(listed.needs) > 1 else set()
    return [f"no {name}, for the set of that name" for name in sorted(missing)] + [f"{name}: is of no set" for name in sorted(there.keys() - want)]


def main() -> int:
    options(__doc__).parse_args()
    s = get()
    known, used = commits(s.series / "commits"), set()
    wrong, subjects = [], []
    listed = series.read(s.series / "series")
    for patch in listed.patches:
        try:
            subject, text = series.mail_of(s.patches / patch.name)
        except OSError as err:
            wrong.append(str(err))
            continue
        subjects.append(subject)
        body = text.partition("\n---\n")[0]
        wrong += [f"patches/{s.pin}/{patch.name}: {what}" for what in trailers(body) + references(body, known, used)]
    carries = cases.of_pins(s.configs, "carries").get(s.pin)     # a set is as small as those of series/PIN/cover/
    text, bad = cover_letter(s.series / "cover-letter", [] if carries else subjects)
    wrong += [f"series/{s.pin}/cover-letter: {what}" for what in bad + references(text, known, used)]
    for path in sorted([*(s.series / "cover").glob("*"), *(s.series / "reports").glob("*")]):
        wrong += [f"series/{s.pin}/{path.parent.name}/{path.name}: {what}" for what in references(path.read_text(), known, used)]
    wrong += [f"series/{s.pin}/cover: {what}" for what in covers(listed, s.series / "cover")]
    wrong += [f"series/{s.pin}/reports: {what}" for what in reports(s.series / "reports")]
    wrong += [f"series/{s.pin}/commits: no patch names {name[:12]}" for name in known if name not in used]
    for what in wrong:
        print(f"changelogs: {what}", file=sys.stderr)
    return 1 if wrong else 0
