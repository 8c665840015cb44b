#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The folders of scripts/ are layers: what a file imports, sources or runs is in its own or in one below.

usage: scripts/tests/test_layers.py [--draw]

Reads the imports of the Python, what bash sources and which scripts and verbs it runs. The picture
that comes out of that, a line a layer, is also that of README.md.
Exit code: 0 no arrow runs up and README has the picture, 1 otherwise.
"""
import ast
import re
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))
import program     # noqa: E402

SCRIPTS = Path(__file__).resolve().parents[1]
VERBS = runpy.run_path(str(SCRIPTS / "__main__.py"))["VERBS"]

# from the bottom up; what is beside the folders is settings, or uses everything
LAYERS = ["settings", "series", "kernel", "guests", "bench", "gates", "report", "mail", "all"]
SETTINGS = ("settings.py", "settings.sh")
SHELL = (re.compile(r'"\$root/scripts/(\w+)/[\w-]+\.sh"'), re.compile(r'/\.\./(\w+)/[\w-]+\.sh"'))
VERB = re.compile(r'python3 "\$root/scripts" ([\w-]+)')
RUN = re.compile(r'run\("(\w+)/[\w-]+\.sh"')      # of prove's


def layer(path: Path) -> str:
    """Where a file is."""
    if path.parent != SCRIPTS:
        return path.parent.name
    return "settings" if path.name in SETTINGS else "all"


def of_module(name: str) -> str:
    """The layer of a module; empty for those that are not ours."""
    top = name.partition(".")[0]
    return top if top in LAYERS else "all" if (SCRIPTS / f"{top}.py").exists() else ""


def used(path: Path) -> set[str]:
    """The layers that a file uses."""
    text = path.read_text()
    if path.suffix == ".py":
        names = [name for node in ast.walk(ast.parse(text)) for name in (
            [alias.name for alias in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else [])]
        return {of_module(name) for name in names} | set(RUN.findall(text)) - {""}
    found = {name for pattern in SHELL for name in pattern.findall(text)}
    found |= {of_module(VERBS[verb]) for verb in VERB.findall(text) if verb in VERBS}
    return found | ({"settings"} if "/settings.sh" in text else set())


def main() -> list[str]:
    """What is wrong."""
    arrows: dict[str, set[str]] = {name: set() for name in LAYERS}
    wrong = []
    files = [path for pattern in ("*.py", "*.sh", "*/*.py", "*/*.sh") for path in sorted(SCRIPTS.glob(pattern))
             if path.parent.name != "tests"]
    for path in files:
        mine = layer(path)
        if mine not in LAYERS:
            wrong.append(f"{path.relative_to(SCRIPTS)}: {mine}/ is not a layer")
            continue
        for other in used(path) - {"", mine}:
            arrows[mine].add(other)
            if LAYERS.index(other) > LAYERS.index(mine):
                wrong.append(f"{path.relative_to(SCRIPTS)} uses {other}, which is above {mine}")
    picture = [f"{name:8} -> {' '.join(sorted(arrows[name], key=LAYERS.index))}" for name in reversed(LAYERS) if arrows[name]]
    if "--draw" in sys.argv[1:]:
        print("\n".join(picture))
    readme = (SCRIPTS.parent / "README.md").read_text()
    wrong += [f"README.md lacks '{line}'" for line in picture if line not in readme]
    return wrong


if __name__ == "__main__":
    program.end(main())
