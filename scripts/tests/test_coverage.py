#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""coverage.py with a tree of one file, and two runs of it in place of two guests.

usage: scripts/tests/test_coverage.py

Exit code: 0 all as expected, 1 otherwise.
"""
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

BASE = "int main(int c, char **v)\n{\n\treturn 0;\n}\n"
SERIES = """int main(int c, char **v)
{
	if (c > 2)
		c += 1;
	if (c == 2)
		c += 2;
	if (c > 9)
		c += 3;
	return 0;
}
"""


def main() -> list[str]:
    """What is wrong."""
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        tree, out = top / "build/pin/linux", top / "build/pin/series-coverage"
        reasons = top / "series/pin/not-run"
        env = {**os.environ, "PIN": "pin", "BUILD": str(top / "build"), "RESULTS": str(top / "results"), "SERIES_DIR": str(top / "series"),
               "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t", "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t"}

        def do(*words, cwd=tree) -> None:
            subprocess.run(words, cwd=cwd, env=env, check=True, capture_output=True)

        for path in (tree, out, reasons.parent):
            path.mkdir(parents=True)
        (reasons.parent / "base").write_text("tag = pin\n")
        do("git", "init", "-q")
        for text, tag in ((BASE, "pin"), (SERIES, "series")):
            (tree / "f.c").write_text(text)
            (tree / "later.c").write_text(text)
            do("git", "add", ".")
            do("git", "commit", "-qm", tag)
            do("git", "tag", tag)

        def run(*expected) -> None:
            """It has to end with this code, and to say these words."""
            code, *words = expected
            done = program.run("coverage", env=env)
            lacks = [word for word in words if word not in done.stdout + done.stderr]
            if done.returncode != code or lacks:
                wrong.append(f"ended with {done.returncode}, without {lacks}:\n{done.stdout}{done.stderr}")

        run(2, "no coverage.tar", "make coverage")
        do("gcc", "--coverage", "-c", "../linux/f.c", "-o", "f.o", cwd=out)
        do("gcc", "--coverage", "f.o", "-o", "f", cwd=out)
        for case, arguments in (("one", ["1"]), ("two", ["1", "2"])):
            do("./f", *arguments, cwd=out)
            place = top / "results/pin/coverage/series" / case
            place.mkdir(parents=True)
            with tarfile.open(place / "coverage.tar", "w") as archive:
                archive.add(out / "f.gcda", f"./somewhere/{out.name}/f.gcda")
            (out / "f.gcda").unlink()
        # one of another kernel, which gcov would choke on
        place = top / "results/pin/coverage/series/old"
        place.mkdir()
        (place / "coverage.tar").write_bytes(b"no tar")
        (place / "verdict.json").write_text(json.dumps({"verdict": "pass", "reason": "", "failed": [], "tests": [],
                                                        "seconds": 1, "meta": {"kernel": "old"}}))
        (out / "build.json").write_text('{"kernel": "new"}')
        run(1, "1 cases were left out", "2 cases of pin", "5 of 6 run", "f.c:8: c += 3;", "NO REASON", "1 of them without",
            "later.c", "not built for these guests")
        reasons.write_text("# comment\nf.c: c += 3; # never more than nine\n")
        run(0, "never more than nine", "1 lines are not run, 0 of them without")
        reasons.write_text("f.c: c += 3; # never more than nine\nf.c: c += 2; # never\n")
        run(1, "f.c: c += 2;\n    is run now")
        reasons.write_text("f.c c += 3; # never\n")
        run(2, "not-run:1: not 'FILE: SOURCE LINE # reason'")
    return wrong


if __name__ == "__main__":
    program.end(main())
