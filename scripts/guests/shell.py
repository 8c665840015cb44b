# SPDX-License-Identifier: GPL-2.0
"""A shell in the guest of a case: same machine, memory and kernel; or that guest stopped for gdb.

usage: shell [--debug] CASE [QEMU ARGUMENT...]

Without --debug: a busybox shell on this terminal; Ctrl-A X ends QEMU, Ctrl-A C is its monitor.
With --debug: the case's own tests, QEMU halted before the first instruction with a gdb stub on
GDB_PORT (1234); the gdb command is printed, and run when gdb and a terminal are there (the
console is then in console.log of the folder that is named).
Environment: PIN VARIANT (the last word of it) FLAVOUR ARCH ACCEL TESTS (instead of shell) DRY=1.
Exit code: that of QEMU or gdb; 2 bad input.
"""
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from guests.accel import wanted
from guests.case import one
from guests.machine import require_built, script
from guests.run import end_by_exit, with_parent
from settings import get, options


def gdb_command(variant: str, port: str) -> list[str]:
    """gdb on the kernel of a variant."""
    out = get().built(variant)
    return ["gdb", "-iex", f"add-auto-load-safe-path {out}", "-ex", f"target remote 127.0.0.1:{port}",
            "-ex", "hbreak start_kernel", "-ex", "continue", str(out / "vmlinux")]


def ended(code: int) -> int:
    """An exit code as a shell tells it."""
    return code if code >= 0 else 128 - code


def main() -> int:
    parser = options(__doc__)
    parser.usage = "shell [--debug] CASE [QEMU ARGUMENT...]"
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("case")
    parser.add_argument("arguments", nargs="...")
    args = parser.parse_args()
    case = one(args.case)
    variant, port = (os.environ.get("VARIANT") or "series").split()[-1], os.environ.get("GDB_PORT") or "1234"
    if not get().dry:
        require_built([variant])
    accel = wanted()[0] if not get().dry else "kvm" if get().accel == "kvm" else "tcg"
    env, gdb = dict(os.environ), []
    if args.debug:
        gdb = gdb_command(variant, port)
        # not -s, which listens on every interface
        more = ["-gdb", f"tcp:127.0.0.1:{port}", "-S", *args.arguments]
        print(shlex.join(gdb), flush=True)
    else:
        env |= {"TESTS": env.get("TESTS", "shell"), "CONSOLE": "stdio,mux=on,signal=off"}
        more = ["-mon", "chardev=console", *args.arguments]
    text = script(case, variant, accel)
    if get().dry:
        print(text + f"# with TESTS={env.get('TESTS', '')} CONSOLE={env.get('CONSOLE', '')} and the arguments: {shlex.join(more)}")
        return 0
    end_by_exit()
    with tempfile.TemporaryDirectory(prefix="memmap-shell.") as place:
        command = ["bash", str(Path(place) / "cmd.sh"), *more]
        Path(command[1]).write_text(text)
        shutil.copyfile(get().configs / f"{args.case}.conf", Path(place) / "case.conf")     # for the host's side of hot-plug
        if not (gdb and sys.stdin.isatty() and sys.stdout.isatty() and shutil.which("gdb")):
            return ended(subprocess.run(command, env=env, preexec_fn=with_parent(signal.SIGKILL)).returncode)
        print(f"shell: console in {place}/console.log")
        with subprocess.Popen(command, env=env | {"CONSOLE": "null"}, stdin=subprocess.DEVNULL, start_new_session=True,
                              preexec_fn=with_parent(signal.SIGKILL)) as qemu:
            try:
                # Ctrl-C is gdb's: it interrupts the guest
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                return ended(subprocess.run(gdb, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)).returncode)
            finally:
                qemu.kill()
