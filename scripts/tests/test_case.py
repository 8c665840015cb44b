#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Read the case files below scripts/tests/fixtures/case.

usage: scripts/tests/test_case.py

good/ has to parse, and everything.conf into just what is written down here;
bad/expected has the line and the error that each file in bad/ has to end with.
The cases of the project have to parse, too, and to run all test programs of the pin.
Exit code: 0 all as expected, 1 otherwise.
"""
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures/case"
EVERYTHING = {
    "name": "everything", "arch": "x86_64", "claim": "every key, and what may repeat does",
    "machine": "q35,nvdimm=on", "mem": "4000M,slots=4,maxmem=16G", "cpus": 2,
    "timeout": 60, "append": ["memmap=1G!4G", 'note="a = b"'],
    "devices": ["-object memory-backend-file,id=nv,mem-path={out}/nv.img,size=1G",
                "-device 'nvdimm,memdev=nv,label-size=128K'",
                "-device virtio-mem-pci,memdev=vm,id=vm0,block-size=4M -device virtio-balloon,id=b.0"],
    "boots": 2, "panics": "sysrq.* crash", "allows": ["^WARNING: .* at mm/", "^Oops"],
    "group": ["quick"], "flavours": ["default", "kasan"],
    "pins": ["v5.10", "v7"],
    "may_skip": {"memmap_x.*": "no reason", "whole": "why not"},
    "tests": "memmap_zones memmap_dimm,boot,0x180000000,0x40000000 kunit,memremap",
    "hotplug": {"dimm0": "1G", "dimm1": "512M"}, "nodes": {"dimm1": 1}, "files": {"nv.img": "1G"},
    "base_fails": ["memmap_dimm.going_online", "power-off", "console",
                   "memremap.sub.one"], "base_dies": "",
    "set_fails": {"mm": ["one", "two.three"], "vfio": ["console"]}, "report": "a-bug"}
PROGRAMS = [["memmap_zones"], ["memmap_dimm", "boot", "0x180000000", "0x40000000"],
            ["kunit", "memremap"]]


def good() -> list[str]:
    """What parses wrongly, or not at all."""
    from guests import case as module
    import settings
    os.environ["CONFIGS"] = str(FIXTURES / "good")
    case = module.load(FIXTURES / "good/everything.conf", pin="v5.10.223")
    wrong = [f"everything.conf: {key} is {vars(case).get(key)}"
             for key in EVERYTHING | vars(case)
             if vars(case).get(key) != EVERYTHING.get(key)]
    special = module.load(FIXTURES / "good/everything.conf", flavour="kasan", pin="v5.10.223").base_fails
    if special != ["console"]:
        wrong.append(f"everything.conf: base_fails of kasan is {special}")
    for pin, flavour, want in (("v7.3.4", "", ["one"]), ("v7.3.4", "default", ["one"]),
                               ("v7.3.4", "kasan", []), ("v7.4", "kasan", ["console"])):
        special = module.load(FIXTURES / "good/everything.conf", flavour=flavour, pin=pin).base_fails
        if special != want:
            wrong.append(f"everything.conf: base_fails of {pin} {flavour} is {special}")
    case = module.load(FIXTURES / "good/everything.conf", pin="v7.3.4")
    if (case.tests, case.append[2:], case.devices[-1:], len(case.may_skip)) != ("one two", ["only=here"], ["-device too"], 3):
        wrong.append(f"everything.conf: on v7.3.4 {case.tests}, {case.append}, {case.devices}")
    case = module.load(FIXTURES / "good/everything.conf", pin="v5.10.223")
    names = [found.name for found in module.find(pin="v7.4")]
    if names != ["minimal"]:
        wrong.append(f"find() for v7.4 found {names}")
    if case.programs() != PROGRAMS:
        wrong.append(f"everything.conf: programs() is {case.programs()}")
    names = [found.name for found in module.find("min* no*")]
    if names != ["minimal"]:
        wrong.append(f"find() found {names}")
    for flavour, want in {"": ["everything", "minimal"], "kasan": ["everything", "minimal"],
                          "slow": ["minimal"], "few": []}.items():
        names = [found.name for found in module.find(flavour=flavour)]
        if names != want:
            wrong.append(f"find() in flavour '{flavour}' found {names}")
    names = [found.name for found in module.find(arch="ppc64le")]
    if names != ["other"]:
        wrong.append(f"find() for ppc64le found {names}")
    if [settings.parted(settings.label_of("kasan", arch)) for arch in ("x86_64", "ppc64le")] != \
            [("kasan", "x86_64"), ("kasan", "ppc64le")] or settings.label_of("kasan", "x86_64") != "kasan":
        wrong.append("label_of() and parted() do not agree")
    try:
        wrong.append(f"an empty file: {module.load(Path('/dev/null'))}")
    except module.CaseError:
        pass
    del os.environ["CONFIGS"]
    settings.get.cache_clear()
    try:
        for arch in ("x86_64", "ppc64le"):
            if not module.find(arch=arch):
                wrong.append(f"the project has no case for {arch}")
    except module.CaseError as err:
        wrong.append(str(err))
    return wrong


def listed() -> list[str]:
    """What `list` prints wrongly."""
    good_cases = {"CONFIGS": str(FIXTURES / "good")}

    def run(*words, **env):
        return program.run("list", *words, env=good_cases | env)
    both = ("everything  quick  every key, and what may repeat does\n"
            "minimal            only what is required\n")
    wrong = []
    absent = "\nWhat no case shows:\nsomething: why\n"
    if (done := run()).stdout != both + absent or done.returncode:
        wrong.append(f"list: {done}")
    if (done := run("min*")).stdout != "minimal  only what is required\n":
        wrong.append(f"list min*: {done}")
    if (done := run("@quick")).stdout != both.splitlines(True)[0]:
        wrong.append(f"list @quick: {done}")
    if (done := run("@quick min*")).stdout != both:
        wrong.append(f"list @quick min*: {done}")
    if (done := run(ARCH="ppc64le")).stdout != "other  of another architecture\n" + absent:
        wrong.append(f"list with ARCH: {done}")
    if (done := run("@slow")).returncode != 2:
        wrong.append(f"list @slow: {done}")
    if (done := run("x")).returncode != 2 or done.stderr.count("\n") != 1:
        wrong.append(f"list x: {done}")
    return wrong


def bad(line: str) -> str:
    """What is wrong with the error about one bad file."""
    name, _, error = line.partition(":")
    done = program.run("list", name, env={"CONFIGS": str(FIXTURES / "bad")})
    want = f"list: scripts/tests/fixtures/case/bad/{name}.conf:{error}\n"
    if done.returncode == 2 and done.stderr == want and not done.stdout:
        return ""
    return f"{name}: {done.returncode} {done.stdout}{done.stderr}"


def unused() -> list[str]:
    """Test programs that no case runs on any pin."""
    from guests.case import find, short_names
    from settings import ROOT
    run = {argv[0] for pin in short_names(ROOT / "qemu-configs") for case in find(arch="", pin=pin) for argv in case.programs()}
    return [f"{path.stem}: no case runs it" for path in (ROOT / "selftests").rglob("memmap_*.c")
            if path.stem not in run and "int main(" in path.read_text()]


def pins() -> list[str]:
    """A pin is known by its own name, and by those of the pins that it is like; it may have few cases."""
    from guests.case import find, load
    from settings import get
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        configs = Path(name).resolve() / "configs"
        configs.mkdir()
        for pin, text in (("v6.1.9", "short = v6.1 v7\ncases = o* x\n"), ("v7.1", "short = v7\n"), ("v5.10.1", "short = v5.10\n")):
            (configs.parent / "series" / pin).mkdir(parents=True)
            (configs.parent / "series" / pin / "base").write_text(text)
        head = "# x\nmachine = q35\nmem = 1G\ntests = t\ntimeout = 9\nbase_fails = t.a\nbase_fails.v7 = t.b\nappend.v7 = seven\n"
        (configs / "one.conf").write_text(head + "base_fails.v6.1 = t.c\npins = v7\n")
        (configs / "other.conf").write_text(head + "append.v6.1 = six\nbase_fails.v7.kasan = t.d\n")
        (configs / "third.conf").write_text(head)
        for case, pin, flavour, fails, append in (
                ("one", "v6.1.9", "", "t.c", "seven"), ("one", "v7.1", "", "t.b", "seven"), ("one", "v5.10.1", "", "t.a", ""),
                ("other", "v6.1.9", "", "t.b", "six"), ("other", "v6.1.9", "kasan", "t.d", "six")):
            got = load(configs / f"{case}.conf", flavour=flavour, pin=pin)
            if (" ".join(got.base_fails), " ".join(got.append)) != (fails, append):
                wrong.append(f"{case} on {pin} {flavour}: {got.base_fails} {got.append}")
        get().configs = configs
        for pin, names in (("v6.1.9", ["one", "other"]), ("v7.1", ["one", "other", "third"]), ("v5.10.1", ["other", "third"])):
            if (got := [case.name for case in find("*", pin=pin)]) != names:
                wrong.append(f"the cases of {pin} are {got}")
    return wrong


def main() -> list[str]:
    """What is wrong."""
    lines = [line for line in (FIXTURES / "bad/expected").read_text().splitlines()
             if not line.startswith("#")]
    wrong = [what for line in lines if (what := bad(line))]
    wrong += good() + listed() + unused()
    unnamed = ({path.stem for path in FIXTURES.glob("bad/*.conf")}
               - {line.partition(":")[0] for line in lines})
    wrong += [f"{name}.conf: not in bad/expected" for name in sorted(unnamed)]
    return wrong + pins()   # last: what it imports has other settings then


if __name__ == "__main__":
    program.end(main())
