# SPDX-License-Identifier: GPL-2.0
"""The host's side of memory hot-plug: does what the guest asks for on its control port.

usage: hotplug DIR      DIR has case.conf, control.sock and qmp.sock; cmd.sh starts it

    plug NAME      answer "ok 0xADDR 0xSIZE" once the DIMM is in
    unplug NAME    answer "ok" once the guest let go of it, "error refused: ..." if it did not

Names, sizes and nodes are those of the case: NAME is that of a `hotplug` line. Ends when QEMU does. Logs to DIR/host.log.
"""
import json
import os
import socket
import time
from pathlib import Path

from guests.case import load
from guests.machine import size
from settings import options

CONNECT_S = 30      # QEMU has that long to make its sockets
UNPLUG_S = float(os.environ.get("UNPLUG_S") or 20)
VERBS = ("plug", "unplug")
# _OST (ACPI 6.3.5): an ejection in progress, and success; any other status is a refusal
EJECT, IN_PROGRESS, SUCCESS = (3, 0x103), 0x84, 0


class Gone(Exception):
    """QEMU has ended."""


class Host:
    def __init__(self, place: Path, case):
        self.place, self.dimms, self.nodes = place, case.hotplug, case.nodes
        self.log_file = open(place / "host.log", "a", buffering=1)
        self.buffer = {}
        self.events = []
        self.qemu = os.getppid()    # QEMU, which cmd.sh execs, or with `boots` cmd.sh
        self.qmp = self.connect("qmp.sock")
        self.receive(self.qmp)      # the greeting
        self.execute("qmp_capabilities")
        self.control = self.connect("control.sock")

    def log(self, text: str) -> None:
        now = time.time()
        stamp = time.strftime("%H:%M:%S", time.localtime(now))
        self.log_file.write(f"{stamp}.{int(now * 1000) % 1000:03d} {text}\n")

    def connect(self, name: str) -> socket.socket:
        os.chdir(self.place)    # a socket's path may have 107 bytes, no more: use its bare name
        end = time.monotonic() + CONNECT_S
        while True:
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(name)
            except OSError as error:
                sock.close()
                if os.getppid() != self.qemu or time.monotonic() > end:
                    raise Gone(f"no {name}: {error.strerror}") from None
                time.sleep(0.02)
                continue
            self.buffer[sock] = b""
            return sock

    def line(self, sock, deadline: float | None = None) -> str | None:
        """The next line; None at the deadline."""
        while b"\n" not in self.buffer[sock]:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            sock.settimeout(left)
            try:
                data = sock.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            if not data:
                raise Gone("QEMU closed its socket")
            self.buffer[sock] += data
        text, _, self.buffer[sock] = self.buffer[sock].partition(b"\n")
        return text.decode(errors="replace").strip()

    def receive(self, sock, deadline: float | None = None) -> dict | None:
        text = self.line(sock, deadline)
        if text is None:
            return None
        message = json.loads(text)
        if "event" in message:
            self.log(f"event {message['event']} {json.dumps(message.get('data', {}))}")
        return message

    def execute(self, command: str, **arguments):
        """Run a QMP command; events on the way are kept. A QMP error is a RuntimeError."""
        if not command.startswith("query-"):
            self.log(f"qmp {command} {json.dumps(arguments)}")
        text = json.dumps({"execute": command, "arguments": arguments})
        try:
            self.qmp.sendall(text.encode() + b"\n")
        except OSError:
            raise Gone("QEMU closed its socket") from None
        while True:
            message = self.receive(self.qmp)
            if "event" in message:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{command}: {message['error']['desc']}")
            else:
                return message["return"]

    def plug(self, name: str) -> str:
        self.execute("object-add", **{"qom-type": "memory-backend-ram", "id": f"mem-{name}",
                                      "size": size(self.dimms[name])})
        node = {"node": self.nodes[name]} if name in self.nodes else {}
        try:
            self.execute("device_add", driver="pc-dimm", id=name, memdev=f"mem-{name}", **node)
        except RuntimeError:
            self.execute("object-del", id=f"mem-{name}")
            raise
        for device in self.execute("query-memory-devices"):
            if device["data"].get("id") == name:
                return f"ok {device['data']['addr']:#x} {device['data']['size']:#x}"
        raise RuntimeError(f"{name} is plugged but not listed")

    def unplug(self, name: str) -> str:
        self.execute("query-memory-devices")    # what comes before its answer is of an earlier request
        self.events.clear()
        self.execute("device_del", id=name)
        deadline = time.monotonic() + UNPLUG_S
        while event := self.events.pop(0) if self.events else self.receive(self.qmp, deadline):
            kind, data = event.get("event"), event.get("data", {})
            info = data.get("info", {})
            if kind == "DEVICE_DELETED" and data.get("device") == name:
                self.execute("object-del", id=f"mem-{name}")
                return "ok"
            if kind in ("MEM_UNPLUG_ERROR", "DEVICE_UNPLUG_GUEST_ERROR") and data.get("device") == name:
                return f"error refused: {data.get('msg', kind)}"
            if (kind == "ACPI_DEVICE_OST" and info.get("device") == name and info.get("source") in EJECT
                    and info.get("status") not in (IN_PROGRESS, SUCCESS)):
                return f"error refused: the guest's _OST says {info['status']:#x}"
        return f"error refused: no answer from the guest in {UNPLUG_S:g} s"

    def answer(self, request: str) -> str:
        verb, *words = request.split() or [""]
        if verb not in VERBS or len(words) != 1:
            return f"error unknown request '{request}'"
        name = words[0]
        if name not in self.dimms:
            return f"error the case has no DIMM '{name}'"
        try:
            return getattr(self, verb)(name)
        except RuntimeError as error:
            return f"error {error}"

    def serve(self) -> None:
        while True:
            request = self.line(self.control)
            self.log(f"guest> {request}")
            text = self.answer(request)
            self.log(f"guest< {text}")
            try:
                self.control.sendall(text.encode() + b"\n")
            except OSError:
                raise Gone("QEMU closed its socket") from None


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("result", type=Path)
    place = parser.parse_args().result.resolve()
    try:
        Host(place, load(place / "case.conf")).serve()
    except Gone as why:
        with open(place / "host.log", "a") as log:
            log.write(f"hotplug: ends: {why}\n")
    return 0

