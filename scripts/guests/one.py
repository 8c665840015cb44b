# SPDX-License-Identifier: GPL-2.0
"""One guest with its console on standard output, for an engine that watches it there.

usage: one [IGNORED...]

Runs the guest of CASE and VARIANT (one of each) by its cmd.sh and judges it, as boot does, with
the same result folder. Behind the console there is a line a test, `result NAME pass|fail|skip`,
then `result verdict VERDICT` and `end of guest`. What an engine adds to the command is ignored.
Environment: as for boot.
Exit code: 0 the guest was judged, 2 bad input, 125 its result is broken.
"""
import json
import subprocess
import sys
import threading

from guests.accel import wanted
from guests.case import chosen
from guests.machine import require_built, script
from guests.run import Guest, end_by_exit, host_facts
from settings import UNJUDGED, die, get, options


def main() -> int:
    """The command line."""
    options(__doc__).parse_known_args()
    s, cases = get(), chosen()
    if len(cases) != 1 or len(s.variants) != 1:
        die(f"{len(cases)} cases and {len(s.variants)} variants; say CASE=<one> VARIANT=<one>")
    require_built(s.variants)
    end_by_exit()
    accel, reason = wanted()
    guest = Guest(cases[0], s.variants[0], s.place)
    guest.start(script(guest.case, guest.variant, accel))
    status = "timeout"
    try:
        guest.run(stdout=subprocess.PIPE)
        reader = threading.Thread(target=show, args=[guest.proc.stdout], daemon=True)
        reader.start()
        code = guest.proc.wait(guest.limit)
        reader.join(1)
        status = str(code if code >= 0 else 128 - code)
    except subprocess.TimeoutExpired:
        pass
    finally:
        guest.kill()
    verdict, reason = guest.finish(status, host_facts(accel, reason))
    tests = json.loads((guest.dir / "verdict.json").read_text())["tests"]
    lines = [f"result {test['name']} {test['status']}" for test in tests] + [f"result verdict {verdict}"]
    print("\n".join(["", *lines, f"{guest.name} {guest.variant}: {verdict}: {reason}", "end of guest"]), flush=True)
    return UNJUDGED if verdict == "broken" else 0


def show(console) -> None:
    """Pass the console on as it comes."""
    while data := console.read1():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
