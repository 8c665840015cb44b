#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tests the host's side of hot-plug against a QMP server and a guest that are stand-ins, then a real QEMU.

usage: scripts/tests/test_hotplug.py
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
CASE = "# stands in\nmachine = q35\nmem = 64M,slots=2,maxmem=4G\ntests = x\ntimeout = 5\nhotplug = dimm0 128M\nhotplug = dimm1 128M node=1\n"
failures = 0


def check(what: str, good: bool, detail="") -> None:
    global failures
    failures += not good
    print(f"{'ok' if good else 'not ok'} - {what}" + ("" if good else f": {detail}"))


def server(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(10)
    sock.bind(name)
    sock.listen(1)
    return sock


class Qemu(threading.Thread):
    """A QMP server. `script` maps a command to what it sends before and after its answer."""
    def __init__(self, script: dict):
        super().__init__(daemon=True)
        self.script, self.seen, self.added, self.listener = script, [], [], server("qmp.sock")

    def run(self) -> None:
        self.peer, _ = self.listener.accept()
        self.say({"QMP": {}})
        for line in self.peer.makefile():
            request = json.loads(line)
            self.seen.append(request["execute"])
            if request["execute"] == "device_add":
                self.added.append(request["arguments"].get("node"))
            before, answer, after = self.script.get(request["execute"], ([], {"return": {}}, []))
            for message in [*before, answer, *after]:
                self.say(message)

    def say(self, message: dict) -> None:
        self.peer.sendall(json.dumps(message).encode() + b"\r\n")


class Guest:
    """The guest's end of the control port, and the program that serves it."""
    def __init__(self):
        listener = server("control.sock")
        self.proc = subprocess.Popen([sys.executable, SCRIPTS, "hotplug", "."], env={**os.environ, "UNPLUG_S": "0.5"})
        self.peer, _ = listener.accept()
        self.peer.settimeout(10)
        self.file = self.peer.makefile()

    def ask(self, text: str) -> str:
        self.peer.sendall(text.encode() + b"\n")
        return self.file.readline().strip()


def event(kind: str, **data) -> dict:
    return {"event": kind, "data": data}


def ost(status: int, source: int = 3) -> dict:
    return event("ACPI_DEVICE_OST", info={"device": "dimm0", "slot": "0", "source": source, "status": status})


def clean() -> None:
    for name in ("qmp.sock", "control.sock"):
        Path(name).unlink(missing_ok=True)


def fakes() -> None:
    done = {"return": {}}
    listed = {"return": [{"type": "dimm", "data": {"id": "dimm0", "addr": 1 << 32, "size": 128 << 20}}]}
    qemu = Qemu({"query-memory-devices": ([], listed, [])})
    qemu.start()
    guest = Guest()
    check("plug", (got := guest.ask("plug dimm0")) == "ok 0x100000000 0x8000000", got)
    check("order", qemu.seen == ["qmp_capabilities", "object-add", "device_add", "query-memory-devices"], qemu.seen)
    check("no node", qemu.added == [None], qemu.added)
    guest.ask("plug dimm1")
    check("node", qemu.added == [None, 1], qemu.added)
    check("unknown DIMM", (got := guest.ask("plug nope")).startswith("error the case has no DIMM"), got)
    check("unknown request", (got := guest.ask("eject dimm0")).startswith("error unknown request"), got)

    gone = event("DEVICE_DELETED", device="dimm0")
    for what, script, want in (
        ("unplug", ([], done, [ost(0, 1), ost(0x84), event("DEVICE_DELETED", device="other"), gone]), "ok"),
        ("an event before the answer counts", ([gone], done, []), "ok"),
        ("_OST says busy", ([], done, [ost(0x84), ost(0x82)]), "error refused: the guest's _OST says 0x82"),
        ("QEMU's word for it", ([], done, [event("MEM_UNPLUG_ERROR", device="dimm0", msg="no")]), "error refused: no"),
        ("guest's word for it", ([], done, [event("DEVICE_UNPLUG_GUEST_ERROR", device="dimm0")]), "error refused: DEV"),
        ("silence", ([], done, []), "error refused: no answer"),
        ("device_del fails", ([], {"error": {"desc": "not found"}}, []), "error device_del: not found"),
    ):
        qemu.script["device_del"] = script
        check(what, (got := guest.ask("unplug dimm0")).startswith(want), got)
    qemu.say(ost(0x82))
    qemu.script["device_del"] = ([], done, [gone])
    check("a late refusal is not this one's", (got := guest.ask("unplug dimm0")) == "ok", got)

    qemu.seen.clear()
    qemu.script["device_add"] = ([], {"error": {"desc": "no slot"}}, [])
    check("device_add fails", (got := guest.ask("plug dimm0")) == "error device_add: no slot", got)
    check("and is taken back", qemu.seen == ["object-add", "device_add", "object-del"], qemu.seen)
    check("no name", (got := guest.ask("plug")).startswith("error unknown request"), got)
    log = Path("host.log").read_text()
    check("host.log", "guest> plug dimm0" in log and "event DEVICE_DELETED" in log, log)
    qemu.peer.shutdown(socket.SHUT_RDWR)
    guest.peer.close()
    guest.file.close()
    check("ends with QEMU", guest.proc.wait(5) == 0)


def real(qemu: str) -> None:
    """A QEMU without a guest: plugs, and has nobody to let go of the DIMM."""
    proc = subprocess.Popen([qemu, "-nodefaults", "-no-user-config", "-display", "none", "-S", "-accel", "tcg",
                             "-machine", "q35", "-m", "64M,slots=2,maxmem=4G",
                             "-qmp", "unix:qmp.sock,server=on,wait=off"])
    try:
        guest = Guest()
        check("real plug", (got := guest.ask("plug dimm0")) == "ok 0x100000000 0x8000000", got)
        check("real second plug", (got := guest.ask("plug dimm0")).startswith("error object-add:"), got)
        check("real unplug", (got := guest.ask("unplug dimm0")).startswith("error refused: no answer"), got)
        proc.kill()
        guest.peer.close()
        guest.file.close()
        check("ends with the real QEMU", guest.proc.wait(5) == 0)
    finally:
        proc.kill()
        proc.wait()


with tempfile.TemporaryDirectory() as place:
    os.chdir(place)
    Path("case.conf").write_text(CASE)
    fakes()
    clean()
    if binary := shutil.which("qemu-system-x86_64"):
        real(binary)
    else:
        print("ok - real QEMU # SKIP not installed")
    os.chdir("/")
sys.exit(failures > 0)
