# SPDX-License-Identifier: GPL-2.0
"""Run a stored result once more by its own cmd.sh, and judge it again.

usage: replay RESULT

RESULT is the folder of one result, results/PIN/FLAVOUR/VARIANT/CASE. It stays as it is:
the guest runs in results/replay/N/PIN/FLAVOUR/VARIANT/CASE, N being the first free number.
cmd.sh names the kernel by its path, so it is the one that is there now; when that is
another than the one of the stored result, a line says so. Prints both verdicts.
Environment: RESULTS (of what is made), TIMEOUT_SCALE.
Exit code: that of the new verdict: 0 pass, 1 fail or lost, 77 skip, 124 timeout,
125 broken; 2 RESULT is not the folder of a result.
"""
import json
import re
from pathlib import Path

from guests.case import load
from guests.judge import EXIT
from guests.results import brief
from guests.run import Guest, end_by_exit, fresh, matrix
from settings import die, get, options, parted

HEAD = re.compile(r"^# (\S+), (\S+) (\S+) (\S+): this very guest again", re.M)
PART = re.compile(r'^: "\$\{(KERNEL|INITRD):=(.*)\}"$', re.M)


def difference(then: dict, now: dict) -> str:
    """What changed."""
    told = [] if then["verdict"] == now["verdict"] else [f"{then['verdict']} then, {now['verdict']} now"]
    for what, one, other in (("fails now", now, then), ("fails no longer", then, now)):
        names = [name for name in one["failed"] if name not in other["failed"]]
        told += [f"{what}: {' '.join(names)}"] if names else []
    return "; ".join(told) or "the same"


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("result")
    given = parser.parse_args().result
    say = "RESULT= wants the folder of a result, results/PIN/FLAVOUR/VARIANT/CASE"
    if not given:
        die(say)
    stored = Path(given).absolute()
    try:
        text = (stored / "cmd.sh").read_text()
    except (OSError, UnicodeDecodeError):
        die(f"no cmd.sh in {given}; {say}")
    parts = dict(PART.findall(text))
    head = HEAD.search(text)
    if not head or len(parts) != 2:
        die(f"{stored / 'cmd.sh'} was not written by make boot; {say}")
    name, pin, variant, label = head.groups()
    if "scripts/hotplug.py" in text:
        die(f"{stored / 'cmd.sh'} is of before the host's side of hot-plug moved; run: make boot CASE={name} PIN={pin}")
    for path in parts.values():
        if not Path(path).exists():
            flavour, arch = parted(label)
            die(f"no {path}, which {given}/cmd.sh starts; run: make guest"
                f" PIN={pin} VARIANT={variant} FLAVOUR={flavour} ARCH={arch}")
    try:
        then = json.loads((stored / "verdict.json").read_text())
    except (OSError, ValueError):
        then = {"verdict": "missing", "reason": "no verdict.json", "failed": [], "seconds": 0, "meta": {}}
    guest = Guest(load(stored / "case.conf", name, pin=pin), variant, fresh(get().results / "replay") / pin / label)
    guest.conf, guest.out = stored / "case.conf", Path(parts["INITRD"]).parent
    end_by_exit()
    facts = {key: then["meta"].get(key, "?") for key in ("accel", "accel_reason", "qemu")}
    matrix([guest], 1, lambda _: text, facts)
    now = guest.judged
    for word, found, place in (("stored", then, stored), ("now", now, guest.dir)):
        print(f"{word:6}  {found['verdict']:7} {found['seconds']:6.1f} s  {found['reason']}\n{'':26}{place}")
    kernels = [brief(found["meta"].get("kernel", "")) or "unknown" for found in (then, now)]
    if kernels[0] != kernels[1]:
        print(f"another kernel: {kernels[0]} then, {kernels[1]} now")
    print(difference(then, now))
    return EXIT[now["verdict"]]
