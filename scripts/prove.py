#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Show that every patch is needed: the series without it fails what it should.

usage: prove.py [--check] [PATCH...]

Each line of series/PIN/series says behind the name what is seen without that
patch, or that it is a test and of which patches (which come before it):

    0008-x.patch  # cases: q35-vfio-*      each of these cases fails
    0004-y.patch  # needed by: z           z does not apply or build (no numbers)
    0011-w.patch  # not shown: why         and why it can't be, on these machines
    0009-v.patch  # test of: x             is never dropped

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
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import case as cases
from proofs import FLAVOUR, PIN, PLACE, RESULTS, SERIES, Proof, read_series, slug, stale, table, write
from rows import Cell, clean, load, sums_of

ENV = os.environ
ROOT = cases.ROOT
BUILD = Path(ENV.get("BUILD") or ROOT / "build").absolute()
PATCHES = Path(ENV.get("PATCHES_DIR") or ROOT / "patches") / PIN
BEGIN = int(ENV.setdefault("STARTED", str(int(time.time()))))
RED = ("fail", "lost")
STALL = re.compile(r"\bstall|soft lockup|clocksource|hung_task|blocked for more", re.IGNORECASE)
# what a result depends on, besides patches and cases
HARNESS = ("scripts/kernel.sh scripts/kbuild.sh scripts/initramfs.sh scripts/test-module.sh scripts/command.py "
           "scripts/hotplug.py scripts/judge.py scripts/ktap.py scripts/splat.py selftests/module/* selftests/config "
           "kunit/kunitconfig qemu-configs/splat.* qemu-configs/arch/* qemu-configs/kernel/*.config "
           f"qemu-configs/kernel/flavour/{FLAVOUR}.config series/{PIN}/base").split()


class Unjudged(Exception):
    """Something that says nothing about the patch went wrong."""


def say(text: str) -> None:
    """Progress, in the form that all scripts have."""
    print(f"[{time.time() - BEGIN:4.0f} s] prove: {text}", flush=True)


def keys(proof: Proof, patches: list[str], tools_id: str) -> tuple[str, str]:
    """What the proof depends on, with and without the other patches. Of these
    only the changes: a new changelog shows nothing new."""
    digest = hashlib.sha256(json.dumps([proof.kind, proof.claim, proof.cases, tools_id]).encode())
    for name in proof.cases:
        text = (cases.CONFIGS / f"{name}.conf").read_bytes()
        digest.update(re.sub(rb"(?m)^[ \t]*group[ \t]*=.*\n?", b"", text))     # says only when it runs
        case = cases.load(cases.CONFIGS / f"{name}.conf", flavour=FLAVOUR)
        built = BUILD / PIN / f"series-{cases.label(FLAVOUR)}"
        digest.update(json.dumps([item for item in sorted(sums_of(case, built).items())
                                  if not item[0].endswith(".ko")]).encode())
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
    log = (BUILD / PIN / "drop" / f"build-{cases.label(FLAVOUR)}" / "build.log").read_text(errors="replace")
    found = re.search(r"^.*(?:error: |ERROR: |undefined reference).*$", log, re.MULTILINE | re.IGNORECASE)
    text = found[0] if found else log.strip().rpartition("\n")[2]
    return clean(text.replace(f"{BUILD / PIN / 'drop' / 'linux'}/", "").replace("../", "")
                 .replace("‘", "'").replace("’", "'"))


def look(variant: str, name: str) -> tuple[Cell, str]:
    """The result of a case, and in words; Unjudged when it says nothing about what was dropped."""
    cell = load(PLACE, variant, name, BUILD)
    if cell.verdict not in ("pass", "fail", "lost", "skip", "timeout"):
        raise Unjudged(f"{name}: {cell.verdict}: {cell.reason}")
    if cell.failed == ["console"] and STALL.search(cell.reason):
        raise Unjudged(f"{name}: {cell.reason}: that may be a busy machine; run it again")
    if cell.verdict in RED:
        more = f" and {len(cell.failed) - 1} more" if len(cell.failed) > 1 else ""
        return cell, f"{name}: {cell.verdict} {cell.failed[0] + more if cell.failed else cell.reason}"
    return cell, f"{name}: {cell.verdict}" + (f" {cell.reason}" if cell.verdict != "pass" else "")


def without(proof: Proof, patches: list[str]) -> None:
    """Drop the patch, build, run its cases; fills in what was seen."""
    variant = f"drop/{proof.slug}"
    code, text = run("drop.sh", variant)
    culprit, what = text.partition(" does not apply without ")[0], text.rpartition(": ")[2]
    if code and " does not apply without " not in text:
        raise Unjudged(text)
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
        cell, text = look(variant, name)
        proof.failed[name] = cell.failed
        proof.seen.append(text)
        if cell.verdict not in RED:
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


def restore(proof: Proof, by: str) -> bool:
    """Take over what was seen, when it was seen of the same."""
    try:
        old = json.loads(proof.stored.read_text())
        if old[by] != getattr(proof, by) or old["problem"] or ENV.get("FORCE"):
            return False        # a problem may have been the machine's
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
        if proof.kind not in ("not shown", "elsewhere") and not restore(proof, "key"):
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


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("patch", nargs="*")
    args = parser.parse_args()
    try:
        patches, proofs, wrong = read_series(cases.find(arch=""))
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
        name = "prove" if (label := cases.label(FLAVOUR)) == "default" else f"prove-{label}"
        write(RESULTS / PIN / f"{name}.txt", text)
        write(RESULTS / PIN / f"{name}.json", json.dumps([asdict(p) for p in proofs], indent=1) + "\n")
        if label == "default" and not any(proof.problem for proof in chosen):
            write(SERIES / "proof", text)
    print(text, end="")
    return 1 if any(proof.problem for proof in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
