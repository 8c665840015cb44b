#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compare every matrix below scripts/tests/fixtures/compare.

usage: scripts/tests/test_compare.py [FIXTURE...]

FIXTURE.json says which cases there are, what each variant did, and the exit
code; `junit` has the tests, failures, errors, skipped, and those that failed as
expected, of each variant.
FIXTURE.table is what has to be printed, to the letter.
Exit code: 0 all as expected, 1 otherwise.
"""
import json
import os
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures/compare"
KERNEL = {"base": "b" * 40, "series": "5" * 40}
META = {"accel": "tcg", "accel_reason": "no /dev/kvm",
        "qemu": "QEMU emulator version 7.2.11", "compiler": "gcc 12.2.0", "config": "c" * 64}


def write(path: Path, text: str) -> None:
    """Write text to path, with the folders that takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def lay_out(matrix: dict, root: Path) -> Path:
    """Make the files that matrix stands for; returns the folder of the results."""
    for name, base_fails in matrix["cases"].items():
        write(root / "configs" / f"{name}.conf",
              f"# shows {name}\nmachine = q35\nmem = 1G\ntests = {name}\ntimeout = 9\n"
              + (f"base_dies = {base_fails[4:]}\n" if base_fails.startswith("of: ")
                 else f"base_fails = {base_fails}\n" if base_fails else "")
              + (f"report = {name}\n" if name in matrix.get("reports", []) else ""))
    pin, flavour = matrix["place"].split("/")
    for variant, kernel in matrix["built"].items():
        write(root / "build" / pin / f"{variant}-{flavour}" / "build.json",
              json.dumps({"kernel": kernel, "config": META["config"]}))
        write(root / "build" / pin / f"{variant}-{flavour}" / "guest.sums",
              "".join(f"{digest}  {name}\n" for name, digest in matrix.get("sums", {}).items()))
    place = root / "results" / pin / flavour
    write(root / "series" / pin / "base", "")
    for variant, results in matrix["variants"].items():
        for name, result in results.items():
            target = place / variant / name
            if isinstance(result, str):
                write(target / "verdict.json", result)
                continue
            kernel = result.pop("kernel", KERNEL.get(variant, "d" * 40))
            config = result.pop("config", META["config"])
            sums = result.pop("sums", {})
            for key, file in (("console", "console.log"), ("host", "host.log")):
                write(target / file, result.pop(key, ""))
            ran = (root / "configs" / f"{name}.conf").read_text().replace("shows", "showed")
            write(target / "case.conf", ran.replace("mem = 1G", f"mem = {result.pop('mem', '1G')}"))
            write(target / "verdict.json", json.dumps(
                {"case": name, "variant": variant, "reason": "", "failed": [],
                 "tests": [], "meta": META | {"kernel": kernel, "config": config, "sums": sums}} | result))
    return place


def environment(place: Path, **more) -> dict:
    """Where to look; empty is as good as not set."""
    root = place.parents[2]
    return dict.fromkeys(("CASE", "VARIANT", "NO_COLOR", "ARCH"), "") | {
        "PIN": place.parent.name, "FLAVOUR": place.name, "SERIES_DIR": str(root / "series"),
        "CONFIGS": str(root / "configs"), "BUILD": str(root / "build"), "RESULTS": str(root / "results")} | more


def check(fixture: Path) -> str:
    """What is wrong with the comparison; empty when nothing is."""
    matrix = json.loads(fixture.read_text())
    with tempfile.TemporaryDirectory() as name:
        place = lay_out(matrix, Path(name).resolve())
        done = program.run("compare", cwd=name, env=environment(place, **matrix["env"]))
        if done.returncode != matrix["exit"]:
            return f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        if matrix["exit"] == 2:
            return "" if done.stderr.count("\n") == 1 else f"not one line: {done.stderr}"
        if done.stdout != fixture.with_suffix(".table").read_text():
            return f"printed\n{done.stdout}"
        if done.stdout != (place / "table.txt").read_text():
            return "table.txt is not what was printed"
        counts = {suite.get("name"): [int(suite.get(key)) for key in
                                      ("tests", "failures", "errors", "skipped")]
                  + [len(suite.findall("testcase/system-out"))] for suite in ET.parse(place / "junit.xml").getroot()}
        if counts != matrix["junit"]:
            return f"junit.xml counts {counts}"
    return ""


def colours() -> str:
    """Colours are for terminals, and not when NO_COLOR is set."""
    with tempfile.TemporaryDirectory() as name:
        place = lay_out(json.loads((FIXTURES / "skipped.json").read_text()), Path(name).resolve())
        for setting, wanted in (("", True), ("1", False)):
            try:
                ours, theirs = os.openpty()
            except OSError:     # a chroot without /dev/pts
                return ""
            program.run("compare", cwd=name, stdout=theirs, env=environment(place, NO_COLOR=setting))
            os.close(theirs)
            if (b"\x1b[32myes\x1b[0m" in os.read(ours, 65536)) != wanted:
                return f"NO_COLOR={setting}: colours on a terminal are wrong"
            os.close(ours)
        if "\x1b" in (place / "table.txt").read_text():
            return "table.txt has colours"
    return ""


def main() -> list[str]:
    """What is wrong."""
    chosen = sys.argv[1:]
    fixtures = [path for path in sorted(FIXTURES.glob("*.json"))
                if not chosen or path.stem in chosen]
    wrong = [f"{fixture.stem}: {what}" for fixture in fixtures
             if (what := check(fixture))]
    gone = program.run("compare", env={"RESULTS": "/nonexistent", "CONFIGS": str(HERE / "fixtures/case/good")})
    if gone.returncode != 125 or gone.stderr.count("\n") != 1:
        wrong.append(f"no results: {gone}")
    if what := colours():
        wrong.append(what)
    if not fixtures:
        wrong.append("no fixtures")
    return wrong


if __name__ == "__main__":
    program.end(main())
