#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What kcidb writes: every result with its status, and nothing that the schema does not allow.

fixtures/kcidb-schema.json says what of KCIDB 5.3 is used, in our words.
Exit code: 0 all as it should be, 1 otherwise.
"""
import collections
import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
import test_compare as tables   # noqa: E402

SCHEMA = tables.HERE / "fixtures/kcidb-schema.json"
MATRIX = {"place": "v5.10.223/default", "cases": {"one": "", "two": "t.a", "three": "", "four": "", "five": ""}, "built": {}, "variants": {
    "base": {"one": {"verdict": "pass", "seconds": 3.5}, "three": {"verdict": "lost", "seconds": 2, "console": "oops\0" + "x" * 20000},
             "two": {"verdict": "fail", "failed": ["t.a"], "seconds": 1, "tests": [
                 {"name": "t.a", "status": "fail", "detail": "bad\nworse"}, {"name": "t.a", "status": "fail", "detail": ""}, {"name": "t.b c/d", "status": "skip", "detail": ""}]}},
    "series": {"one": {"verdict": "skip", "seconds": 1}, "two": {"verdict": "timeout", "seconds": 1}, "three": {"verdict": "broken", "seconds": 1},
               "four": {"verdict": "pass", "seconds": 1, "mem": "2G"}}}}


def main() -> list[str]:
    """What is wrong."""
    wrong: list[str] = []
    tables.META["started"] = "2026-11-29T13:14:55+00:00"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        place = tables.lay_out(json.loads(json.dumps(MATRIX)), root)
        env = tables.environment(place, KCIDB_SCHEMA=str(SCHEMA))

        def run(code: int, text: str, **more) -> None:
            done = program.run("kcidb", cwd=root, env={**env, **more})
            if done.returncode != code or text not in done.stdout + done.stderr or (done.stdout + done.stderr).count("\n") != 1:
                wrong.append(f"{more}: {done}")
        run(0, "kcidb.json: 2 checkouts, 2 builds, 12 tests; complies with ")
        data = json.loads((root / "results/v5.10.223/kcidb.json").read_text())
        by_variant = collections.defaultdict(dict)
        for test in data["tests"]:
            by_variant["series" if "-series-" in test["build_id"] else "base"][test["path"]] = test["status"]
        # four is stale on series: the case has changed since
        wanted = {"base": {"memmap.one": "PASS", "memmap.two": "FAIL", "memmap.two.t.a": "FAIL", "memmap.two.t.b_c_d": "SKIP",
                           "memmap.three": "FAIL", "memmap.four": "MISS", "memmap.five": "MISS"},
                  "series": {"memmap.one": "SKIP", "memmap.two": "FAIL", "memmap.three": "ERROR", "memmap.five": "MISS"}}
        if by_variant != wanted:
            wrong.append(f"statuses: {dict(by_variant)}")
        if len({test["id"] for test in data["tests"]}) != len(data["tests"]):
            wrong.append("an id is there twice")
        expected = {test["path"]: test["misc"]["expected"] for test in data["tests"] if "expected" in test["misc"]
                    and "-base-" in test["build_id"]}
        if not expected["memmap.two"] or expected["memmap.three"]:
            wrong.append(f"as expected: {expected}")
        if {tree["id"].rpartition("-")[2]: tree["comment"] for tree in data["checkouts"]} != {
                "b" * 40: "v5.10.223 with the patches that are tests", "5" * 40: "v5.10.223 with all patches"}:
            wrong.append(f"checkouts: {data['checkouts']}")
        lost = next(test for test in data["tests"] if test["path"] == "memmap.three" and test["status"] == "FAIL")
        if lost["log_excerpt"] != "x" * 16384 or lost["start_time"] != tables.META["started"]:
            wrong.append(f"a guest that died: {lost['log_excerpt'][:9]} {lost['start_time']}")
        run(2, "KCIDB_ORIGIN=A is not a name of small letters", KCIDB_ORIGIN="A")
        run(2, "KCIDB_SCHEMA=nosuch: ", KCIDB_SCHEMA="nosuch")
        run(125, "no results in ", RESULTS=str(root / "nowhere"))
        # a result of another kernel is of another checkout, and one that does not say when it began has no date
        other = place / "base/one/verdict.json"
        text = json.loads(other.read_text())
        del text["meta"]["started"]
        text["meta"]["kernel"] = "e" * 40
        other.write_text(json.dumps(text))
        run(0, "3 checkouts, 3 builds, 12 tests; complies with ")
        # what the schema does not allow is found, dates included
        for verdict in place.glob("series/two/verdict.json"):
            text = verdict.read_text()
            verdict.write_text(text.replace("2026-11-29T13:14:55+00:00", "yesterday"))
            run(1, "start_time: 'yesterday' is not a 'date-time'")
            verdict.write_text(text)
        strict = json.loads(SCHEMA.read_text())
        strict["properties"]["builds"]["items"]["properties"]["config_name"] = {"const": "kasan"}
        (root / "strict.json").write_text(json.dumps(strict))
        run(1, "builds/0/config_name: 'kasan' was expected", KCIDB_SCHEMA=str(root / "strict.json"))
    return wrong


if __name__ == "__main__":
    program.end(main())
