# SPDX-License-Identifier: GPL-2.0
"""Run guests, as many at once as CPUs and memory allow, and have each judged as it ends."""
import ctypes
import datetime
import fcntl
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from guests import judge
from guests.case import Case
from guests.machine import architecture, available, footprint, timeout_scale
from guests.results import sums_of
from settings import get, parted, say

LIBC = ctypes.CDLL(None)
OURS = ("TESTS", "CONSOLE", "KERNEL", "INITRD")     # cmd.sh takes these from who runs it by hand


def with_parent(number: int):
    """A preexec_fn: the child gets this signal when we die, however we die; kept across exec."""
    return lambda: LIBC.prctl(1, number)


def end_by_exit() -> None:
    """Signals that ask us to end go by way of `finally`: no orphans."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda n, _: sys.exit(128 + n))


def fresh(place: Path) -> Path:
    """The first of place/1, place/2, ... that is not there; makes it."""
    for number in itertools.count(1):
        try:
            (folder := place / str(number)).mkdir(parents=True)
            return folder
        except FileExistsError:
            pass
    raise AssertionError


def alone_in(place: Path) -> IO:
    """Wait until no other run is in this folder, where two would delete each other's results; keep the answer."""
    place.mkdir(parents=True, exist_ok=True)
    lock = open(place / ".lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"boot: another run is at work in {place}; waiting for it", file=sys.stderr)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


class Guest:
    """One guest: its case, its folder and, while it runs, its QEMU."""
    stdout: int | None = subprocess.DEVNULL     # where its console goes, too

    def __init__(self, case: Case, variant: str, place: Path):
        """place is results/PIN/LABEL, or a folder that is called so."""
        self.case, self.name, self.variant = case, case.name, variant
        self.pin, self.flavour = place.parent.name, parted(place.name)[0]
        self.dir = place / variant / case.name
        self.conf = get().configs / f"{case.name}.conf"
        self.out = get().built(variant)         # where its kernel is
        self.bytes = footprint(case)
        self.limit = case.timeout * timeout_scale(self.flavour)     # seconds
        self.proc: subprocess.Popen | None = None
        self.pidfd, self.began, self.deadline, self.date = -1, 0.0, 0.0, ""
        self.build: dict = {}
        self.sums: dict = {}
        self.judged: dict = {"verdict": "not run", "failed": []}     # verdict.json, once it has ended

    def start(self, text: str) -> None:
        """Make the folder, with the text of cmd.sh."""
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
        """Start cmd.sh."""
        clean = {k: v for k, v in os.environ.items() if k not in OURS}
        with open(self.dir / "host.log", "ab") as log:
            self.proc = subprocess.Popen(["bash", "cmd.sh"], cwd=self.dir, env=clean, stdin=subprocess.DEVNULL,
                                         stdout=self.stdout, stderr=log,
                                         start_new_session=True, preexec_fn=with_parent(signal.SIGKILL))
        self.pidfd = os.pidfd_open(self.proc.pid)

    def kill(self) -> None:
        """End it and all that it started."""
        if self.proc and self.proc.returncode is None:
            os.killpg(self.proc.pid, signal.SIGKILL)
            self.proc.wait()

    def finish(self, status: str, facts: dict) -> None:
        """Store what is known of the run and judge it."""
        seconds = round(time.monotonic() - self.began, 2)
        if self.proc:
            os.close(self.pidfd)
        shutil.rmtree(self.dir / "out", ignore_errors=True)     # backing files; cmd.sh makes them again
        for left in self.dir.glob("*.sock"):    # of a QEMU that was killed
            left.unlink()
        (self.dir / "qemu.exit").write_text(status + "\n")
        meta = {"pin": self.pin, "variant": self.variant, "flavour": self.flavour, "arch": self.case.arch, "case": self.name, **facts,
                **{k: self.build.get(k, "") for k in ("compiler", "kernel", "config")},
                "seconds": seconds, "started": self.date, "sums": self.sums}
        (self.dir / "meta.json").write_text(json.dumps(meta, indent=1) + "\n")
        self.judged = judge.store(self.dir)


def matrix(guests: list, jobs: int, text, facts: dict) -> bool:
    """Run them all, with text(guest) as cmd.sh; true when none is broken."""
    budget = available()
    total, running, whole, done, first = len(guests), {}, True, 0, time.monotonic()

    def ended(guest, status: str) -> None:
        nonlocal whole, done
        guest.finish(status, facts)
        verdict, reason = guest.judged["verdict"], guest.judged["reason"]
        done, whole = done + 1, whole and verdict != "broken"
        left = (time.monotonic() - first) / done * (total - done)
        say("", f"{done}/{total} {guest.name} {guest.variant} {verdict} {time.monotonic() - guest.began:.1f} s"
            + (f": {reason}" if verdict != "pass" else "") + (f" ({left:.0f} s to go)" if done < total else ""))

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
                        f"boot: needs {guest.bytes >> 20} MiB, the host has {budget >> 20} MiB to give\n")
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
                if guest in late:
                    guest.kill()
                else:
                    guest.proc.wait()
                poll.unregister(guest.pidfd)
                del running[guest.pidfd]
                code = guest.proc.returncode
                code = code if code >= 0 else 128 - code
                ended(guest, "timeout" if guest in late else "missing" if code in (126, 127) else str(code))
    finally:
        for guest in running.values():
            guest.kill()
    return whole


def host_facts(accel: str, reason: str) -> dict:
    """What meta.json says about the machine."""
    version = subprocess.run([architecture()["qemu"], "--version"], capture_output=True, text=True).stdout
    return {"accel": accel, "accel_reason": reason, "qemu": version.partition("\n")[0]}
