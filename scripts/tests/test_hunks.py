#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""hunk.py: what the hunks of a patch are, and the patch without one of them."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
from series.hunk import cut, parts     # noqa: E402

PATCH = """Subject: x

---
 2 files changed

diff --git a/mm/a.c b/mm/a.c
index 1..2 100644
--- a/mm/a.c
+++ b/mm/a.c
@@ -1,2 +1,2 @@ int f(void)
-one
+two
 three
@@ -9,2 +9,2 @@
-/* old words */
+/* new words */
 four
diff --git a/Documentation/b.rst b/Documentation/b.rst
index 1..2 100644
--- a/Documentation/b.rst
+++ b/Documentation/b.rst
@@ -1 +1 @@
-a
+b
diff --git a/mm/Kconfig b/mm/Kconfig
index 1..2 100644
--- a/mm/Kconfig
+++ b/mm/Kconfig
@@ -1 +1,2 @@
 config A
+	select B
-- 
2.39.0
"""


def main() -> list[str]:
    """What is wrong."""
    wrong = []
    head, files, tail = parts(PATCH)
    every = [part for _, found in files for part in found]
    if [part.is_code() for part in every] != [True, False, False, True]:
        wrong.append(f"is_code: {[part.is_code() for part in every]}")
    if [part.where for part in every] != ["int f(void)", "", "", ""]:
        wrong.append(f"where: {[part.where for part in every]}")
    if len({part.id for part in every}) != 4:
        wrong.append("two hunks have one id")
    if head + "".join(header + "".join(part.text for part in found) for header, found in files) + tail != PATCH:
        wrong.append("the parts are not the whole")
    less = cut(PATCH, 1, False)
    if "+two" in less or "new words" not in less or "select B" not in less or not less.endswith("2.39.0\n"):
        wrong.append(f"without 1: {less}")
    if "b.rst" in cut(PATCH, 3, False):
        wrong.append("a file without a hunk is left")
    only = cut(PATCH, 4, True)
    if "a.c" in only.partition("diff --git")[2] or "select B" not in only:
        wrong.append(f"only 4: {only}")
    for number in (0, 5):
        try:
            cut(PATCH, number, False)
            wrong.append(f"hunk {number} was found")
        except ValueError:
            pass
    return wrong


if __name__ == "__main__":
    program.end(main())
