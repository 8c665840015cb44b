# SPDX-License-Identifier: GPL-2.0
"""Find out whether KVM really runs a guest here, and print kvm or tcg.

usage: accel [--force]

/dev/kvm may exist, open and take ioctls, and still never run a kernel (nested or sandboxed
hosts). So a kernel under BUILD, that of base first, is booted under KVM and must say "init:
start" within KVM_LIMIT (15) seconds. An answer that depends on the host alone is kept in
BUILD/accel (accel-ARCH where that is not x86_64) until QEMU, the host's kernel or the right to
/dev/kvm changes; that a kernel did not come up may be the kernel's fault and is asked again
with the next kernel. --force asks again at once, and so does ACCEL=kvm.
Environment: BUILD QEMU ARCH CONFIGS KVM_LIMIT KVM_DEV.
Exit code: 0 answered, 2 there is no kernel yet.
"""
import functools
import os
import platform
import resource
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from guests.machine import architecture
from guests.run import with_parent
from settings import DEFAULT, die, get, options, value, write


def device_state(dev: Path) -> str:
    """The device, and our right to it."""
    if not dev.exists():
        return "absent"
    stat = dev.stat()
    right = " usable" if os.access(dev, os.R_OK | os.W_OK) else ""
    return f"{stat.st_mode:o} {stat.st_uid}:{stat.st_gid} {stat.st_rdev:x} for uid {os.getuid()}{right}"


def kernel() -> Path | None:
    """A kernel that has its guest beside it: base of these settings, or the newest."""
    image = architecture()["image"]
    found = [path for depth in ("*/*", "*/*/*") for path in get().build.glob(f"{depth}/{image}") if (path.parents[len(Path(image).parts) - 1] / "guest.cpio").exists()]
    own = get().built("base") / image
    return own if own in found else max(found, key=lambda path: path.stat().st_mtime, default=None)


def boot(image: Path, limit: float) -> tuple[str, str, bool]:
    """Boot it under KVM: the answer, its reason, and whether that is the host's alone."""
    arch, dev = architecture(), os.environ.get("KVM_DEV") or "/dev/kvm"
    guest = image.parents[len(Path(arch["image"]).parts) - 1] / "guest.cpio"
    with tempfile.TemporaryFile() as log:
        def said() -> str:
            log.seek(0)
            return log.read().decode(errors="replace").replace("\r", "")

        def child() -> None:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))    # a QEMU that gives up on KVM may abort()
            with_parent(signal.SIGKILL)()
        begin = time.monotonic()
        qemu = subprocess.Popen(
            [arch["qemu"], "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", "kvm", "-cpu", arch["cpu-kvm"],
             "-m", "512M", "-kernel", image, "-initrd", guest, "-append", f"{arch['append']} panic=-1", "-serial", "stdio"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=child)
        try:
            while (seconds := time.monotonic() - begin) < limit:
                ended = qemu.poll() is not None
                if "init: start" in said():
                    return "kvm", f"a guest kernel reached PID 1 in {seconds:.1f} s", True
                if ended:
                    text = said()
                    first = next((line for line in text.splitlines() if line.strip()), "without a word")[:120]
                    came_up = "Linux version" in text
                    why = "a guest kernel ended before PID 1" if came_up else f"QEMU gave up on it: {first}"
                    return "tcg", f"{dev} is there, but {why}", not came_up
                time.sleep(0.05)
        finally:
            qemu.kill()
            qemu.wait()
        text = said()
        return "tcg", f"{dev} is there, but a guest kernel did not reach PID 1 in {limit:g} s", "Linux version" not in text


def probe(force: bool = False) -> tuple[str, str]:
    """kvm or tcg, and why."""
    arch, s = architecture(), get()
    dev = Path(os.environ.get("KVM_DEV") or "/dev/kvm")
    memory = s.build / ("accel" if s.arch == DEFAULT["ARCH"] else f"accel-{s.arch}")
    state = device_state(dev)
    try:
        version = subprocess.run([arch["qemu"], "--version"], capture_output=True, text=True).stdout.partition("\n")[0]
    except OSError:
        die(f"{arch['qemu']} is not installed; run: make deps")
    key = f"{version}; host {platform.release()}; {dev} {state}"
    image = kernel()
    with_kernel = f"{key}; {image} {image.stat().st_mtime_ns if image else ''}"
    try:
        accel, reason, asked = memory.read_text().splitlines()[:3]
        if not force and asked in (key, with_kernel):
            return accel, reason
    except (OSError, ValueError):
        pass
    host = True
    if state == "absent":
        accel, reason = "tcg", f"there is no {dev}"
    elif not state.endswith("usable"):
        accel, reason = "tcg", f"{dev} is there, but uid {os.getuid()} may not read and write it"
    elif platform.machine() != s.arch:
        accel, reason = "tcg", f"the host is {platform.machine()}, not {s.arch}"
    elif not image:
        die(f"no kernel with a guest under {s.build} to try KVM with; run: make kernel guest")
    else:
        accel, reason, host = boot(image, float(value("KVM_LIMIT", "15", r"\d+(\.\d+)?", "a number of seconds")))
    write(memory, f"{accel}\n{reason}\n{key if host else with_kernel}\n")
    return accel, reason


@functools.cache
def wanted() -> tuple[str, str]:
    """What guests are to run with, and why; it ends here when ACCEL asks for what is not there."""
    want = get().accel
    if want == "tcg":
        return "tcg", "asked for by ACCEL=tcg"
    accel, reason = probe(force=want == "kvm")
    if want == "kvm" and accel != "kvm":
        die(f"ACCEL=kvm, but {reason}; run: make boot ACCEL=tcg")
    return accel, reason


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--force", action="store_true")
    print(probe(parser.parse_args().force)[0])
    return 0
