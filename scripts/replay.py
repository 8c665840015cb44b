#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run a stored result once more by its own cmd.sh, and judge it again.

usage: scripts/replay.py RESULT

RESULT is the folder of one result, results/PIN/FLAVOUR/VARIANT/CASE. It stays as it is:
the guest runs in results/replay/N/PIN/FLAVOUR/VARIANT/CASE, N being the first free number.
cmd.sh names the kernel by its path, so it is the one that is there now; when that is
another than the one of the stored result, a line says so. Prints both verdicts.
Environment: RESULTS (of what is made), TIMEOUT_SCALE.
Exit code: that of the new verdict: 0 pass, 1 fail or lost, 77 skip, 124 timeout,
125 broken; 2 RESULT is none.
"""
import json
import re
import sys
from pathlib import Path

from boot import Guest, end_by_exit, matrix
from case import CaseError, load, parted
from command import RESULTS, available, die, fresh
from judge import EXIT

HEAD = re.compile(r"^# (\S+), (\S+) (\S+) (\S+): this very guest again", re.M)
PART = re.compile(r'^: "\$\{(KERNEL|INITRD):=(.*)\}"$', re.M)


class Again(Guest):
    """A guest that is described by a stored result alone."""

    def __init__(self, stored: Path, text: str, parts: dict):
        name, pin, variant, place = HEAD.search(text).groups()
        super().__init__(load(stored / "case.conf", name, pin=pin), name, variant, parted(place)[0])
        self.pin, self.conf = pin, stored / "case.conf"
        self.out = Path(parts["INITRD"]).parent
        self.dir = fresh(RESULTS / "replay") / pin / place / variant / name


def read(place: Path) -> dict:
    """A verdict.json, or what stands for one that is not there."""
    try:
        verdict = json.loads((place / "verdict.json").read_text())
        return {key: verdict[key] for key in ("verdict", "reason", "failed", "seconds", "meta")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"verdict": "missing", "reason": "no verdict.json", "failed": [], "seconds": 0, "meta": {}}


def difference(then: dict, now: dict) -> str:
    """What changed, in words."""
    told = [] if then["verdict"] == now["verdict"] else [f"{then['verdict']} then, {now['verdict']} now"]
    for what, one, other in (("fails now", now, then), ("fails no more", then, now)):
        names = [name for name in one["failed"] if name not in other["failed"]]
        told += [f"{what}: {' '.join(names)}"] if names else []
    return "; ".join(told) or "the same"


def main() -> int:
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if len(sys.argv) == 2 else 2
    say = "RESULT= wants the folder of a result, results/PIN/FLAVOUR/VARIANT/CASE"
    if not sys.argv[1]:
        die(say)
    stored = Path(sys.argv[1]).absolute()
    try:
        text = (stored / "cmd.sh").read_text()
    except (OSError, UnicodeDecodeError):
        die(f"no cmd.sh in {sys.argv[1]}; {say}")
    parts = dict(PART.findall(text))
    head = HEAD.search(text)
    if not head or len(parts) != 2:
        die(f"{stored / 'cmd.sh'} is none of boot.py's; {say}")
    for path in parts.values():
        if not Path(path).exists():
            flavour, arch = parted(head[4])
            die(f"no {path}, which {sys.argv[1]}/cmd.sh starts; run: make guest"
                f" PIN={head[2]} VARIANT={head[3]} FLAVOUR={flavour} ARCH={arch}")
    then = read(stored)
    try:
        guest = Again(stored, text, parts)
    except CaseError as err:
        die(str(err))
    end_by_exit()
    facts = {key: then["meta"].get(key, "?") for key in ("accel", "accel_reason", "qemu")}
    matrix([guest], available(), 1, lambda _: text, {"pin": guest.pin, **facts})
    now = read(guest.dir)
    for word, found, place in (("stored", then, stored), ("now", now, guest.dir)):
        print(f"{word:6}  {found['verdict']:7} {found['seconds']:6.1f} s  {found['reason']}\n{'':26}{place}")
    kernels = [found["meta"].get("kernel", "")[:12] or "unknown" for found in (then, now)]
    if kernels[0] != kernels[1]:
        print(f"another kernel: {kernels[0]} then, {kernels[1]} now")
    print(difference(then, now))
    return EXIT.get(now["verdict"], 125)


if __name__ == "__main__":
    sys.exit(main())
