# SPDX-License-Identifier: GPL-2.0
"""Boot the guests of the matrix, case x variant, and have each judged as it ends.

usage: boot

Settings come from the environment: PIN VARIANT FLAVOUR CASE ARCH ACCEL (auto, kvm, tcg) JOBS
DRY BUILD RESULTS CONFIGS QEMU, SHARD=2/4 (the second of four parts of the cases), and
TIMEOUT_SCALE (a factor) for a slow machine; a flavour's fragment can have a factor of its own
in a line `# timeout-scale: 4`.
Every result directory gets its cmd.sh before QEMU starts; that script replays the guest
alone. DRY=1 prints these scripts, runs nothing and needs no kernel.
Exit code: 0 every guest was judged (compare says how well), 2 bad input, 125 one is broken.
"""
from guests import shard
from guests.accel import wanted
from guests.case import Case, chosen
from guests.machine import require_built, script
from guests.run import Guest, alone_in, end_by_exit, host_facts, matrix
from settings import UNJUDGED, get, options, say


def boot(cases: list[Case], variants, place) -> bool:
    """Run these cases with results in a folder; false when one is broken."""
    require_built(variants)
    accel, reason = wanted()
    facts = host_facts(accel, reason)
    texts = {(case.name, variant): script(case, variant, accel) for case in cases for variant in variants}
    lock = alone_in(place)
    guests = [Guest(case, variant, place) for case in cases for variant in variants]
    say("boot", f"{len(guests)} guests, {get().jobs} at a time, {accel}: {reason}")
    whole = matrix(guests, get().jobs, lambda guest: texts[guest.name, guest.variant], facts)
    lock.close()
    return whole


def main() -> int:
    options(__doc__).parse_args()
    s, cases = get(), chosen()
    if s.dry:
        accel = "kvm" if s.accel == "kvm" else "tcg"
        print("\n".join(script(case, variant, accel) for case in shard.part(cases) for variant in s.variants), end="")
        return 0
    end_by_exit()
    return 0 if boot(shard.begin(cases), s.variants, s.place) else UNJUDGED
