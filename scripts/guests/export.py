# SPDX-License-Identifier: GPL-2.0
"""Files for an engine that runs the guests in its own way.

usage: export lava

Writes to build/lava-PIN-FLAVOUR/, for each case and variant:
    VARIANT-CASE.device.yaml    for lava-run, which wants one rendered device a guest
    VARIANT-CASE.job.yaml       for lava-run, and for a server that has the next two
    memmap.jinja2               the device type: into /etc/lava-server/dispatcher-config/device-types
    memmap01.jinja2             a device of it: into .../devices; as many as guests may run at a time
A job runs `python3 scripts one`, in the folder that this was made in: that has to be on the worker
at the same path. Make it there, from what make pack made.
Environment: as for boot.
Exit code: 0 written, 2 bad input.
"""
import json
import os
import shlex
import shutil
from pathlib import Path

from guests.case import Case, chosen
from guests.machine import require_built, timeout_scale
from settings import SCRIPTS, die, get, options, say

SPARE = 60          # seconds for LAVA itself
STATUS = {"pass": "pass", "fail": "fail", "lost": "fail", "timeout": "fail", "skip": "skip", "broken": "unknown"}


def device(guest: list[str]) -> dict:
    """What a device that runs this guest, VARIANT= and CASE=, is to LAVA, which joins a command with blanks."""
    s = get()
    settings = [f"PIN={s.pin}", f"FLAVOUR={s.flavour}", f"ARCH={s.arch}", f"RESULTS={s.results}", f"BUILD={s.build}",
                *(f"{name}={os.environ[name]}" for name in ("ACCEL", "TIMEOUT_SCALE", "QEMU") if os.environ.get(name))]
    return {"available_architectures": [s.arch], "parameters": {}, "commands": {},
            "constants": {"failure_retry": 1, "boot_retry": 1, "default-shell-prompt": "x", "kernel-start-message": "Linux version [0-9]"},
            "timeouts": {"actions": {}, "connections": {}},
            "actions": {"deploy": {"methods": {"image": {}}, "connections": {}},
                        "boot": {"connections": {"serial": None}, "methods": {"qemu": {"parameters": {
                            "command": "env", "options": [*map(shlex.quote, settings), *guest, "python3", shlex.quote(str(SCRIPTS)), "one"], "extra": []}}}}}}


def name_of(case: Case, variant: str) -> str:
    """What files and jobs of a guest are called."""
    return f"{variant.replace('/', '-')}-{case.name}"


def guest_of(case: Case, variant: str) -> list[str]:
    """Which guest, as arguments of env."""
    return [f"VARIANT={variant}", f"CASE={case.name}"]


def job(case: Case, variant: str) -> dict:
    """A job for it. The console ends with a line for each test, see one.py."""
    s, name = get(), name_of(case, variant)
    limit = {"seconds": int(case.timeout * timeout_scale(s.flavour)) + SPARE}
    pattern = rf"\nresult (?P<test_case_id>\S+) (?P<result>{'|'.join(STATUS)})\r?(?=\n)"
    return {"job_name": f"{s.pin} {s.label} {name}", "device_type": "memmap", "visibility": "public", "priority": "medium",
            "context": {"arch": s.arch, "extra_options": guest_of(case, variant)},
            "timeouts": {"job": limit, "action": limit, "connection": limit},
            "actions": [
                {"deploy": {"to": "tmpfs", "images": {"case": {"image_arg": "{case}", "url": (s.configs / f"{case.name}.conf").as_uri()}}}},
                {"boot": {"method": "qemu", "media": "tmpfs"}},
                {"test": {"monitors": [{"name": name, "start": "Linux version", "end": "end of guest", "pattern": pattern,
                                        "fixupdict": STATUS}]}}]}


def lava(cases: list[Case], to: Path) -> None:
    """The files for LAVA. JSON is YAML."""
    for case in cases:
        for variant in get().variants:
            name = name_of(case, variant)
            (to / f"{name}.device.yaml").write_text(json.dumps(device(guest_of(case, variant)), indent=1) + "\n")
            (to / f"{name}.job.yaml").write_text(json.dumps(job(case, variant), indent=1) + "\n")
    of_job = '{% for word in extra_options %}"{{ word }}", {% endfor %}'    # of no job: it must be valid, too
    (to / "memmap.jinja2").write_text(json.dumps(device(["@"])).replace('"@", ', of_job) + "\n")
    (to / "memmap01.jinja2").write_text("{% extends 'memmap.jinja2' %}\n")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("engine")
    engine, s = parser.parse_args().engine, get()
    if engine != "lava":
        die(f"ENGINE={engine} is not one of: lava")
    require_built(s.variants)
    cases = chosen()
    to = s.build / f"{engine}-{s.pin}-{s.label}"
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    lava(cases, to)
    say("export", f"{len(cases) * len(s.variants)} guests in {to}")
    return 0
