# SPDX-License-Identifier: GPL-2.0
"""Write all that is stored about a pin as KCIDB 5.3, the reports that KernelCI collects: kcidb

Each kernel's commit is a checkout, base or series of the pin, each kernel and configuration a build,
each case a test with those of its programs below it, in results/PIN/kcidb.json. A guest that died
or hung has failed; one that was never run is MISS, a result that can't be judged ERROR, and one
of another kernel than is built now is left out. `misc` says what is as expected by the rule of
the table: base is there to fail.
Environment: PIN CASE RESULTS BUILD CONFIGS; KCIDB_ORIGIN (memmap); KCIDB_SCHEMA, a file
that the output has to comply with, as kcidb_io exports it (needs python3-jsonschema).
Exit code: 0 written, 1 does not comply, 2 bad input, 125 there are no results.
"""
import datetime
import json
import os
import re
import sys
from pathlib import Path

from guests.compare import read_rows
from guests.results import Cell, Row, clean
from report.report import places
from settings import UNJUDGED, die, get, options, text_of, value, write

STATUS = {"pass": "PASS", "fail": "FAIL", "lost": "FAIL", "timeout": "FAIL", "skip": "SKIP", "missing": "MISS", "broken": "ERROR"}
VARIANTS = ("base", "series")    # a drop or a set is no state that anybody else has
EXCERPT = 16384         # characters


def origin() -> str:
    """Who reports."""
    return value("KCIDB_ORIGIN", "memmap", r"[a-z0-9_]+", "a name of small letters, digits and _")


def path_of(*names: str) -> str:
    """Names as parts of a path."""
    return ".".join(re.sub(r"[^A-Za-z0-9_-]", "_", part) for name in names for part in name.split("."))


def checkout(variant: str, kernel: str) -> dict:
    """What a kernel is of. Its commit is one of ours, on the tag: no repository has it."""
    return {"id": f"{origin()}:{get().pin}-{variant}-{kernel}", "origin": origin(), "git_commit_name": get().pin,
            "comment": f"{get().pin} with " + ("all patches" if variant == "series" else "the patches that are tests"), "valid": True}


def build(tree: dict, label: str, meta: dict) -> dict:
    """The kernel that a result is of."""
    return {"id": f"{tree['id']}-{label}-{meta['config']}", "checkout_id": tree["id"], "origin": origin(),
            "architecture": meta.get("arch", "x86_64"), "compiler": meta["compiler"], "config_name": label, "status": "PASS",
            "misc": {"patched_commit": meta["kernel"], "config_sha256": meta["config"]}}


def tests(of: dict, row: Row, cell: Cell) -> list[dict]:
    """A case, and the tests that it ran."""
    meta, name = cell.meta, row.case.name
    common: dict = {"build_id": of["id"], "origin": origin()}
    if meta.get("started"):
        common["start_time"] = meta["started"]
    if meta:
        common["environment"] = {"comment": f"{meta['qemu']}, {meta['accel']}"}
    when = re.sub(r"\D", "", meta.get("started", "never"))
    whole: dict = {**common, "id": f"{of['id']}-{name}-{when}", "path": path_of("memmap", name), "status": STATUS[cell.verdict],
             "comment": row.case.claim, "misc": {"expected": not cell.problem, "reason": clean(cell.reason)}}
    if cell.seconds:
        whole["duration"] = cell.seconds
    if cell.verdict != "pass" and (log := text_of(cell.path / "console.log")):
        whole["log_excerpt"] = log.replace("\0", "")[-EXCERPT:]
    return [whole, *({**common, "id": f"{whole['id']}-{number}-{test['name']}", "path": path_of("memmap", name, test["name"]),
                      "status": STATUS[test["status"]], "misc": {"detail": clean(test["detail"].replace("\n", "; "))}}
                     for number, test in enumerate(cell.tests, 1))]


def report(found: dict[str, list[Row]]) -> dict:
    """All of it."""
    checkouts: dict = {}
    builds: dict = {}
    out: list[dict] = []
    for label, rows in found.items():
        for number, variant in enumerate(VARIANTS):
            cells = [(row, row.cells[number]) for row in rows if row.cells[number].verdict != "stale"]
            # a case that was never run belongs to a kernel of the others
            some = next((cell.meta for _, cell in cells if cell.meta), None)
            for row, cell in cells if some else ():
                meta = cell.meta or some
                tree = checkouts.setdefault((variant, meta["kernel"]), checkout(variant, meta["kernel"]))
                of = builds.setdefault((variant, label, meta["kernel"], meta["config"]), build(tree, label, meta))
                out += tests(of, row, cell)
    return {"version": {"major": 5, "minor": 3}, "checkouts": list(checkouts.values()), "builds": list(builds.values()), "tests": out}


def complaint(data: dict, schema: Path) -> str:
    """What does not comply with the schema; dates are looked at, too."""
    try:
        import jsonschema   # type: ignore
    except ImportError:
        die("no python3-jsonschema for KCIDB_SCHEMA; run: make deps")
    checker = jsonschema.FormatChecker(formats=())

    @checker.checks("date-time", raises=ValueError)
    def _(text) -> bool:
        return datetime.datetime.fromisoformat(text).tzinfo is not None
    try:
        validator = jsonschema.Draft7Validator(json.loads(schema.read_text()), format_checker=checker)
    except (OSError, ValueError) as err:
        die(f"KCIDB_SCHEMA={schema}: {err}")
    error = next(validator.iter_errors(data), None)
    return f"{'/'.join(map(str, error.absolute_path))}: {clean(error.message)[:200]}" if error else ""


def main() -> int:
    options(__doc__).parse_args()
    s, schema = get(), os.environ.get("KCIDB_SCHEMA")
    data = report({path.name: read_rows(path, VARIANTS, s.cases) for path in places()})
    if not data["tests"]:
        die(f"no results of '{s.cases}' that are of the kernels built now; run: make{s.words()}", UNJUDGED)
    if schema and (wrong := complaint(data, Path(schema))):
        print(f"kcidb: does not comply with {schema}: {wrong}", file=sys.stderr)
        return 1
    to = s.results / s.pin / "kcidb.json"
    write(to, json.dumps(data, indent=1) + "\n")
    print(f"kcidb: {os.path.relpath(to)}: " + ", ".join(f"{len(data[key])} {key}" for key in ("checkouts", "builds", "tests"))
          + (f"; complies with {schema}" if schema else ""))
    return 0
