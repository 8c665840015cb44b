#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a guest is: its memory, and cmd.sh, the script that starts it and replays it alone.

A module for boot.py, replay.py and flaky.py; to see the script of a case: DRY=1 scripts/boot.py --case CASE
"""
import ctypes
import itertools
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from case import ARCH, CaseError, find, label

HERE = Path(__file__).resolve().parent
ENV = os.environ
PIN = ENV.get("PIN") or "v5.10.223"
BUILD = Path(ENV.get("BUILD") or HERE.parent / "build").absolute()
RESULTS = Path(ENV.get("RESULTS") or HERE.parent / "results").absolute()
CONFIGS = Path(ENV.get("CONFIGS") or HERE.parent / "qemu-configs").absolute()
LIBC = ctypes.CDLL(None)
CMDLINE_MAX = 2047      # COMMAND_LINE_SIZE less the NUL; the kernel cuts the rest off silently


def die(text: str, code: int = 2):
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(code)


def architecture() -> dict:
    """qemu-configs/arch/ARCH.conf; QEMU= names another binary."""
    path = CONFIGS / "arch" / f"{ARCH}.conf"
    if not path.exists():
        die(f"no {path}; ARCH= must be one of those beside it")
    pairs = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#"]
    arch = {key.strip(): value.strip() for key, value in pairs}
    return {**arch, "qemu": ENV.get("QEMU") or arch["qemu"]}


def timeout_scale(flavour: str) -> float:
    """How much slower guests of this flavour are: `# timeout-scale: 4` in its fragment, else 1."""
    path = CONFIGS / "kernel" / "flavour" / f"{flavour}.config"
    found = re.search(r"^# timeout-scale: (\d+(?:\.\d+)?)$", path.read_text(), re.M) if path.exists() else None
    return float(found[1]) if found else 1.0


def machine_scale() -> float:
    """TIMEOUT_SCALE: how much slower this machine is than those that the timeouts are for."""
    text = ENV.get("TIMEOUT_SCALE") or "1"
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) == 0:
        die(f"TIMEOUT_SCALE={text} is no factor")
    return float(text)


def probe(want: str) -> tuple[str, str]:
    if want not in ("auto", "kvm", "tcg"):
        die(f"ACCEL={want} is none of auto, kvm, tcg")
    if want == "tcg":
        return "tcg", "asked for by ACCEL=tcg"
    if subprocess.run([HERE / "accel.sh"], stdout=subprocess.DEVNULL).returncode:
        sys.exit(2)     # accel.sh has said why
    accel, reason = (BUILD / label("accel")).read_text().splitlines()[:2]
    if want == "kvm" and accel != "kvm":
        die(f"ACCEL=kvm, but {reason}; run: make boot ACCEL=tcg")
    return accel, reason


def output(variant: str, flavour: str) -> Path:
    return BUILD / PIN / f"{variant}-{label(flavour)}"


def size(text) -> int:
    """QEMU's sizes in bytes: 4000M, 1G; a plain number of -m is MiB."""
    number, unit = re.fullmatch(r"(\d+)([KMGT]?)B?", str(text).upper()).groups()
    return int(number) << {"K": 10, "": 20, "M": 20, "G": 30, "T": 40}[unit]


def footprint(case) -> int:
    """The most memory that the guest can touch, in bytes: RAM, DIMMs and backing files."""
    total = size(case.mem.split(",")[0])
    total += sum(map(size, [*case.hotplug.values(), *case.files.values()]))
    text = " ".join(case.devices)       # a backend of -numa is part of -m, one of a device is not
    for backend in re.findall(r"-object\s+(memory-backend-(?:ram|memfd)\S*)", text):
        option = dict(o.split("=", 1) for o in backend.split(",") if "=" in o)
        if re.search(rf"-device\s+\S*memdev={re.escape(option.get('id', '?'))}(?![\w.-])", text):
            total += size(option["size"])
    return total


def script(case, name: str, variant: str, flavour: str, arch: dict, accel: str) -> str:
    """The text of cmd.sh."""
    out = output(variant, flavour)
    append = " ".join([arch["append"], "panic=-1", *case.append])
    if len(append) + len(case.tests) + len(' tests=""') > CMDLINE_MAX:
        die(f"{name}: the kernel's command line would be longer than {CMDLINE_MAX} characters")
    lines = [["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
             ["-d", "cpu_reset", "-D", "qemu.log"],     # a triple fault looks like a power-off else
             ["-machine", case.machine], ["-accel", accel], ["-cpu", arch["cpu-" + accel]],
             ["-smp", str(case.cpus)], ["-m", case.mem]]
    ports = [["-chardev", "file,id=result,path=result.ktap,append=on"],
             ["-device", "virtserialport,chardev=result,name=memmap.result"]]
    host = ""
    if case.hotplug:    # without a host side a guest would wait for ever on such a port
        ports += [["-chardev", "socket,id=control,path=control.sock,server=on,wait=off"],
                  ["-device", "virtserialport,chardev=control,name=memmap.control"]]
        host = f"python3 {shlex.quote(str(HERE / 'hotplug.py'))} . </dev/null >/dev/null &\n"
    if flavour == "coverage":
        ports += [["-chardev", "file,id=coverage,path=coverage.tar"],
                  ["-device", "virtserialport,chardev=coverage,name=memmap.coverage"]]
    lines += [["-device", "virtio-serial-pci"], *ports, ["-qmp", "unix:qmp.sock,server=on,wait=off"]]
    lines += [shlex.split(line.replace("{out}", "out")) for line in case.devices]
    body = " \\\n".join("\t" + shlex.join(line) for line in lines)
    for word in ("kernel", "initrd"):       # what QEMU boots, KERNEL= and INITRD= included; join() has quoted it
        body = body.replace(f"{{{word}}}", f"'\"${{{word.upper()}//,/,,}}\"'")
    start, end = f"{host}exec ", ""
    if case.boots > 1:      # a guest that hibernates goes on in the next QEMU, or begins anew
        start = (f"for _ in {{1..{case.boots}}}; do\nrm -f qmp.sock control.sock\n{host}"
                 "setpriv --pdeathsig KILL ")
        end = " || exit\n! grep -qx '# end of run' result.ktap || exit 0\ndone"
    files = "".join(f"truncate -s {size(s)} {shlex.quote('out/' + f)}\n" for f, s in case.files.items())
    return f"""#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# {name}, {PIN} {variant} {label(flavour)}: this very guest again, console here and in console.log.
# KERNEL=, INITRD=, TESTS= and CONSOLE= (a QEMU chardev) replace a part; arguments go to QEMU.
# shellcheck disable=SC2016 # the $ of memmap=1G$4G is for the kernel
cd "$(dirname "$0")" || exit 2
[ -v TESTS ] || TESTS={shlex.quote(case.tests)}
: "${{KERNEL:={out / arch['image']}}}"
: "${{INITRD:={out / 'guest.cpio'}}}"
rm -rf out qmp.sock control.sock result.ktap coverage.tar qemu.log && mkdir out && : >console.log || exit 2
{files}{start}{shlex.quote(arch['qemu'])} \\
{body} \\
\t-kernel "$KERNEL" -initrd "$INITRD" \\
\t-append {shlex.quote(append)}" tests=\\"$TESTS\\"" \\
\t-chardev "${{CONSOLE:-stdio}},id=console,logfile=console.log,logappend=on" -serial chardev:console "$@"{end}
"""


def select_cases(globs: str, flavour: str = "") -> dict:
    try:
        chosen = {case.name: case for case in find(CONFIGS, globs, flavour)}
    except CaseError as error:
        die(str(error))
    if not chosen and flavour and (others := find(CONFIGS, globs)):
        die(f"in flavour {flavour} there is none of: {' '.join(case.name for case in others)}; see `flavours` in README.md")
    if not chosen:
        every = [case.name for case in find(CONFIGS, "*", flavour)]
        die(f"no case matches '{globs}'; the cases are: {' '.join(every) or 'none'}")
    return chosen


def with_parent(number: int):
    """A preexec_fn: the child gets this signal when we die, however we die; kept across exec."""
    return lambda: LIBC.prctl(1, number)


def fresh(place: Path) -> Path:
    """The first of place/1, place/2, ... that is not there; makes it."""
    for number in itertools.count(1):
        try:
            (folder := place / str(number)).mkdir(parents=True)
            return folder
        except FileExistsError:
            pass


def available() -> int:
    """80% of what the host can give without swapping, in bytes."""
    kib = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    return kib * 1024 * 8 // 10
