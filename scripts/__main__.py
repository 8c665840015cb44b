#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The Python of this project is one program: python3 scripts VERB [ARGUMENT...]

{verbs}

VERB -h tells more. Settings come from the environment, see settings.py.
"""
import importlib
import os
import sys
from pathlib import Path

from settings import BadInput, die

# verb -> module with main(), below this folder
VERBS = {
    "series": "series.series", "hunk": "series.hunk",
    "list": "guests.case", "boot": "guests.boot", "shell": "guests.shell", "accel": "guests.accel", "hotplug": "guests.hotplug",
    "judge": "guests.judge", "compare": "guests.compare", "replay": "guests.replay", "flaky": "guests.flaky",
    "fuzz-layout": "guests.fuzz_layout", "pack": "guests.pack", "one": "guests.one", "export": "guests.export",
    "changelogs": "gates.changelogs", "audit": "gates.audit", "prove": "gates.prove", "hunks": "gates.hunks",
    "coverage": "gates.coverage",
    "testing": "mail.testing", "cover": "mail.cover", "recipients": "mail.recipients",
    "report": "report.report", "kcidb": "report.kcidb", "pins": "report.pins", "affected": "report.affected", "bench": "bench.bench",
}


def summary(module: str) -> str:
    """The first line of what a module says of itself."""
    return (Path(__file__).parent / f"{module.replace('.', '/')}.py").read_text().split('"""')[1].splitlines()[0]


def main() -> int:
    """Run the verb; its module sees the arguments behind it."""
    verb = sys.argv[1] if len(sys.argv) > 1 else "-h"
    if verb in ("-h", "--help"):
        print(__doc__.replace("{verbs}", "\n".join(f"  {name:12} {summary(module)}" for name, module in VERBS.items())).strip())
        return 0
    if verb not in VERBS:
        print(f"unknown verb '{verb}'; run: python3 scripts -h", file=sys.stderr)
        return 2
    sys.argv = [verb, *sys.argv[2:]]
    try:
        return importlib.import_module(VERBS[verb]).main()
    except BadInput as err:
        die(str(err))
    except BrokenPipeError:     # make list | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)      # what is left to print must not fail once more
        return 141


if __name__ == "__main__":
    sys.exit(main())
