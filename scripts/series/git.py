# SPDX-License-Identifier: GPL-2.0
"""git without the user's configuration, for Python; git.sh has the same for bash."""
import os
import subprocess
from pathlib import Path

from settings import get

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
    "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_LITERAL_PATHSPECS": "1"}


class GitError(Exception):
    """What git said."""


def git(*words, cwd: Path | None = None, none: bool = False, stdin: bytes | None = None) -> bytes:
    """What git prints in a folder, the pin's tree if no other; none: exit code 1 means that there is nothing."""
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", cwd or get().tree, *words], input=stdin,
                          capture_output=True, env=ENVIRONMENT, check=False)
    if done.returncode > int(none):
        raise GitError((done.stderr.decode(errors="replace").splitlines() or ["git failed"])[0])
    return done.stdout


def tree_of(commit: str, cwd: Path | None = None) -> str:
    """The tree id of a commit; empty when there is no such commit."""
    try:
        return git("rev-parse", "-q", "--verify", f"{commit}^{{tree}}", cwd=cwd, none=True).decode().strip()
    except GitError:
        return ""
