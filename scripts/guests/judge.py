# SPDX-License-Identifier: GPL-2.0
"""Judge what one guest left behind: a result directory becomes verdict.json.

usage: judge RESULT

Reads case.conf, meta.json, qemu.exit, console.log, result.ktap, host.log and qemu.log of
RESULT and prints one line. A pass takes positive evidence: every planned test
reported, none but those that the case's may_skip names was skipped, the console log is
whole and no line of it is denied by splat.deny.
Exit code: 0 pass, 1 fail or lost, 77 skip, 124 timeout, 125 broken.
"""
import json
import re
from pathlib import Path
from typing import Any

from guests import case as cases
from guests import ktap
from guests.splat import Broken, allow_list, deny_list, messages, read
from settings import die, get, options

EXIT = {"pass": 0, "fail": 1, "lost": 1, "skip": 77, "timeout": 124,
        "broken": 125}
PANIC = "Kernel panic - not syncing"


def last_line(path: Path) -> str:
    """The last line of a log that may be missing or empty."""
    try:
        lines = read(path).split("\n")
    except Broken:
        return f"no {path.name}"
    return next((s.strip() for s in reversed(lines) if s.strip()),
                f"{path.name} is empty")


def evidence(result: Path, verdict: dict, deny, allow) -> tuple[str, str]:
    """Look at all of it; fills in failed and tests, returns verdict and reason."""
    case = cases.load(result / "case.conf", verdict["case"], pin=verdict["meta"].get("pin", ""))
    tests = case.programs()
    qemu = read(result / "qemu.exit").strip()
    if qemu == "missing":
        return "broken", f"no QEMU: {last_line(result / 'host.log')}"
    if qemu != "timeout" and not re.fullmatch(r"-?\d+", qemu):
        return "broken", f"qemu.exit: '{qemu}' is no exit status"
    console = messages(read(result / "console.log"))
    started = any(line.startswith("init: start") for line in console)
    whole = any(line.startswith("init: end of run") for line in console)
    panics = [line for line in console if PANIC in line]
    meant = bool(case.panics and panics and re.search(case.panics, panics[0]))
    panic = next(iter(panics[meant:]), None)
    port = result / "result.ktap"
    text = read(port) if port.exists() else ""
    # PID 1 that starts from the beginning in a later boot starts another report
    parts = re.split(r"(?m)^(?=TAP version )", text) if case.boots > 1 else [text]
    *earlier, report = map(ktap.parse, list(filter(None, parts)) or [""])
    # a program that can't use a boot says so, and reboots
    kernels = (sum(line.startswith("Linux version ") for line in console)
               - sum(line.startswith("memmap: boot again: ") for line in console))

    found = [test for each in (*earlier, report) for test in each.entries()]
    for test in found:
        if test["status"] == "skip" and not case.expects_skip(test["name"]):
            test |= {"status": "fail", "detail": f"skipped, and the case has no may_skip for it: {test['detail']}"}
    if report.end and report.bail is not None:
        found.append({"name": "power-off", "status": "fail",
                      "detail": report.bail})
    denied = [line for line in console if any(p.search(line) for p in deny)
              and not any(p.search(line) for p in allow)
              and not any(re.search(text, line) for text in case.allows)]
    if denied:
        found.append({"name": "console", "status": "fail",
                      "detail": "\n".join(denied[:20])})
    failed = [test for test in found if test["status"] == "fail"]
    last = f"last console line: {console[-1] if console else '(none)'}"

    verdict["tests"] = found
    verdict["failed"] = list(dict.fromkeys(test["name"] for test in failed))
    if qemu == "timeout":
        return "timeout", panic or f"killed by the host; {last}"
    if panic:
        return "lost", panic
    log = result / "qemu.log"
    if log.exists() and "Triple fault" in read(log):
        return "lost", f"triple fault; {last}"
    if qemu != "0" and not started:
        return "broken", f"QEMU exited {qemu}: {last_line(result / 'host.log')}"
    for each in (*earlier, report):
        if each.error:
            return "broken", f"result.ktap: {each.error}"
    if qemu != "0":
        return "lost", f"QEMU exited {qemu}: {last_line(result / 'host.log')}"
    if report.bail is not None and not report.end:
        return "lost", f"Bail out! {report.bail}"
    if not report.top.plan and not report.end:
        return "lost", f"no test was reported; {last}"
    if not report.finished() or not report.end:
        inside = "".join(f", died in {b.name} after {len(b.tests)} of {b.plan}"
                         for b in report.unfinished[:1])
        return "lost", (f"{len(report.top.tests)} of {report.top.plan} tests "
                        f"ended{inside or ', no end of run'}; {last}")
    if not started or not whole:
        return "broken", ("console.log is cut off (no 'init: "
                          f"{'end of run' if started else 'start'}'); {last}")
    if report.top.skip is None and len(report.top.tests) < len(tests):
        return "broken", (f"the guest ran {len(report.top.tests)} of the "
                          f"{len(tests)} tests in case.conf")

    passed = [test for test in found if test["status"] == "pass"]
    skipped = [test for test in found if test["status"] == "skip"]
    if failed:
        first = failed[0]["detail"].split("\n")[0]
        more = len(verdict["failed"]) - 1
        return "fail", (verdict["failed"][0] + (f": {first}" if first else "")
                        + (f" (and {more} more)" if more else ""))
    if not passed:
        reasons = [report.top.skip or ""] + [test["detail"] for test in skipped]
        return "skip", "; ".join(dict.fromkeys(filter(None, reasons))) or "no reason given"
    if case.boots > 1 and kernels != case.boots:
        return "lost", f"{kernels} kernels came up, not {case.boots}"
    if case.panics and not meant:
        return "lost", f"the kernel did not panic with '{case.panics}'"
    return "pass", (f"{len(passed)} passed"
                    + (f", {len(skipped)} skipped" if skipped else ""))


def facts(result: Path) -> dict:
    """What meta.json says about the run."""
    try:
        meta = json.loads(read(result / "meta.json"))
        for key in ("case", "variant", "kernel"):
            if not isinstance(meta[key], str) or not meta[key]:
                raise Broken(f"meta.json: no {key}")
        return {"case": meta["case"], "variant": meta["variant"],
                "seconds": float(meta["seconds"]), "meta": meta}
    except (ValueError, TypeError, KeyError) as err:
        raise Broken(f"meta.json: {type(err).__name__}: {err}") from err


def judge(result: Path) -> dict:
    """The verdict; whatever goes wrong in here is `broken`."""
    verdict: dict[str, Any] = {"case": result.name, "variant": result.parent.name,
               "verdict": "broken", "reason": "", "failed": [], "tests": [],
               "seconds": 0.0, "meta": {}}
    try:
        verdict |= facts(result)
        verdict["verdict"], verdict["reason"] = evidence(
            result, verdict, deny_list(get().configs / "splat.deny"), allow_list(get().configs / "splat.allow"))
    except (Broken, cases.CaseError) as err:
        verdict["reason"] = str(err)
    except Exception as err:    # pylint: disable=broad-except  # one result must not end the run of all
        verdict["reason"] = f"judge: {type(err).__name__}: {err}"
    if verdict["verdict"] == "broken":      # nothing in it can be relied on
        verdict |= {"failed": [], "tests": []}
    verdict["reason"] = " ".join(verdict["reason"].split())
    return verdict


def store(result: Path) -> dict:
    """Judge it, and keep the verdict beside the evidence."""
    target = result / "verdict.json"
    target.unlink(missing_ok=True)      # an old verdict must not outlive this
    verdict = judge(result)
    target.write_text(json.dumps(verdict, indent=1) + "\n")
    return verdict


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("result", type=Path)
    args = parser.parse_args()
    try:
        verdict = store(args.result.resolve())
    except OSError as err:      # not 1: a bisection would take that for a fail
        die(f"{err}; run: make boot", EXIT["broken"])
    print(f"{verdict['verdict']:7} {verdict['case']} {verdict['variant']} "
          f"{verdict['seconds']:.1f} s: {verdict['reason']}")
    return EXIT[verdict["verdict"]]
