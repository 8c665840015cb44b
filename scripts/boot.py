#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the guests of the matrix, case x variant, and have each judged as it ends.

usage: scripts/boot.py [--variant base --variant series] [--case GLOB] [--flavour NAME]
                       [--jobs N] [--dry]

Defaults come from the environment: PIN VARIANT FLAVOUR CASE ACCEL (auto, kvm, tcg) JOBS
DRY BUILD RESULTS CONFIGS QEMU ARCH, and TIMEOUT_SCALE (a factor) for a slow machine; a
flavour's fragment can have a factor of its own in a line `# timeout-scale: 4`.
Every result directory gets its cmd.sh before QEMU starts; that script replays the guest
alone. --dry prints these scripts, runs nothing and needs no kernel.
Exit code: 0 every guest was judged (compare.py says how well), 2 usage, 125 one is broken.
"""
import argparse
import datetime
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from case import ARCH, label
from command import (CONFIGS, ENV, HERE, PIN, RESULTS, architecture, available, die, footprint, machine_scale,
                     output, probe, script, select_cases, timeout_scale, with_parent)
from rows import sums_of


class Guest:
    def __init__(self, case, name: str, variant: str, flavour: str):
        self.case, self.name, self.variant, self.flavour = case, name, variant, flavour
        self.dir = RESULTS / PIN / label(flavour) / variant / name
        self.conf = CONFIGS / f"{name}.conf"
        self.out = output(variant, flavour)     # where its kernel is
        self.bytes = footprint(case)
        self.limit = case.timeout * timeout_scale(flavour) * machine_scale()   # seconds
        self.proc = None

    def start(self, text: str) -> None:
        shutil.rmtree(self.dir, ignore_errors=True)     # half a result must never look like a whole one
        self.dir.mkdir(parents=True)
        shutil.copyfile(self.conf, self.dir / "case.conf")
        (self.dir / "cmd.sh").write_text(text)
        (self.dir / "cmd.sh").chmod(0o755)
        built = self.out / "build.json"         # another kernel may be there when the guest ends
        self.build = json.loads(built.read_text()) if built.exists() else {}
        self.sums = sums_of(self.case, self.out)
        self.date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        self.began = time.monotonic()
        self.deadline = self.began + self.limit

    def run(self) -> None:
        clean = {k: v for k, v in ENV.items() if k not in ("TESTS", "CONSOLE", "KERNEL", "INITRD")}
        with open(self.dir / "host.log", "ab") as log:
            self.proc = subprocess.Popen(["bash", "cmd.sh"], cwd=self.dir, env=clean, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=log,
                                         start_new_session=True, preexec_fn=with_parent(signal.SIGKILL))
        self.pidfd = os.pidfd_open(self.proc.pid)

    def kill(self) -> None:
        if self.proc and self.proc.returncode is None:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()

    def finish(self, status: str, facts: dict) -> tuple[str, str]:
        """Store what is known of the run and have it judged."""
        seconds = round(time.monotonic() - self.began, 2)
        if self.proc:
            os.close(self.pidfd)
        shutil.rmtree(self.dir / "out", ignore_errors=True)     # backing files; cmd.sh makes them again
        (self.dir / "qemu.exit").write_text(status + "\n")
        meta = {"pin": PIN, "variant": self.variant, "flavour": self.flavour, "arch": self.case.arch, "case": self.name, **facts,
                **{k: self.build.get(k, "") for k in ("compiler", "kernel", "config")},
                "seconds": seconds, "started": self.date, "sums": self.sums}
        (self.dir / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
        subprocess.run([sys.executable, HERE / "judge.py", self.dir], stdout=subprocess.DEVNULL)
        try:
            verdict = json.loads((self.dir / "verdict.json").read_text())
        except (OSError, ValueError):
            return "broken", "judge.py left no verdict"
        return verdict["verdict"], verdict.get("reason", "")


def end_by_exit() -> None:
    """Signals that ask us to end go by way of `finally`: no orphans."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda n, _: sys.exit(128 + n))


def matrix(guests: list, budget: int, jobs: int, text, facts: dict) -> bool:
    """Run them all, as many at once as CPUs and memory allow; true when none is broken."""
    total, running, whole, done, first = len(guests), {}, True, 0, time.monotonic()
    begin = int(ENV.get("STARTED") or time.time())      # make's: all its stages count from one start

    def ended(guest, status: str) -> None:
        nonlocal whole, done
        verdict, reason = guest.finish(status, facts)
        done, whole = done + 1, whole and verdict != "broken"
        left = (time.monotonic() - first) / done * (total - done)
        print(f"[{time.time() - begin:4.0f} s] {done}/{total} {guest.name} {guest.variant} {verdict} "
              f"{time.monotonic() - guest.began:.1f} s" + (f": {reason}" if verdict != "pass" else "")
              + (f" ({left:.0f} s to go)" if done < total else ""), flush=True)

    poll = select.poll()
    try:
        while guests or running:
            for guest in list(guests):
                fits = guest.bytes + sum(g.bytes for g in running.values()) <= budget
                if guest.bytes <= budget and (len(running) >= jobs or not fits):
                    continue
                guests.remove(guest)
                guest.start(text(guest))
                if guest.bytes > budget:
                    (guest.dir / "host.log").write_text(
                        f"boot.py: needs {guest.bytes >> 20} MiB, the host has {budget >> 20} MiB to give\n")
                    ended(guest, "missing")
                    continue
                guest.run()
                running[guest.pidfd] = guest
                poll.register(guest.pidfd, select.POLLIN)
            if not running:
                continue
            left = min(g.deadline for g in running.values()) - time.monotonic()
            over = [running[fd] for fd, _ in poll.poll(max(0, left * 1000) + 1)]
            late = [g for g in running.values() if g not in over and time.monotonic() > g.deadline]
            for guest in over + late:
                guest.kill() if guest in late else guest.proc.wait()
                poll.unregister(guest.pidfd)
                del running[guest.pidfd]
                code = guest.proc.returncode
                code = code if code >= 0 else 128 - code
                ended(guest, "timeout" if guest in late else "missing" if code in (126, 127) else str(code))
    finally:
        for guest in running.values():
            guest.kill()
    return whole


def require_built(arch: dict, variants: list, flavour: str) -> None:
    """End here unless there are QEMU, and kernel and guest of each variant."""
    if not shutil.which(arch["qemu"]):
        die(f"{arch['qemu']} is not installed; run: make deps")
    for variant in variants:
        for name, target in ((arch["image"], "kernel"), ("guest.cpio", "guest")):
            if not (path := output(variant, flavour) / name).exists():
                die(f"no {path}; run: make {target} PIN={PIN} VARIANT={variant} FLAVOUR={flavour} ARCH={ARCH}")


def host_facts(arch: dict) -> dict:
    """What meta.json says about the machine; `accel` is what guests are to run with."""
    accel, reason = probe(ENV.get("ACCEL") or "auto")
    version = subprocess.run([arch["qemu"], "--version"], capture_output=True, text=True).stdout
    return {"accel": accel, "accel_reason": reason, "qemu": version.partition("\n")[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", action="append")
    parser.add_argument("--case", default=ENV.get("CASE") or "*")
    parser.add_argument("--flavour", default=ENV.get("FLAVOUR") or "default")
    parser.add_argument("--jobs", default=ENV.get("JOBS") or str(os.cpu_count()))
    parser.add_argument("--dry", action="store_true", default=ENV.get("DRY", "") not in ("", "0"))
    args = parser.parse_args()
    variants = args.variant or (ENV.get("VARIANT") or "base series").split()
    if not args.jobs.isdigit() or int(args.jobs) < 1:
        die(f"JOBS={args.jobs} is no number of guests")
    machine_scale()     # is refused before anything runs
    arch, chosen = architecture(), select_cases(args.case, args.flavour)
    if args.dry:
        facts = {"accel": "kvm" if ENV.get("ACCEL") == "kvm" else "tcg"}
    else:
        require_built(arch, variants, args.flavour)
        facts = host_facts(arch)

    def text(name: str, variant: str) -> str:
        return script(chosen[name], name, variant, args.flavour, arch, facts["accel"])
    scripts = {(name, variant): text(name, variant) for name in chosen for variant in variants}
    if args.dry:
        print("\n".join(scripts.values()), end="")
        return 0
    place = RESULTS / PIN / label(args.flavour)
    place.mkdir(parents=True, exist_ok=True)
    lock = open(place / ".lock", "w")       # two of us here would delete each other's results
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"boot.py: another one is at work in {place}; waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    end_by_exit()
    guests = [Guest(chosen[name], name, variant, args.flavour) for name, variant in scripts]
    begin = int(ENV.get("STARTED") or time.time())
    print(f"[{time.time() - begin:4.0f} s] boot: {len(guests)} guests, {args.jobs} at a time, {facts['accel']}: "
          f"{facts['accel_reason']}", flush=True)
    whole = matrix(guests, available(), int(args.jobs), lambda g: scripts[g.name, g.variant], facts)
    return 0 if whole else 125


if __name__ == "__main__":
    sys.exit(main())
