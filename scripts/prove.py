#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Show that every patch is needed: the series without it fails what it should.

usage: prove.py [--check] [PATCH...]

Each line of series/PIN/series, but those of the tests, says behind the name
what is seen without that patch:

    0008-x.patch  # cases: q35-vfio-*      each of these cases fails
    0004-y.patch  # needed by: z           z does not apply or build (no numbers)
    0011-w.patch  # not shown: why         and why it can't be, on these machines

For each patch (or those named, by a part of their names) the series without it
is built (drop.sh, kernel.sh, initramfs.sh) and its cases are run. A case counts
when a test of it fails or the guest dies, and the series passes it; a timeout
proves nothing. A patch is done once until another patch, a case or the way to
build and judge changes, so an interrupted run goes on where it was. --check only
reads the series. Writes results/PIN/prove.txt and .json, and when all is shown
the table to series/PIN/proof, for readers.
Environment: PIN FLAVOUR JOBS ACCEL BUILD RESULTS, FORCE=1 (all anew).
Exit code: 0 all shown or said why not, 1 not, 2 bad input, 125 not judged.
"""
import argparse
import fnmatch
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import case as cases
from rows import clean, load

ENV = os.environ
ROOT = cases.ROOT
PIN = ENV.get("PIN") or "v5.10.223"
FLAVOUR = ENV.get("FLAVOUR") or "default"
BUILD = Path(ENV.get("BUILD") or ROOT / "build").absolute()
RESULTS = Path(ENV.get("RESULTS") or ROOT / "results").absolute()
SERIES = Path(ENV.get("SERIES_DIR") or ROOT / "series") / PIN
PATCHES = Path(ENV.get("PATCHES_DIR") or ROOT / "patches") / PIN
PLACE = RESULTS / PIN / FLAVOUR
BEGIN = int(ENV.setdefault("STARTED", str(int(time.time()))))
CLAIM = re.compile(r"#\s*(cases|needed by|not shown):\s*(\S.*?)\s*$")
STALL = re.compile(r"\bstall|soft lockup|clocksource|hung_task|blocked for more", re.IGNORECASE)
# what a result depends on, besides patches and cases
HARNESS = ("scripts/judge.py scripts/ktap.py scripts/splat.py selftests/init.c selftests/config "
           "kunit/kunitconfig qemu-configs/splat.* qemu-configs/arch/* qemu-configs/kernel/*.config "
           f"qemu-configs/kernel/flavour/{FLAVOUR}.config series/{PIN}/base").split()


class Unjudged(Exception):
    """Something that says nothing about the patch went wrong."""


@dataclass
class Proof:
    """A patch, what its line claims, and what was seen."""
    patch: str
    kind: str
    claim: str
    cases: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)   # lines of the table
    failed: dict[str, list[str]] = field(default_factory=dict)
    problem: str = ""
    seconds: float = 0.0
    key: str = ""           # what is quick to tell: patches, case files, tools
    content: str = ""       # the kernel source that was built, and the same

    @property
    def slug(self) -> str:
        """The name that a new place in the series does not change."""
        return slug(self.patch)

    @property
    def stored(self) -> Path:
        """Where the proof is kept."""
        return PLACE / "drop" / self.slug / "proof.json"

    def words(self) -> str:
        """The last column."""
        if self.problem:
            return f"NO: {self.problem}"
        return {"cases": "yes", "needed by": "yes, to build", "not shown": "not shown"}[self.kind]


def slug(patch: str) -> str:
    """A patch's name without number and suffix."""
    return re.sub(r"^\d+-|\.patch$", "", patch)


def say(text: str) -> None:
    """Progress, in the form that all scripts have."""
    print(f"[{time.time() - BEGIN:4.0f} s] prove: {text}", flush=True)


def read_series(known: list[str]) -> tuple[list[str], list[Proof], list[str]]:
    """All patches in order, the claims, and what is wrong with the claims."""
    patches, proofs, wrong, group = [], [], [], ""
    for line in (SERIES / "series").read_text().splitlines():
        head = re.fullmatch(r"# *(tests|preparation|the flip|after)[ :]*", line)
        group = head[1] if head else group
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        patch, _, rest = line.strip().partition(" ")
        patches.append(patch)
        if group == "tests":
            continue
        found = CLAIM.search(rest)
        if not found:
            wrong.append(f"{patch} says nothing; append '# cases: ...', '# needed by: ...' or '# not shown: why'")
            continue
        proof = Proof(patch, found[1], found[2])
        proofs.append(proof)
        if proof.kind == "cases":
            for word in proof.claim.split():
                match = [name for name in known if fnmatch.fnmatchcase(name, word)]
                proof.cases += [name for name in match if name not in proof.cases]
                if not match:
                    wrong.append(f"{patch}: no case matches '{word}'; run: scripts/case.py list")
    for proof in proofs:
        later = [slug(p) for p in patches[patches.index(proof.patch) + 1:]]
        if proof.kind == "needed by" and proof.claim not in later:
            wrong.append(f"{proof.patch}: no patch after it is '{proof.claim}'")
    slugs = [proof.slug for proof in proofs]
    for undo in sorted((SERIES / "drop").glob("*")):
        if undo.name.removesuffix(".patch") not in slugs:
            wrong.append(f"drop/{undo.name} is for no patch of the series")
    return patches, proofs, wrong


def keys(proof: Proof, patches: list[str], tools_id: str) -> tuple[str, str]:
    """What the proof depends on, with and without the other patches. Of these
    only the changes: a new changelog shows nothing new."""
    digest = hashlib.sha256(json.dumps([proof.kind, proof.claim, proof.cases, tools_id]).encode())
    for name in proof.cases:
        digest.update((cases.CONFIGS / f"{name}.conf").read_bytes())
    without_patches = digest.hexdigest()
    undo = SERIES / "drop" / f"{proof.slug}.patch"
    digest.update(undo.read_bytes() if undo.exists() else b"")
    for patch in patches:
        if patch != proof.patch or undo.exists():
            text = (PATCHES / patch).read_bytes()
            digest.update(text[text.find(b"\ndiff --git "):])
    return digest.hexdigest(), without_patches


def tools() -> str:
    """One id for everything that builds, runs and judges."""
    digest = hashlib.sha256()
    for pattern in HARNESS:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    qemu = ENV.get("QEMU") or "qemu-system-x86_64"
    for program in ("gcc", qemu):
        if shutil.which(program):
            digest.update(subprocess.run([program, "--version"], capture_output=True, check=False).stdout)
    return digest.hexdigest() + (ENV.get("ACCEL") or "")


def run(*command: str) -> tuple[int, str]:
    """Run a script of ours; its exit code and the last line that it said about an error."""
    with subprocess.Popen([str(ROOT / "scripts" / command[0]), *command[1:]],
                          stderr=subprocess.PIPE, text=True) as process:
        try:
            text = process.communicate()[1]
        except BaseException:   # let it end what it has started, then end
            process.terminate()
            process.wait()
            raise
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    if process.returncode not in (0, 1):
        raise Unjudged(lines[-1] or f"{command[0]} ended with {process.returncode}")
    return process.returncode, lines[-1].partition(": ")[2]


def blames(error: str, patch: str) -> bool:
    """Is the build error about a file, or a name, of that patch?"""
    text = (PATCHES / patch).read_text(errors="replace")
    added = "".join(line for line in text.splitlines(True) if line.startswith("+"))
    names = re.findall(r"[‘'`\"](\w+)[’'\"]", error)
    return any(re.search(rf"\b{name}\b", added) for name in names) or any(
        f" b/{path}\n" in text for path in re.findall(r"[\w./-]+\.[chS]\b", error))


def build_error() -> str:
    """The first error of the build that failed."""
    log = (BUILD / PIN / "drop" / f"build-{FLAVOUR}" / "build.log").read_text(errors="replace")
    found = re.search(r"^.*(?:error: |ERROR: |undefined reference).*$", log, re.MULTILINE | re.IGNORECASE)
    text = found[0] if found else log.strip().rpartition("\n")[2]
    return clean(text.replace(f"{BUILD / PIN / 'drop' / 'linux'}/", "").replace("../", "")
                 .replace("‘", "'").replace("’", "'"))


def without(proof: Proof, patches: list[str]) -> None:
    """Drop the patch, build, run its cases; fills in what was seen."""
    variant = f"drop/{proof.slug}"
    code, text = run("drop.sh", variant)
    culprit, what = text.partition(" does not apply without ")[0], text.rpartition(": ")[2]
    if code:
        proof.seen = [f"does not apply: {slug(culprit)} ({what})"]
    else:
        tree = subprocess.run(["git", "-C", str(BUILD / PIN / "drop" / "linux"), "rev-parse", "HEAD^{tree}"],
                              capture_output=True, text=True, check=True).stdout.strip()
        proof.content = f"{proof.content} {tree}"
        if restore(proof, "content"):
            return      # the patches changed, but not what they amount to
        code, text = run("kernel.sh", variant)
        if code and "space" in text:
            raise Unjudged(text)
        if code:
            text = build_error()
            proof.seen = [f"does not build: {text}"]
            culprit = next((p for p in patches if slug(p) == proof.claim and blames(text, p)), "")
    if code:
        if proof.kind != "needed by":
            proof.problem = (f"write the drop as a change on top of the series: series/{PIN}/drop/{proof.slug}.patch"
                             if culprit else "does not build without it; say by whom it is needed")
        elif slug(culprit) != proof.claim:
            proof.problem = f"that is not about {proof.claim}"
        return
    if proof.kind == "needed by":
        proof.seen = ["builds"]
        proof.problem = f"{proof.claim} builds without it"
        return
    code, text = run("initramfs.sh", variant)
    if code:
        raise Unjudged(text)
    run("boot.py", "--variant", variant, "--case", " ".join(proof.cases), "--flavour", FLAVOUR)
    green = []
    for name in proof.cases:
        cell = load(PLACE, variant, name, BUILD)
        if cell.verdict not in ("pass", "fail", "lost", "skip", "timeout"):
            raise Unjudged(f"{name}: {cell.verdict}: {cell.reason}")
        proof.failed[name] = cell.failed
        if cell.failed == ["console"] and STALL.search(cell.reason):
            raise Unjudged(f"{name}: {cell.reason}: that may be a busy machine; run it again")
        if cell.verdict in ("fail", "lost"):
            more = f" and {len(cell.failed) - 1} more" if len(cell.failed) > 1 else ""
            names = cell.failed[0] + more if cell.failed else cell.reason
            proof.seen.append(f"{name}: {cell.verdict} {names}")
        else:
            proof.seen.append(f"{name}: {cell.verdict}" + (f" {cell.reason}" if cell.verdict != "pass" else ""))
            green.append(name)
    if green:
        proof.problem = f"not red: {' '.join(green)}"


def series_passes(names: list[str]) -> None:
    """What is red with the whole series, too, shows nothing."""
    def bad():
        return [name for name in names if load(PLACE, "series", name, BUILD).verdict != "pass"]
    if again := bad():
        run("boot.py", "--variant", "series", "--case", " ".join(again), "--flavour", FLAVOUR)
    if again := bad():
        raise Unjudged(f"the series does not pass {' '.join(again)}; "
                       f"run: make CASE='{' '.join(again)}' VARIANT=series")


def first_line(proof: Proof) -> str:
    """What the table begins a patch's row with."""
    return f"{proof.patch.partition('-')[0]} {textwrap.wrap(proof.slug, 48)[0]}"


def table(proofs: list[Proof]) -> str:
    """What stands in prove.txt."""
    grid = [[["patch"], ["without it"], ["needed"]]]
    for proof in proofs:
        name = textwrap.wrap(proof.slug, 48)
        seen = proof.seen or [proof.claim if proof.kind == "not shown" else "-"]
        grid.append([[first_line(proof), *(f"     {part}" for part in name[1:])],
                     [part for line in seen for part in textwrap.wrap(clean(line), 64, subsequent_indent="  ")],
                     textwrap.wrap(clean(proof.words()), 32, break_on_hyphens=False)])
    widths = [max(len(text) for line in grid for text in line[i]) for i in range(3)]
    rule = "  ".join("-" * width for width in widths)
    out = [f"{PIN} {FLAVOUR}: the series without one patch", "", rule]
    for line in grid:
        for i in range(max(map(len, line))):
            out.append("  ".join((cell[i] if i < len(cell) else "").ljust(width)
                                 for cell, width in zip(line, widths)).rstrip())
        if line is grid[0]:
            out.append(rule)
    bad = sum(1 for proof in proofs if proof.problem)
    kinds = [proof.kind for proof in proofs if not proof.problem]
    return "\n".join([*out, rule, "", f"{kinds.count('cases')} shown by cases, {kinds.count('needed by')} by the build, "
                      f"{kinds.count('not shown')} not shown, {bad} not as the series says", ""])


def write(path: Path, text: str) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".tmp").write_text(text)
    path.with_suffix(".tmp").rename(path)


def restore(proof: Proof, by: str) -> bool:
    """Take over what was seen, when it was seen of the same."""
    try:
        old = json.loads(proof.stored.read_text())
        if old[by] != getattr(proof, by) or ENV.get("FORCE"):
            return False
        for name in ("seen", "failed", "problem", "seconds"):
            setattr(proof, name, old[name])
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False


def last_time(proof: Proof) -> float:
    """How long it took, if it was ever done."""
    try:
        return float(json.loads(proof.stored.read_text())["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def prove(proofs: list[Proof], patches: list[str]) -> None:
    """All that are not proven yet, with an estimate from what the others took."""
    tools_id, todo, took = tools(), [], {}
    for proof in proofs:
        proof.key, proof.content = keys(proof, patches, tools_id)
        if seconds := last_time(proof):
            took[proof.slug] = seconds
        if proof.kind != "not shown" and not restore(proof, "key"):
            todo.append(proof)
    if not todo:
        return
    say(f"{len(todo)} of {len(proofs)} patches to drop")
    if names := sorted({name for proof in todo for name in proof.cases}):
        series_passes(names)
    for i, proof in enumerate(todo, 1):
        built = [took[p.slug] for p in proofs if p.slug in took and p.kind == "cases"]
        mean = sum(built) / len(built) if built else 0
        left = sum(took.get(p.slug, mean) for p in todo[i - 1:])
        say(f"{i}/{len(todo)} without {proof.patch}" + (f"; about {left / 60:.0f} min to go" if left > 90 else
                                                        f"; about {left:.0f} s to go" if left else ""))
        begin = time.time()
        without(proof, patches)
        proof.seconds = proof.seconds or round(time.time() - begin, 1)     # of when it was built
        took[proof.slug] = proof.seconds
        write(proof.stored, json.dumps(asdict(proof), indent=1) + "\n")
        say(f"{i}/{len(todo)} {proof.words()}: {'; '.join(proof.seen)}")


def stale(proofs: list[Proof]) -> list[str]:
    """What is wrong with series/PIN/proof, the table of the last whole run."""
    try:
        found = re.findall(r"^\d{4} \S+", (SERIES / "proof").read_text(), re.MULTILINE)
    except OSError:
        found = []
    want = [first_line(proof) for proof in proofs]
    return [f"proof is of another series (line '{a or b}'); run: make prove"
            for a, b in itertools.zip_longest(want, found) if a != b][:1]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("patch", nargs="*")
    args = parser.parse_args()
    try:
        patches, proofs, wrong = read_series([case.name for case in cases.find()])
    except (OSError, cases.CaseError) as err:
        print(f"prove.py: {err}", file=sys.stderr)
        return 2
    if args.check and not wrong:
        wrong = stale(proofs)
    for line in wrong:
        print(f"prove.py: series/{PIN}/series: {line}", file=sys.stderr)
    if wrong or args.check:
        return (1 if args.check else 2) if wrong else 0
    for word in args.patch:
        if not any(word in proof.patch for proof in proofs):
            print(f"prove.py: no patch '{word}' to drop in series/{PIN}/series", file=sys.stderr)
            return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):   # also where a shell has them ignored
        signal.signal(number, signal.default_int_handler)
    chosen = [p for p in proofs if not args.patch or any(word in p.patch for word in args.patch)]
    try:
        prove(chosen, patches)
    except (Unjudged, OSError) as err:
        print(f"prove.py: {clean(err)}", file=sys.stderr)
        return 125
    except KeyboardInterrupt:
        print("prove.py: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    text = table(chosen)
    if not args.patch:
        name = "prove" if FLAVOUR == "default" else f"prove-{FLAVOUR}"
        write(RESULTS / PIN / f"{name}.txt", text)
        write(RESULTS / PIN / f"{name}.json", json.dumps([asdict(p) for p in proofs], indent=1) + "\n")
        if FLAVOUR == "default" and not any(proof.problem for proof in chosen):
            write(SERIES / "proof", text)
    print(text, end="")
    return 1 if any(proof.problem for proof in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
