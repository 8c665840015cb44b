# SPDX-License-Identifier: GPL-2.0
"""One guest with its console on standard output, for an engine that watches it there.

usage: one [IGNORED...]

Runs the guest of CASE and VARIANT (one of each) as boot does, with the same result folder. After
the console there is a line for each test, `result NAME pass|fail|skip`, then `result verdict
VERDICT` and `end of guest`. What an engine adds to the command is ignored.
Environment: as for boot.
Exit code: 0 the guest was judged, 2 bad input, 125 its result is broken.
"""
from guests.accel import wanted
from guests.case import chosen
from guests.machine import require_built, script
from guests.run import Guest, alone_in, end_by_exit, host_facts, matrix
from settings import UNJUDGED, die, get, options


def main() -> int:
    options(__doc__).parse_known_args()
    s, cases = get(), chosen()
    if len(cases) != 1 or len(s.variants) != 1:
        die(f"{len(cases)} cases and {len(s.variants)} variants; say CASE=<one> VARIANT=<one>")
    require_built(s.variants)
    end_by_exit()
    accel, reason = wanted()
    guest = Guest(cases[0], s.variants[0], s.place)
    guest.stdout = None     # ours
    text = script(guest.case, guest.variant, accel)
    lock = alone_in(s.place / ".one" / guest.variant / guest.name)     # others may run other guests
    whole = matrix([guest], 1, lambda _: text, host_facts(accel, reason))
    lock.close()
    lines = [f"result {test['name']} {test['status']}" for test in guest.judged["tests"]]
    print("\n".join(["", *lines, f"result verdict {guest.judged['verdict']}", "end of guest"]), flush=True)
    return 0 if whole else UNJUDGED
