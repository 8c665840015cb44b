#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""SHARD=i/n splits the cases, and compare RESULTS='a b c' puts results of several machines together.

    test_shard.py

The matrix is a fixture of test_compare.py, whose results are dealt out to three folders.
Exit code: 0 all as it should be, 1 otherwise.
"""
import json
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402
import test_compare as tables   # noqa: E402

FIXTURE = tables.FIXTURES / "all_expected.json"


def deal(place: Path, folders: list[Path]) -> None:
    """One case after the other to one folder after the other."""
    names = sorted({path.name for path in place.glob("*/*")})
    for number, name in enumerate(names):
        for variant in place.iterdir():
            if (variant / name).is_dir():
                inside = Path(*place.parts[-2:], variant.name, name)
                shutil.copytree(variant / name, folders[number % len(folders)] / inside)


def merged(root: Path, wrong: list[str]) -> None:
    """The table of three machines is that of one; what is in the way is named."""
    place = tables.lay_out(json.loads(FIXTURE.read_text()), root)
    once = program.run("compare", cwd=root, env=tables.environment(place))
    folders = [root / name for name in "abc"]
    deal(place, folders)

    def run(names: str, code: int, text: str) -> str:
        done = program.run("compare", cwd=root, env=tables.environment(place, RESULTS=names))
        if done.returncode != code or text not in done.stdout + done.stderr or done.stderr.count("\n") > 1:
            wrong.append(f"RESULTS={names}: {done}")
        return done.stdout

    def table(text: str) -> str:
        return text[text.index("\n---"):text.index("\naccelerator")]
    if table(run("a b c", once.returncode, f"are in {root}/merged/1")) != table(once.stdout):
        wrong.append("three folders give another table than one")
    if len(list(root.glob("merged/1/*/*/*/*/verdict.json"))) != len(list(place.glob("*/*/verdict.json"))):
        wrong.append("a result is lost")
    run("a b", 125, "no verdict.json")
    run("a b nosuch", 2, "RESULTS: there is no folder nosuch")
    (root / "empty").mkdir()
    run("a b empty", 125, f"{root}/empty has no results of ")
    run("a b c a", 2, f"is in {root}/a and in {root}/a, and ")
    verdict = next(folders[1].glob("*/*/series/*/verdict.json"))
    text = json.loads(verdict.read_text())
    text["meta"]["kernel"] = "e" * 40
    verdict.write_text(json.dumps(text))
    run("a b c", 2, "results of another series: series's kernel is 555555555555 (in ")
    text["meta"] |= {"kernel": tables.KERNEL["series"], "config": "d" * 64}
    verdict.write_text(json.dumps(text))
    run("a b c", 2, "series's configuration is cccccccccccc (in ")
    text["meta"] |= {"config": "c" * 64, "sums": {"memmap_x": "1"}}
    verdict.write_text(json.dumps(text))
    other = next(folders[0].glob("*/*/base/*/verdict.json"))
    more = json.loads(other.read_text())
    more["meta"]["sums"] = {"memmap_x": "2"}
    other.write_text(json.dumps(more))
    run("a b c", 2, "results of another series: memmap_x is 1 (in ")
    more["meta"]["sums"] = {}
    other.write_text(json.dumps(more))
    # what a killed QEMU leaves; and another variant
    left = socket.socket(socket.AF_UNIX)
    os.chdir(other.parent)
    left.bind("qmp.sock")
    os.chdir(root)
    run("a b c", once.returncode, "6 results of 3 folders")
    for folder in folders:
        inside = next(folder.glob("*/*"))
        (inside / "set").mkdir()
        (inside / "series").rename(inside / "set/x")
    done = program.run("compare", cwd=root, env=tables.environment(place, RESULTS="a b c", VARIANT="base set/x"))
    if "6 results of 3 folders" not in done.stdout or "missing" in done.stdout:
        wrong.append(f"a set: {done}")
    # a name with a blank is one folder
    with_blank = root / "with blank"
    shutil.copytree(place.parents[1], with_blank)
    if table(run(str(with_blank), once.returncode, "")) != table(once.stdout):
        wrong.append("a folder with a blank in its name")


def shards(root: Path, wrong: list[str]) -> None:
    """Each case is in one part, parts take about the same time, and stay what they were."""
    place = tables.lay_out(json.loads(FIXTURE.read_text()), root)
    os.environ.update(tables.environment(place, SHARD="2/3"))
    from guests import case, shard
    names = [f"n{number}" for number in range(20)]
    took = {name: float(number + 1) for number, name in enumerate(names)}
    parts = shard.split(took, 4)
    if sorted(sum(parts, [])) != sorted(names):
        wrong.append(f"not every case once: {parts}")
    sums = [sum(took[name] for name in part) for part in parts]
    if max(sums) - min(sums) > max(took.values()) / 4:
        wrong.append(f"parts take {sums}")
    if [len(part) for part in shard.split(dict.fromkeys(names, 1.0), 4)] != [5] * 4:
        wrong.append("cases that take the same are not split by their number")
    cases = case.find("*")
    mine = shard.begin(cases)
    longest = max((shard.seconds(cases)[case.name], case.name) for case in cases)
    if longest != (126.9, "memmap_zones"):
        wrong.append(f"not by stored times: {longest}")
    for path in place.glob("*/*/verdict.json"):     # as running them does
        text = json.loads(path.read_text())
        path.write_text(json.dumps(text | {"seconds": 99 if path.parent.name == mine[0].name else 1}))
    if not mine or len(mine) >= len(cases) or shard.of_stored(cases) != mine:
        wrong.append(f"part 2 of 3 of {len(cases)} cases: {len(mine)}, then {len(shard.of_stored(cases))}")
    # a machine that ran its part alone splits as one that has nothing
    for path in place.glob(f"*/{mine[0].name}"):
        shutil.rmtree(path)
    if set(shard.seconds(cases).values()) != {1.0}:
        wrong.append(f"by the times of a part: {shard.seconds(cases)}")
    env = tables.environment(place, SHARD="2/3")
    other_case = next(case.name for case in cases if case.name != mine[0].name)
    for more, say in (({"SHARD": "1/3"}, "shard-1-of-3; run: make boot SHARD=1/3"),
                      ({"CASE": other_case}, f"which CASE={other_case} has not; run: make boot SHARD=2/3")):
        done = program.run("compare", cwd=root, env={**env, **more})
        if done.returncode != 125 or say not in done.stderr:
            wrong.append(f"{more}: {done}")
    if "part 2 of 3" not in program.run("compare", cwd=root, env=env).stdout:
        wrong.append("a part's table looks like a whole one")
    shard.get().shard = (1, 9)
    try:
        shard.part(cases)
        wrong.append("more parts than cases")
    except SystemExit:
        pass


def main() -> list[str]:
    """What is wrong."""
    wrong: list[str] = []
    for text, say in (("0/4", "is not a part like 2/4"), ("5/4", "there is no such part"), ("2", "is not a part like 2/4")):
        done = program.run("compare", env={"SHARD": text, "CONFIGS": str(tables.HERE / "fixtures/case/good")})
        if done.returncode != 2 or say not in done.stderr or done.stderr.count("\n") != 1:
            wrong.append(f"SHARD={text}: {done}")
    for test in (merged, shards):
        with tempfile.TemporaryDirectory() as name:
            test(Path(name).resolve(), wrong)
    return wrong


if __name__ == "__main__":
    program.end(main())
