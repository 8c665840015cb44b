#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the audit on a tiny tree that is made here.

usage: scripts/tests/test_audit.py

What is a user and what its key is; that a moved line does not matter and a
changed one does; each error by name; that what is committed is read, and not the
work tree; and that the project's own audit file parses.
Exit code: 0 all as expected, 1 otherwise.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

HERE = Path(__file__).resolve().parent
from gates import users     # noqa: E402  pylint: disable=wrong-import-position

# every way to be a user, and what only looks like one
SOURCE = r'''
/* PageReserved(page) in a comment */
// SetPageReserved(page)
enum pageflags {
	PG_locked,
	PG_reserved,	/* the bit */
};
PAGEFLAG(Reserved, reserved, PF_NO_COMPOUND)
	__SETPAGEFLAG(Reserved, reserved, PF_NO_COMPOUND)
#define MASK	(1UL << PG_locked | \
		 1UL << PG_reserved)
#define BOTH(p)	(PageReserved(p) || (p)->flags & 1 << PG_reserved)
#ifdef CONFIG_A
static inline bool two_heads(struct page *page) {
#else
static inline bool two_heads(struct page *page, int (*fn)(int)) {
#endif
	return PageReserved(page);
}
__printf(1, 2) void attributed(const char *fmt, ...) __releases(lock)
{
	pr_info("PageReserved(%p) said \"}\" {", fmt);
	for (i = 0; i < 3; i++)
		SetPageReserved(page +
				i);	/* two lines */
	if (folio_test_reserved(folio) || x == '{') {
		ClearPageReserved(page);
		ClearPageReserved(page);
	}
}
SYSCALL_DEFINE3(mbind, unsigned long, start)
{
#if 0
	if (a) {
#else
	if (b) {
#endif
		u |= kpf_copy_bit(k, KPF_RESERVED, PG_reserved);
	}
	page->flags &= ~PAGE_FLAGS_CHECK_AT_PREP;
	MyPageReservedThing(page);
	PageReservation(page);
	free_reserved_area(a, b);
}
static const struct ops ops = {
	.is = PageReserved,
};
'''
USERS = '''\
mm/a.c -: PG_reserved,
mm/a.c -: PAGEFLAG(Reserved, reserved, PF_NO_COMPOUND)
mm/a.c -: __SETPAGEFLAG(Reserved, reserved, PF_NO_COMPOUND)
mm/a.c MASK: 1UL << PG_reserved)
mm/a.c BOTH: #define BOTH(p) (PageReserved(p) || (p)->flags & 1 << PG_reserved)
mm/a.c two_heads: return PageReserved(page);
mm/a.c attributed: for (i = 0; i < 3; i++) SetPageReserved(page + i);
mm/a.c attributed: if (folio_test_reserved(folio) || x == '{')
mm/a.c attributed: ClearPageReserved(page);
mm/a.c attributed: ClearPageReserved(page); #2
mm/a.c SYSCALL_DEFINE3_mbind: u |= kpf_copy_bit(k, KPF_RESERVED, PG_reserved);
mm/a.c SYSCALL_DEFINE3_mbind: page->flags &= ~PAGE_FLAGS_CHECK_AT_PREP;
mm/a.c SYSCALL_DEFINE3_mbind: MyPageReservedThing(page);
mm/a.c -: .is = PageReserved,'''.splitlines()

HEADS = "mm/a.c two_heads: return PageReserved(page);"

SMALL = "int f(struct page *page)\n{\n\tif (PageReserved(page))\n\t\treturn 1;\n\treturn 0;\n}\n"
KEY = "mm/b.c f: if (PageReserved(page)) return 1;"
CHANGED = SMALL.replace("(page))\n", "(page) || is_zone_device_page(page))\n")
CHANGED_KEY = "mm/b.c f: if (PageReserved(page) || is_zone_device_page(page)) return 1;"
PATCH = """From 1 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Subject: [PATCH] mm/b: ask for a device
 page, too

diff --git a/{path} b/{path}
--- a/{path}
"""


class Fake:
    """A pin with a tree of two branches and a series of one patch."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.tree = folder / "build/v0/linux"
        self.env = {"PIN": "v0", "BUILD": str(folder / "build"),
                    "SERIES_DIR": str(folder / "series"), "PATCHES_DIR": str(folder / "patches")}
        for path in (self.tree, folder / "series/v0", folder / "patches/v0"):
            path.mkdir(parents=True)
        (folder / "series/v0/base").write_text("tag = v0\n")
        (folder / "series/v0/series").write_text("# tests\n0001-b.patch\n")
        self.patch("mm/b.c")
        self.git("init", "-q", "-b", "base")
        self.write("mm/b.c", SMALL)
        self.write("Documentation/flags.rst", "PageReserved() is PG_reserved\n")
        self.commit()
        self.git("checkout", "-q", "-b", "series")

    def git(self, *words) -> None:
        """git in the tree."""
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        subprocess.run(["git", "-C", self.tree, "-c", "user.name=a", "-c", "user.email=a@b",
                        *words], check=True, env=env | {"GIT_CONFIG_GLOBAL": "/dev/null"})

    def write(self, path: str, text: str) -> None:
        """One file of the work tree."""
        (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / path).write_text(text)

    def commit(self, **files) -> None:
        """The work tree becomes a commit; b= is the text of mm/b.c."""
        if "b" in files:
            self.write("mm/b.c", files["b"])
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")

    def patch(self, path: str) -> None:
        """The patch of the series touches path."""
        (self.folder / "patches/v0/0001-b.patch").write_text(PATCH.format(path=path))

    def run(self, lines: list[str]):
        """The audit with these lines as the audit file."""
        (self.folder / "series/v0/audit").write_text("# why\n" + "".join(f"{x}\n" for x in lines))
        return program.run("audit", env=self.env)


def keys() -> list[str]:
    """What is wrong with the users found in SOURCE."""
    found = users.find_all({"mm/a.c": SOURCE})
    wrong = [f"not found: {key}" for key in USERS if key not in found]
    wrong += [f"found: {key}" for key in found if key not in USERS]
    line = SOURCE[:SOURCE.index("return PageReserved")].count("\n") + 1
    if HEADS in found and found[HEADS].line != line:
        wrong.append(f"{HEADS} is in line {found[HEADS].line}")
    moved = users.find_all({"mm/a.c": "int x;\n\n" + SOURCE.replace("\tfor (i", "\n\n\tfor  (i")})
    if moved.keys() != found.keys():
        wrong.append("a moved line is another key")
    long = users.squeeze("f(" + "x" * 200 + ");")
    if len(long) > users.LONG or long == users.squeeze("f(" + "x" * 201 + ");"):
        wrong.append(f"a long statement: {long}")
    missed = [word for word in users.WORDS
              if not re.search(users.USER, word.replace("_AT_", "_AT_FREE"))]
    return wrong + [f"git grep looks for what is no user: {word}" for word in missed]


def runs(fake: Fake) -> list[str]:
    """What is wrong with the errors, one run after the other on a growing tree."""
    wrong = []

    def expect(what: str, code: int, error: str, lines: list[str]) -> None:
        done = fake.run(lines)
        said = done.stderr.rstrip("\n").split("\n") if done.stderr else []
        if done.returncode != code or len(said) != bool(error) or error not in done.stderr:
            wrong.append(f"{what}: {done.returncode} {done.stdout}{done.stderr}")

    safe = f"{KEY} => safe: why"
    patched = f'{KEY} => patched "device page": why'
    also = f'{CHANGED_KEY} => patched "DEVICE PAGE"'
    expect("all reviewed", 0, "", [safe])
    expect("patched", 0, "", [patched])
    expect("no audit line", 1, f"mm/b.c:3: unreviewed user in base; review it and add to "
           f"series/v0/audit: {KEY} => safe: <why>", [])
    expect("stale", 1, "series/v0/audit:3: stale, no tree has this user: mm/b.c f: x",
           [safe, "mm/b.c f: x => safe: why"])
    expect("not in the series", 1, "series/v0/audit:2: 'no such' is not in the series",
           [f'{KEY} => patched "no such"'])
    expect("one of two not in the series", 1, "'no such' is not in the series",
           [f'{KEY} => patched "device page", "no such": why'])
    fake.patch("mm/c.c")
    expect("touches another file", 1, "series/v0/audit:2: 'mm/b: ask for a device page, too' "
           "does not touch mm/b.c", [patched])
    fake.patch("mm/b.c")
    expect("twice", 1, "series/v0/audit:3: the user of line 2 again", [safe, safe])
    for verdict in ("fine: why", "safe", "safe:", "safe: ", "patched mempolicy", 'patched ""'):
        done = fake.run([f"{KEY} => {verdict}"])
        if done.returncode != 1 or "series/v0/audit:2: not 'path function" not in done.stderr:
            wrong.append(f"verdict {verdict}: {done.returncode} {done.stderr}")
    # the series moves the line, then changes it
    fake.commit(b="int x;\n\n\n" + SMALL)
    expect("moved", 0, "", [safe])
    fake.commit(b=CHANGED)
    expect("changed", 1, f"mm/b.c:3: unreviewed user in series; review it and add to "
           f"series/v0/audit: {CHANGED_KEY} =>", [patched])
    expect("changed and reviewed", 0, "", [patched, also])
    expect("removed but safe", 1, "series/v0/audit:2: the series removes or changes this user, "
           f"the verdict must be 'patched': {KEY}", [safe, also])
    expect("added but safe", 1, "series/v0/audit:3: the series adds this user",
           [patched, f"{CHANGED_KEY} => safe: why"])
    # an uncommitted user does not count
    fake.write("mm/new.c", "void g(void)\n{\n\tSetPageReserved(p);\n}\n")
    fake.write("mm/b.c", "")
    expect("dirty tree", 0, "", [patched, also])
    (fake.folder / "patches/v0/0001-b.patch").unlink()
    expect("no such patch", 2, "0001-b.patch, which cannot be read", [patched])
    return wrong


def own() -> list[str]:
    """Lines of the project's audit files that do not parse."""
    wrong = []
    for path in sorted(HERE.parents[1].glob("series/*/audit")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            verdict = line.partition(" => ")[2]
            good = verdict.startswith(("safe: ", "blind: ", 'patched "'))
            if line and line[0] != "#" and not good:
                wrong.append(f"{path}:{number}: {line}")
    return wrong


def main() -> list[str]:
    """What is wrong."""
    wrong = keys() + own()
    with tempfile.TemporaryDirectory() as folder:
        wrong += runs(Fake(Path(folder)))
    return wrong


if __name__ == "__main__":
    program.end(main())
