# SPDX-License-Identifier: GPL-2.0
"""Run a Python script as a program would be run, arguments to exit code, in a
fork of the test runner: a hundred runs without a hundred interpreters to start.
"""
import argparse     # noqa: F401  what the scripts import, loaded once, here
import dataclasses  # noqa: F401
import datetime     # noqa: F401
import json         # noqa: F401
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path
from subprocess import CompletedProcess

sys.dont_write_bytecode = True


def child(script: Path, arguments: list[str], cwd, env, streams) -> None:
    """Become script; does not return."""
    code = 1
    try:
        for number, stream in zip((1, 2), streams):
            os.dup2(stream, number)
        os.chdir(cwd or ".")
        os.environ |= env or {}
        sys.argv = [str(script), *arguments]
        sys.path[0] = str(script.parent)
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else int(err.code is not None)
    except BaseException:   # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(script: Path, *arguments, cwd=None, env=None, stdout=None) -> CompletedProcess:
    """Run script; env adds to the environment, stdout may be a descriptor."""
    words = [str(word) for word in arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(script, words, cwd, env, (stdout or out.fileno(), err.fileno()))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        return CompletedProcess(words, code, out.read().decode(), err.read().decode())
