# SPDX-License-Identifier: GPL-2.0
"""The settings of a run: get() has them, read from the environment and checked once.

settings.sh does the same for bash. Also what every verb needs: die(), say(), options().
"""
import argparse
import os
import re
import sys
import time
from functools import cache, cached_property
from pathlib import Path
from typing import NoReturn

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
DEFAULT = {"PIN": (ROOT / "series/default").read_text().strip(), "FLAVOUR": "default", "ARCH": "x86_64"}
BAD_INPUT, UNJUDGED = 2, 125    # exit codes; 1 is a finding


class BadInput(Exception):
    """What is wrong with an input. Where nobody catches it, the program prints it and ends."""


def die(text: str, code: int = BAD_INPUT) -> NoReturn:
    """Print one line, the problem and the command that fixes it, and exit."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(code)


def label_of(flavour: str, arch: str) -> str:
    """The name of builds and results of a flavour."""
    return flavour if arch == DEFAULT["ARCH"] else f"{flavour}-{arch}"


def parted(label: str) -> tuple[str, str]:
    """Flavour and architecture of a label."""
    flavour, _, arch = label.partition("-")
    return flavour, arch or DEFAULT["ARCH"]


def told(pin: str, flavour: str, arch: str) -> str:
    """What make has to be told for these: ` PIN=...`, as far as it is not the default."""
    return "".join(f" {key}={word}" for key, word in zip(DEFAULT, (pin, flavour, arch)) if word != DEFAULT[key])


def text_of(path: Path) -> str:
    """What is in a file that may be missing."""
    return path.read_text(errors="replace") if path.is_file() else ""


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines of such a file, with their numbers, but for comments and empty ones."""
    return [(number, line) for number, line in enumerate(text_of(path).splitlines(), 1)
            if line.strip() and line[0] != "#"]


def write(path: Path, text: str) -> None:
    """All of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.rename(path)


def known_pins(folder: Path) -> list[str]:
    """The pins that series/ has."""
    return sorted(path.parent.name for path in folder.glob("*/base"))


def value(name: str, usual: str, pattern: str, what: str) -> str:
    """A variable of the environment, or the usual value; refused when it is not what it should be."""
    text = os.environ.get(name) or usual
    if not re.fullmatch(pattern, text):
        die(f"{name}={text} is not {what}")
    return text


def folder(name: str, usual: str) -> Path:
    """The same for a folder, absolute."""
    return Path(os.environ.get(name) or ROOT / usual).absolute()


class Settings:
    """What the environment says. Each setting is read and checked when it is first asked for: who reads
    the series need not care for a FLAVOUR."""

    @cached_property
    def pin(self) -> str:
        """PIN, a folder of series/."""
        pin, place = os.environ.get("PIN") or DEFAULT["PIN"], folder("SERIES_DIR", "series")
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", pin) or not (place / pin / "base").is_file():
            die(f"unknown PIN '{pin}'; known pins: {' '.join(known_pins(place)) or 'none'}")
        return pin

    def one_of(self, name: str, place: str, suffix: str) -> str:
        """FLAVOUR or ARCH, of which there is a file."""
        word, found = os.environ.get(name) or DEFAULT[name], self.configs / place
        if found.is_dir() and not (found / f"{word}{suffix}").is_file():
            die(f"unknown {name} '{word}'; known: {' '.join(sorted(path.stem for path in found.glob(f'*{suffix}')))}")
        return word

    @cached_property
    def flavour(self) -> str:
        """FLAVOUR, a kernel configuration."""
        return self.one_of("FLAVOUR", "kernel/flavour", ".config")

    @cached_property
    def arch(self) -> str:
        """ARCH, as in qemu-configs/arch/."""
        return self.one_of("ARCH", "arch", ".conf")

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """VARIANT, one or several."""
        words = tuple((os.environ.get("VARIANT") or "base series").split())
        if odd := [word for word in words if not re.fullmatch(r"base|series|(drop|set)/\S+", word)]:
            die(f"unknown VARIANT '{odd[0]}'; known variants: base series drop/PATCH set/SET")
        return words

    @cached_property
    def cases(self) -> str:
        """CASE: names, patterns and @groups, space separated."""
        return os.environ.get("CASE") or "*"

    @cached_property
    def set(self) -> str:
        """SET of patches, see series/PIN/series; empty: the whole series."""
        return os.environ.get("SET") or ""

    @cached_property
    def accel(self) -> str:
        return value("ACCEL", "auto", "auto|kvm|tcg", "auto, kvm or tcg")

    @cached_property
    def jobs(self) -> int:
        """JOBS, guests at a time."""
        return int(value("JOBS", str(os.cpu_count()), r"[1-9]\d*", "a number of guests"))

    @cached_property
    def scale(self) -> float:
        """TIMEOUT_SCALE: how much slower this machine is than those that the timeouts are for."""
        return float(value("TIMEOUT_SCALE", "1", r"0*[1-9]\d*(\.\d+)?|0*\.0*[1-9]\d*|0+\.0*[1-9]\d*", "a factor"))

    @cached_property
    def build(self) -> Path:
        """BUILD, what is built."""
        return folder("BUILD", "build")

    @cached_property
    def results(self) -> Path:
        """RESULTS of guests."""
        return folder("RESULTS", "results")

    @cached_property
    def result_folders(self) -> list[Path]:
        """RESULTS, one or several folders; a name may have blanks in it."""
        words = (os.environ.get("RESULTS") or "").split()
        if len(words) < 2 or self.results.exists():
            return [self.results]
        if gone := [word for word in words if not Path(word).is_dir()]:
            die(f"RESULTS: there is no folder {gone[0]}")
        return [Path(word).absolute() for word in words]

    @cached_property
    def shard(self) -> tuple[int, int]:
        """SHARD, which of how many parts of the cases."""
        number, parts = map(int, value("SHARD", "1/1", r"[1-9]\d*/[1-9]\d*", "a part like 2/4").split("/"))
        return (number, parts) if number <= parts else die(f"SHARD={number}/{parts}: there is no such part")

    @cached_property
    def configs(self) -> Path:
        """CONFIGS, the cases."""
        return folder("CONFIGS", "qemu-configs")

    @cached_property
    def series(self) -> Path:
        """series/PIN."""
        return folder("SERIES_DIR", "series") / self.pin

    @cached_property
    def patches(self) -> Path:
        """patches/PIN."""
        return folder("PATCHES_DIR", "patches") / self.pin

    @cached_property
    def dry(self) -> bool:
        """DRY: only say what would be run."""
        return os.environ.get("DRY", "") not in ("", "0")

    @cached_property
    def force(self) -> bool:
        return bool(os.environ.get("FORCE"))

    @cached_property
    def started(self) -> int:
        """STARTED, seconds since 1970: the stages of one make count from one start."""
        return int(os.environ.setdefault("STARTED", value("STARTED", str(int(time.time())), r"\d+", "a time in seconds")))

    @property
    def label(self) -> str:
        """The name of builds and results."""
        return label_of(self.flavour, self.arch)

    @property
    def tree(self) -> Path:
        """The work tree with the series on it."""
        return self.build / self.pin / "linux"

    @property
    def place(self) -> Path:
        """Where the results are."""
        return self.results / self.pin / self.label

    def built(self, variant: str) -> Path:
        """Where a variant's kernel and guest are."""
        return self.build / self.pin / f"{variant}-{self.label}"

    def words(self) -> str:
        """What make has to be told for these settings."""
        return told(self.pin, self.flavour, self.arch)


@cache
def get() -> Settings:
    """The settings of this run."""
    return Settings()


def options(text: str) -> argparse.ArgumentParser:
    """What reads the arguments of a verb; text, the docstring of its module, is what -h prints."""
    return argparse.ArgumentParser(description=text, usage=argparse.SUPPRESS,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def say(name: str, text: str) -> None:
    """Progress, with the seconds since the run began."""
    print(f"[{time.time() - get().started:4.0f} s] {name}{': ' if name else ''}{text}", flush=True)
