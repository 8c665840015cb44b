# SPDX-License-Identifier: GPL-2.0
"""Run a verb of the project's Python as a program would be run, arguments to exit code, in a
fork of the test: a hundred runs without a hundred interpreters to start.
"""
import importlib
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ROOT / "scripts"
sys.dont_write_bytecode = True
for common in ("argparse", "dataclasses", "datetime", "json"):     # loaded once, here
    importlib.import_module(common)
sys.path.insert(0, str(SCRIPTS))        # a test may import modules, too


def forget(scripts: Path) -> None:
    """What the test has imported read the test's settings."""
    for name in [name for name, module in sys.modules.items() if str(SCRIPTS) in str(getattr(module, "__path__", None) or
                                                                                     getattr(module, "__file__", ""))]:
        if name not in ("program", "__main__"):
            del sys.modules[name]
    sys.path[:] = [str(scripts), *(path for path in sys.path if path != str(SCRIPTS))]


def child(scripts: Path, arguments: list[str], cwd, env, streams) -> None:
    """Become the program; does not return."""
    code = 1
    try:
        for number, stream in zip((1, 2), streams):
            os.dup2(stream, number)
        os.chdir(cwd or ".")
        os.environ |= env or {}
        forget(scripts)
        sys.argv = [str(scripts), *arguments]
        runpy.run_path(str(scripts), run_name="__main__")
        code = 0
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else int(err.code is not None)
    except BaseException:   # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(*arguments, scripts: Path = SCRIPTS, cwd=None, env=None, stdout=None) -> CompletedProcess:
    """Run a verb with its arguments; env adds to the environment, stdout may be a descriptor."""
    words = [str(word) for word in arguments]
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(scripts, words, cwd, env, (stdout or out.fileno(), err.fileno()))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        return CompletedProcess(words, code, out.read().decode(), err.read().decode())


def end(wrong: list[str]) -> NoReturn:
    """The end of a test: each thing that is wrong on a line, and the exit code."""
    name = Path(sys.argv[0]).stem.removeprefix("test_")
    for what in wrong:
        print(f"{name}: {what.rstrip()}", file=sys.stderr)
    sys.exit(1 if wrong else 0)
