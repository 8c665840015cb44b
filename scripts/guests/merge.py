# SPDX-License-Identifier: GPL-2.0
"""Results of several machines as one, for `make compare RESULTS='a b c'`.

Copies them to a new folder merged/N beside the first, which is as good as one that a single
machine filled. A guest that two of them have, and results of another kernel, are refused.
"""
import json
import shutil
from pathlib import Path

from guests.run import fresh
from settings import die, get, say


def kernel_of(result: Path) -> str:
    """The kernel that a result is of; empty when it does not say."""
    try:
        return str(json.loads((result / "verdict.json").read_text())["meta"]["kernel"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def merge(folders: list[Path]) -> Path:
    """The folder of the copy: another RESULTS."""
    inside = f"{get().pin}/{get().label}"
    found: dict[str, Path] = {}     # variant/case -> result
    kernels: dict[str, dict[str, list[Path]]] = {}      # variant -> kernel -> results
    doubled = []
    for folder in folders:
        results = sorted(path.parent for variant in get().variants for path in (folder / inside / variant).glob("*/verdict.json"))
        if not results:
            die(f"{folder} has no results of {inside}, {' or '.join(get().variants)}", 125)
        for result in results:
            name = f"{result.parent.name}/{result.name}"
            doubled += [f"{name} is in {found[name].parents[3]} and in {folder}"] if name in found else []
            found[name] = result
            if kernel := kernel_of(result):
                kernels.setdefault(result.parent.name, {}).setdefault(kernel, []).append(result)
    if doubled:
        more = f", and {len(doubled) - 1} more" if len(doubled) > 1 else ""
        die(f"{doubled[0]}{more}: take one out")
    for variant, by_kernel in kernels.items():
        if len(by_kernel) > 1:
            die(f"results of another series: {variant} is " + " and ".join(
                f"{kernel[:12]} ({len(results)}, in {results[0].parents[3]})" for kernel, results in sorted(by_kernel.items())))
    merged = fresh(folders[0].parent / "merged")
    for name, result in found.items():
        shutil.copytree(result, merged / inside / name, symlinks=True)
    say("compare", f"{len(found)} results of {len(folders)} folders are in {merged}")
    return merged
