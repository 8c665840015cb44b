# SPDX-License-Identifier: GPL-2.0
"""What a guest is: its memory, and cmd.sh, the script that starts it and replays it alone.

A module for what runs guests; DRY=1 make boot CASE=name prints the script of a case.
"""
import functools
import os
import re
import shlex
import shutil
from pathlib import Path

from settings import SCRIPTS, die, get

CMDLINE_MAX = 2047      # COMMAND_LINE_SIZE less the NUL; the kernel cuts the rest off silently


@functools.cache
def architecture() -> dict[str, str]:
    """qemu-configs/arch/ARCH.conf; QEMU= in the environment names another binary."""
    path = get().configs / "arch" / f"{get().arch}.conf"
    if not path.exists():
        die(f"no {path}; ARCH must be one of the files beside it")
    pairs = [line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#"]
    arch = {key.strip(): value.strip() for key, value in pairs}
    return {**arch, "qemu": os.environ.get("QEMU") or arch["qemu"]}


def timeout_scale(flavour: str) -> float:
    """How much slower guests of this flavour are, `# timeout-scale: 4` in its fragment, on this machine."""
    path = get().configs / "kernel" / "flavour" / f"{flavour}.config"
    found = re.search(r"^# timeout-scale: (\d+(?:\.\d+)?)$", path.read_text(), re.M) if path.exists() else None
    return (float(found[1]) if found else 1.0) * get().scale


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


def script(case, variant: str, accel: str) -> str:
    """The text of cmd.sh."""
    arch, out = architecture(), get().built(variant)
    append = " ".join([arch["append"], "panic=-1", *case.append])
    if len(append) + len(case.tests) + len(' tests=""') > CMDLINE_MAX:
        die(f"{case.name}: the kernel's command line would be longer than {CMDLINE_MAX} characters")
    lines = [["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
             ["-d", "cpu_reset", "-D", "qemu.log"],     # a triple fault looks like a power-off else
             ["-machine", case.machine], ["-accel", accel], ["-cpu", arch["cpu-" + accel]],
             ["-smp", str(case.cpus)], ["-m", case.mem]]
    if "firmware" in arch:
        lines.append(["-bios", arch["firmware"]])
    ports = [["-chardev", "file,id=result,path=result.ktap,append=on"],
             ["-device", "virtserialport,chardev=result,name=memmap.result"]]
    host = ""
    if case.hotplug:    # without a host side a guest would wait for ever on such a port
        ports += [["-chardev", "socket,id=control,path=control.sock,server=on,wait=off"],
                  ["-device", "virtserialport,chardev=control,name=memmap.control"]]
        host = f"python3 {shlex.quote(str(SCRIPTS))} hotplug . </dev/null >/dev/null &\n"
    if get().flavour == "coverage":
        ports += [["-chardev", "file,id=coverage,path=coverage.tar"],
                  ["-device", "virtserialport,chardev=coverage,name=memmap.coverage"]]
    lines += [["-device", "virtio-serial-pci"], *ports, ["-qmp", "unix:qmp.sock,server=on,wait=off"]]
    lines += [shlex.split(line.replace("{out}", "out")) for line in case.devices]
    body = " \\\n".join("\t" + shlex.join(line) for line in lines)
    for word in ("kernel", "initrd"):       # what QEMU boots, KERNEL= and INITRD= included; join() has quoted it
        body = body.replace(f"{{{word}}}", f"'\"${{{word.upper()}//,/,,}}\"'")
    start, end = f"{host}exec ", ""
    if case.boots > 1:      # a guest that hibernates goes on in the next QEMU, or begins from the start
        start = (f"for _ in {{1..{case.boots}}}; do\nrm -f qmp.sock control.sock\n{host}"
                 "setpriv --pdeathsig KILL ")
        end = " || exit\n! grep -qx '# end of run' result.ktap || exit 0\ndone"
    files = "".join(f"truncate -s {size(s)} {shlex.quote('out/' + f)}\n" for f, s in case.files.items())
    return f"""#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# {case.name}, {get().pin} {variant} {get().label}: this very guest again, console here and in console.log.
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


def require_built(variants) -> None:
    """End here unless there are QEMU, and kernel and guest of each variant."""
    arch, s = architecture(), get()
    if not shutil.which(arch["qemu"]):
        die(f"{arch['qemu']} is not installed; run: make deps")
    if not Path(arch.get("firmware", "/")).exists():
        die(f"no {arch['firmware']}; run: make deps ALL=1")
    for variant in variants:
        for name, target in ((arch["image"], "kernel"), ("guest.cpio", "guest")):
            if not (path := s.built(variant) / name).exists():
                die(f"no {path}; run: make {target} PIN={s.pin} VARIANT={variant} FLAVOUR={s.flavour} ARCH={s.arch}")


def limits(root: Path = Path("/sys/fs/cgroup")) -> list[int]:
    """What is left to our cgroup and to those that it is in, in bytes; [] without limits."""
    mine = next((line.partition("::")[2].strip() for line in open("/proc/self/cgroup") if line.startswith("0::")), "/")
    found = []
    for folder in (root / mine.lstrip("/"), *(root / mine.lstrip("/")).parents):
        try:
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            cache = sum(int(stat.get(name, 0)) for name in ("active_file", "inactive_file", "slab_reclaimable"))
            found.append(int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text()) + cache)
        except (OSError, ValueError):       # "max", or the root
            continue
        if folder == root:
            break
    return found


def available() -> int:
    """80% of what the host and our cgroup can give without swapping, in bytes."""
    kib = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    return min([kib * 1024, *limits()]) * 8 // 10
