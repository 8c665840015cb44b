# SPDX-License-Identifier: GPL-2.0
"""Show that every patch is needed: the series without it fails what it should.

usage: prove [--check] [PATCH...]

Each line of series/PIN/series says behind the name what is seen without that
patch, or that it is a test and of which patches (which come before it):

    0008-x.patch  # cases: q35-vfio-*      each of these cases fails
    0004-y.patch  # needed by: z           z does not apply or build (no numbers)
    0011-w.patch  # not shown: why         and why it can't be, on these machines
    0009-v.patch  # test of: x             is never dropped

For each patch (or those named, by a part of their names) the series without it
is built and its cases are run. A case counts
when a test of it fails or the guest dies, and the series passes it; a timeout
proves nothing. A patch is done once until another patch, a case, a tool or the way to
build guests changes, so an interrupted run goes on where it was. --check only
reads the series. Writes results/PIN/prove.txt and .json, and when all is shown
the table to series/PIN/proof, for readers.
Environment: PIN FLAVOUR JOBS ACCEL BUILD RESULTS, FORCE=1 (all from scratch).
Exit code: 0 all shown or said why not, 1 not, 2 bad input, 125 not judged.
"""
import contextlib
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict

from gates.proofs import Proof, read_series, stale, table
from guests import case as cases
from guests import machine
from guests.boot import boot
from guests.results import Cell, clean, load, sums_of
from series.git import tree_of
from series.series import slug
from settings import ROOT, SCRIPTS, die, get, options, say, text_of, write

RED = ("fail", "lost")
STALL = re.compile(r"\bstall|soft lockup|clocksource|hung_task|blocked for more", re.IGNORECASE)


class Unjudged(Exception):
    """Something that says nothing about the patch went wrong."""


def keys(proof: Proof, patches: list[str], tools_id: str) -> tuple[str, str]:
    """What the proof depends on, with and without the other patches. Of these
    only the changes: a new changelog shows nothing new."""
    s = get()
    digest = hashlib.sha256(json.dumps([proof.kind, proof.claim, proof.cases, tools_id]).encode())
    for name in proof.cases:
        case = cases.load(s.configs / f"{name}.conf", flavour=s.flavour)
        sums = [item for item in sorted(sums_of(case, s.built("series")).items()) if not item[0].endswith(".ko")]
        command = machine.script(case, "series", "kvm" if s.accel == "kvm" else "tcg").replace(str(s.build), "").replace(str(SCRIPTS), "")
        digest.update(json.dumps([case.guest(), sums, command], default=str).encode())
    without_patches = digest.hexdigest()
    undo = s.series / "drop" / f"{proof.slug}.patch"
    digest.update(undo.read_bytes() if undo.exists() else b"")
    for patch in patches:
        if patch != proof.patch or undo.exists():
            text = (s.patches / patch).read_bytes()
            digest.update(text[text.find(b"\ndiff --git "):])
    return digest.hexdigest(), without_patches


# what makes a guest, besides what its key lists
MAKERS = "scripts/kernel/kernel.sh scripts/kernel/kbuild.sh scripts/kernel/initramfs.sh scripts/kernel/test-module.sh scripts/guests/hotplug.py"


def tools() -> str:
    """One id for what builds and runs: the kernel's configuration, the module's source, the compiler, QEMU, and
    our scripts that build and serve guests. What starts and judges them is in no key: judge reads a stored guest again."""
    digest, s, arch = hashlib.sha256(), get(), machine.architecture()
    try:
        digest.update(json.loads((s.built("series") / "build.json").read_text())["config"].encode())
    except (OSError, ValueError, KeyError) as err:
        raise Unjudged(f"the series is not built; run: make guest{s.words()}") from err
    for path in (*(ROOT / name for name in MAKERS.split()), *sorted((ROOT / "selftests" / "module").glob("*"))):
        digest.update(path.read_bytes() if path.is_file() else b"")
    prefix = re.search(r"CROSS_COMPILE=(\S+)", arch.get("make", ""))
    for program in (f"{prefix[1] if prefix else ''}gcc", arch["qemu"]):
        if shutil.which(program):
            digest.update(subprocess.run([program, "--version"], capture_output=True, check=False).stdout)
    return digest.hexdigest() + s.accel


def run(*command: str) -> tuple[int, str]:
    """Run a script of ours; its exit code and the last line that it said about an error."""
    with subprocess.Popen([str(SCRIPTS / command[0]), *command[1:]],
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


def boot_cases(variant: str, names: list[str]) -> None:
    """Run these cases with a variant."""
    try:
        boot(cases.chosen(" ".join(names)), [variant], get().place)
    except SystemExit as err:       # it has said why
        raise Unjudged(f"{variant}: no guest ran") from err


def blames(error: str, patch: str) -> bool:
    """Is the build error about a file, or a name, of that patch?"""
    text = (get().patches / patch).read_text(errors="replace")
    added = "".join(line for line in text.splitlines(True) if line.startswith("+"))
    names = re.findall(r"[‘'`\"](\w+)[’'\"]", error)
    return any(re.search(rf"\b{name}\b", added) for name in names) or any(
        f" b/{path}\n" in text for path in re.findall(r"[\w./-]+\.[chS]\b", error))


def build_error() -> str:
    """The first error of the build that failed."""
    folder = get().build / get().pin / "drop"
    log = (folder / f"build-{get().label}" / "build.log").read_text(errors="replace")
    found = re.search(r"^.*(?:error: |ERROR: |undefined reference).*$", log, re.MULTILINE | re.IGNORECASE)
    text = found[0] if found else log.strip().rpartition("\n")[2]
    return clean(text.replace(f"{folder / 'linux'}/", "").replace("../", "").replace("‘", "'").replace("’", "'"))


def look(variant: str, name: str) -> tuple[Cell, str]:
    """The result of a case, and a line about it; Unjudged when it says nothing about what was dropped."""
    cell = load(get().place, variant, name)
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
    code, text = run("series/drop.sh", variant)
    culprit, what = text.partition(" does not apply without ")[0], text.rpartition(": ")[2]
    if code and " does not apply without " not in text:
        raise Unjudged(text)
    if code:
        proof.seen = [f"does not apply: {slug(culprit)} ({what})"]
    else:
        proof.content = f"{proof.content} {tree_of('HEAD', get().build / get().pin / 'drop' / 'linux')}"
        if restore(proof, "content"):
            return      # the patches changed, but not what they amount to
        code, text = run("kernel/kernel.sh", variant)
        if code and "space" in text:
            raise Unjudged(text)
        if code:
            text = build_error()
            proof.seen = [f"does not build: {text}"]
            culprit = next((p for p in patches if slug(p) == proof.claim and blames(text, p)), "")
    if code:
        if proof.kind != "needed by":
            proof.problem = (f"write the drop as a change on top of the series: series/{get().pin}/drop/{proof.slug}.patch"
                             if culprit else "does not build without it; say by whom it is needed")
        elif slug(culprit) != proof.claim:
            proof.problem = f"that is not about {proof.claim}"
        return
    if proof.kind == "needed by":
        proof.seen = ["builds"]
        proof.problem = f"{proof.claim} builds without it"
        return
    code, text = run("kernel/initramfs.sh", variant)
    if code:
        raise Unjudged(text)
    boot_cases(variant, proof.cases)
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
    def bad() -> list[str]:
        return [name for name in names if load(get().place, "series", name).verdict != "pass"]
    if again := bad():
        boot_cases("series", again)
    if again := bad():
        raise Unjudged(f"the series does not pass {' '.join(again)}; "
                       f"run: make CASE='{' '.join(again)}' VARIANT=series")


def last_time(proof: Proof) -> dict:
    """What was stored of it, if it was ever done."""
    return json.loads(text_of(proof.stored) or "{}")


def restore(proof: Proof, by: str) -> bool:
    """Use what was seen of the same before."""
    old = last_time(proof)
    if old.get(by) != getattr(proof, by) or old["problem"] or get().force:
        return False        # a problem may have been the machine's
    for name in ("seen", "failed", "problem", "seconds"):
        setattr(proof, name, old[name])
    return True


def prove_all(proofs: list, todo: list, drop, what: str) -> None:
    """Drop each of todo, with an estimate from what all took that were ever dropped: of those that are built
    and run the mean, where one was not yet."""
    if not todo:
        return
    took = {proof.slug: seconds for proof in proofs if (seconds := last_time(proof).get("seconds"))}
    say("prove", f"{len(todo)} of {len(proofs)} {what} to drop")
    if names := sorted({name for proof in todo for name in proof.cases}):
        series_passes(names)
    for i, proof in enumerate(todo, 1):
        known = [took[p.slug] for p in proofs if p.slug in took and p.kind == "cases"]
        mean = sum(known) / len(known) if known else 0
        left = sum(took.get(p.slug, mean) for p in todo[i - 1:])
        say("prove", f"{i}/{len(todo)} without {proof.title}" + (
            f"; about {left / 60:.0f} min to go" if left > 90 else f"; about {left:.0f} s to go" if left else ""))
        begin = time.time()
        drop(proof)
        proof.seconds = proof.seconds or round(time.time() - begin, 1)     # of when it was built
        took[proof.slug] = proof.seconds
        write(proof.stored, json.dumps(asdict(proof), indent=1) + "\n")
        say("prove", f"{i}/{len(todo)} {proof.words()}: {'; '.join(proof.seen)}")


@contextlib.contextmanager
def guarded():
    """What goes wrong in here ends the program, with a line about it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):   # also where a shell has them ignored
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except (Unjudged, OSError, subprocess.SubprocessError) as err:
        die(clean(str(err)), 125)
    except KeyboardInterrupt:
        die("interrupted; the same command goes on from here", 130)


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("patch", nargs="*")
    args, s = parser.parse_args(), get()
    patches, proofs, wrong = read_series(cases.find(arch=""))
    if args.check and not wrong:
        wrong = stale(proofs)
    for line in wrong:
        print(f"prove: series/{s.pin}/series: {line}", file=sys.stderr)
    if wrong or args.check:
        return (1 if args.check else 2) if wrong else 0
    for word in args.patch:
        if not any(word in proof.patch for proof in proofs):
            die(f"no patch '{word}' to drop in series/{s.pin}/series")
    picked = [p for p in proofs if not args.patch or any(word in p.patch for word in args.patch)]

    with guarded():
        tools_id = tools()
        for proof in picked:
            proof.key, proof.content = keys(proof, patches, tools_id)
        todo = [proof for proof in picked if proof.kind not in ("not shown", "elsewhere") and not restore(proof, "key")]
        prove_all(picked, todo, lambda proof: without(proof, patches), "patches")
    text = table(picked)
    if not args.patch:
        name = "prove" if s.label == "default" else f"prove-{s.label}"
        write(s.results / s.pin / f"{name}.txt", text)
        write(s.results / s.pin / f"{name}.json", json.dumps([asdict(p) for p in proofs], indent=1) + "\n")
        if s.label == "default" and not any(proof.problem for proof in picked):
            write(s.series / "proof", text)
    print(text, end="")
    return 1 if any(proof.problem for proof in picked) else 0
