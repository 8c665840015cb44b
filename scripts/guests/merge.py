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


def made_of(result: Path, variant: str) -> dict[str, str]:
    """What a result is of: its kernel, and each program and module that ran; empty when it does not say."""
    try:
        meta = json.loads((result / "verdict.json").read_text())["meta"]
        kernel = {f"{variant}'s kernel": meta["kernel"], f"{variant}'s configuration": meta["config"]}
        return kernel | {name if not name.endswith(".ko") else f"{variant}'s {name}": digest
                         for name, digest in meta.get("sums", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def merge(folders: list[Path]) -> Path:
    """The folder of the copy: another RESULTS."""
    inside = f"{get().pin}/{get().label}"
    found: dict[str, tuple[Path, Path]] = {}     # variant/case -> its folder, the result
    facts: dict[str, dict[str, list[Path]]] = {}      # what a guest is made of -> the state of it -> folders
    doubled = []
    for folder in folders:
        results = sorted((variant, path.parent) for variant in get().variants
                         for path in (folder / inside / variant).glob("*/verdict.json"))
        if not results:
            die(f"{folder} has no results of {inside}, {' or '.join(get().variants)}", 125)
        for variant, result in results:
            name = f"{variant}/{result.name}"
            doubled += [f"{name} is in {found[name][0]} and in {folder}"] if name in found else []
            found[name] = folder, result
            for what, state in made_of(result, variant).items():
                facts.setdefault(what, {}).setdefault(state, []).append(folder)
    if doubled:
        more = f", and {len(doubled) - 1} more" if len(doubled) > 1 else ""
        die(f"{doubled[0]}{more}: take one out")
    for what, states in facts.items():
        if len(states) > 1:
            die(f"results of another series: {what} is " + " and ".join(
                f"{state[:12]} (in {in_folders[0]})" for state, in_folders in sorted(states.items())))
    merged = fresh(folders[0].parent / "merged")
    for name, (_, result) in found.items():
        shutil.copytree(result, merged / inside / name, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    say("compare", f"{len(found)} results of {len(folders)} folders are in {merged}")
    return merged
