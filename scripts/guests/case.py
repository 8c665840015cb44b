# SPDX-License-Identifier: GPL-2.0
"""Read the case files, qemu-configs/<case>.conf: one file, one guest.

usage: list [--check] [--one] [GLOB]

Prints the name of each case of PIN, FLAVOUR and ARCH, its groups, and its first line: what it
shows; with GLOB `*` also what no case shows, and why (qemu-configs/not-here). --check and
--one print nothing: they end with 2 when a setting of a run is wrong, --one when GLOB is no case's name, too.
GLOB may be several, space separated; @quick is every case in the group quick.
A case runs in each flavour, except where its `flavours` names others; a flavour whose
fragment says `# only: cases that name it` runs those alone. It is there for each pin,
except where its `pins` names others, by their short names (`short` in series/PIN/base).
A file that does not parse ends the run with exit code 2 and "file:line: what".
As a module: load(path) gives one Case, find(glob) those that match.
"""
import fnmatch
import functools
import itertools
import re
import shlex
from dataclasses import asdict, dataclass, field
from pathlib import Path

from settings import ROOT, BadInput, die, get, lines_of, options, text_of, told

ONCE = ("arch", "machine", "mem", "cpus", "tests", "timeout", "boots", "panics", "group", "flavours", "pins",
        "base_fails", "base_dies", "report")
BASE = ("base_fails", "base_dies")      # and base_fails.kasan, base_fails.v7, base_fails.v7.kasan
OF_PIN = ("tests", "devices", "append", "allows", "may_skip")   # and tests.v7, instead; append.v7 and the like, in addition
NOTHING = "-"       # base_fails where base fails nothing
REPEATED = ("devices", "append", "hotplug", "files", "allows", "may_skip", "set_fails")
ONLY = "# only: cases that name it"     # in a flavour's fragment
REQUIRED = ("machine", "mem", "tests", "timeout")
# a change of these leaves the guest, and a result of it, as they are
NOT_GUEST = ("claim", "group", "flavours", "pins", "base_fails", "base_dies", "set_fails", "report")
GROUPS = ("quick",)
SIZE = re.compile(r"[1-9]\d*[KMGT]?")
SPECIAL = re.compile(r"(?!$)(v\d[\w.-]*?)?(?:(?:^|\.)([a-z]\w*))?")   # a pin, a flavour, or both
FAILURE = re.compile(r"[\w-]+(\.[\w.-]+)?")


@functools.cache
def of_pins(configs: Path, key: str) -> dict[str, list[str]]:
    """The words of a key in series/PIN/base, by pin. The pins are those beside the folder of the cases,
    or ours: a result has a case of its own."""
    bases = sorted(configs.parent.glob("series/*/base")) or sorted(ROOT.glob("series/*/base"))
    return {base.parent.name: " ".join(re.findall(rf"(?m)^{key} *= *(.+)$", base.read_text())).split() for base in bases}


def short_names(configs: Path) -> dict[str, list[str]]:
    """What cases call the pins: `short`, the name of a pin and of those that it is like, or its tag."""
    return {pin: words or [pin] for pin, words in of_pins(configs, "short").items()}


class CaseError(BadInput):
    """A case file that cannot be used; the text names the file and the line."""


@dataclass
class Case:
    """One case; the fields are the keys of the file, parsed."""
    name: str
    claim: str
    arch: str = "x86_64"
    machine: str = ""
    mem: str = ""
    cpus: int = 1
    timeout: int = 0            # seconds, for all boots together
    boots: int = 1              # how often cmd.sh starts QEMU, see machine.py
    panics: str = ""            # a regular expression: the console line of the one panic that is meant
    devices: list[str] = field(default_factory=list)        # one item a line
    append: list[str] = field(default_factory=list)
    tests: str = ""             # as the guest gets it; see programs()
    hotplug: dict[str, str] = field(default_factory=dict)   # DIMM name -> size
    nodes: dict[str, int] = field(default_factory=dict)     # DIMM name -> node, if it says
    files: dict[str, str] = field(default_factory=dict)     # file name -> size
    allows: list[str] = field(default_factory=list)         # denied console lines that it means to make
    may_skip: dict[str, str] = field(default_factory=dict)  # test, or pattern of tests -> why it may be skipped
    group: list[str] = field(default_factory=list)
    flavours: list[str] = field(default_factory=list)       # empty: see runs_in()
    pins: list[str] = field(default_factory=list)           # empty: all
    base_fails: list[str] = field(default_factory=list)
    base_dies: str = ""         # a regular expression: the console line that says of what
    set_fails: dict[str, list[str]] = field(default_factory=dict)   # set of patches -> what needs others, too
    report: str = ""            # series/PIN/reports/ has this bug, which no patch fixes: every variant does as base

    @property
    def reported(self) -> bool:
        """Is it red in every variant, for a bug that is reported?"""
        return bool(self.report and (self.base_fails or self.base_dies))

    def fails(self, variant: str) -> list[str]:
        """What fails in a variant, when all is as expected."""
        return self.base_fails if variant == "base" or self.reported else self.set_fails.get(variant.removeprefix("set/"), [])

    def dies(self, variant: str) -> str:
        """A regular expression for the last words of a variant that does not survive, or nothing."""
        return self.base_dies if variant == "base" or self.reported else ""

    def expects_skip(self, test: str) -> bool:
        """Does the case say that this test may be skipped?"""
        return any(fnmatch.fnmatchcase(test, pattern) for pattern in self.may_skip)

    def programs(self) -> list[list[str]]:
        """The tests, each as its argument vector."""
        return [word.split(",") for word in self.tests.split()]

    def guest(self) -> dict:
        """What the guest is, and what it runs."""
        return {key: value for key, value in asdict(self).items() if key not in NOT_GUEST}


def add_sized(sizes: dict[str, str], key: str, value: str) -> None:
    """Parse `name size` of hotplug and files into sizes."""
    words = value.split()
    if len(words) != 2 or not re.fullmatch(r"\w[\w.-]*", words[0]):
        more = " [node=N]" if key == "hotplug" else ""
        raise ValueError(f"{key} wants 'name size{more}', not '{value}'")
    if not SIZE.fullmatch(words[1]):
        raise ValueError(f"bad number '{words[1]}'")
    if words[0] in sizes:
        raise ValueError(f"{key} '{words[0]}' is there twice")
    sizes[words[0]] = words[1]


def set_key(case: Case, key: str, value: str) -> None:
    """Check one value and put it into case; ValueError says what is wrong."""
    if not value:
        raise ValueError(f"no value for '{key}'")
    if key in ("cpus", "timeout", "boots"):
        if not re.fullmatch(r"[1-9]\d*", value):
            raise ValueError(f"bad number '{value}'")
        setattr(case, key, int(value))
    elif key == "hotplug" and (node := re.fullmatch(r"(.*\S)\s+node=(\d+)", value)):
        add_sized(case.hotplug, key, node[1])
        case.nodes[node[1].split()[0]] = int(node[2])
    elif key in ("hotplug", "files"):
        add_sized(getattr(case, key), key, value)
    elif key == "tests":
        case.tests = " ".join(value.split())
        if not all(argv[0] for argv in case.programs()):
            raise ValueError(f"a test without a name in '{value}'")
    elif key == "group":
        case.group = value.split()
        if odd := [name for name in case.group if name not in GROUPS]:
            raise ValueError(f"unknown group '{odd[0]}'; there is: {' '.join(GROUPS)}")
    elif key in ("flavours", "pins"):
        setattr(case, key, value.split())
    elif key == "base_fails":
        case.base_fails = value.split() if value != NOTHING else []
        if odd := [name for name in case.base_fails if not FAILURE.fullmatch(name)]:
            raise ValueError(f"'{odd[0]}' is not the name of a failure")
    elif key == "set_fails":
        name, *failures = value.split()
        if not failures or name in case.set_fails:
            raise ValueError("set_fails wants 'set failure...', once for a set")
        if odd := [name for name in failures if not FAILURE.fullmatch(name)]:
            raise ValueError(f"'{odd[0]}' is not the name of a failure")
        case.set_fails[name] = failures
    elif key in ("base_dies", "panics", "allows"):
        try:
            found = re.compile(value)
        except re.error as err:
            raise ValueError(f"{key}: {err}") from err
        if key == "allows" and found.search(""):
            raise ValueError(f"allows: '{value}' matches every line")
        setattr(case, key, [*case.allows, value] if key == "allows" else value)
    elif key == "may_skip":
        pattern, _, why = value.partition(" ")
        if not why:
            raise ValueError("may_skip wants 'test why', not '" + value + "'")
        case.may_skip[pattern] = why.strip()
    elif key in REPEATED:
        if key == "devices":
            shlex.split(value)      # ValueError: No closing quotation
        getattr(case, key).append(value)
    else:
        if key == "mem" and not SIZE.fullmatch(value.split(",")[0]):
            raise ValueError(f"bad number '{value.split(',')[0]}'")
        setattr(case, key, value)


def load(path: Path, name: str = "", flavour: str = "", pin: str = "") -> Case:
    """Parse one case file; CaseError on the first thing that is wrong. Where base
    does something else in a flavour or on a pin, base_fails.kasan and the like say that."""
    path, pin = Path(path).resolve(), pin or get().pin
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as err:
        raise CaseError(f"{shown}: cannot be read: {err}") from err

    claim = lines[0].removeprefix("#").strip() if lines else ""
    if not claim or not lines[0].startswith("#") or claim.startswith("SPDX"):
        raise CaseError(f"{shown}:1: the first line must be '# what it shows'")
    case = Case(name or path.stem, claim)
    fragments, shorts = path.parent / "kernel" / "flavour", short_names(path.parent)
    seen, special = set(), {}   # special: what base does, by what is behind the dot
    for where, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        try:
            if not equals:
                raise ValueError(f"not 'key = value': '{line.strip()}'")
            word, dot, of = key.partition(".")
            there, where_else = m.groups() if dot and (m := SPECIAL.fullmatch(of)) else (None, None)
            if key not in ONCE + REPEATED and not (word in BASE and (there or where_else)
                                                   or word in OF_PIN and there and not where_else):
                raise ValueError(f"unknown key '{key}'")
            for name in [there] if there else value.split() if key == "pins" else []:
                if shorts and not any(name in words for words in shorts.values()):
                    raise ValueError(f"unknown pin '{name}'")
            for name in [where_else] if where_else else value.split() if key == "flavours" else []:
                if fragments.is_dir() and not (fragments / f"{name}.config").exists():
                    raise ValueError(f"unknown flavour '{name}'")
            if key == "arch" and (archs := path.parent / "arch").is_dir() and not (archs / f"{value}.conf").exists():
                raise ValueError(f"unknown architecture '{value}'")
            if word not in REPEATED and key in seen:
                raise ValueError(f"key '{key}' is there twice")
            set_key(special.setdefault(of, Case("", "")) if dot else case, word, value)
        except ValueError as err:
            raise CaseError(f"{shown}:{where}: {err}") from err
        seen.add(key)
    for key in REQUIRED:
        if key not in seen:
            raise CaseError(f"{shown}:{len(lines)}: missing key '{key}'")
    names = shorts.get(pin, [pin])
    for of in (*(word for name in names for word in (f"{name}.{flavour}", name)), flavour):
        if seen & {f"{word}.{of}" for word in BASE}:
            case.base_fails, case.base_dies = special[of].base_fails, special[of].base_dies
            break
    for word in OF_PIN:
        if own := next((special[name] for name in names if f"{word}.{name}" in seen), None):
            if word == "tests":
                case.tests = own.tests
            elif word == "may_skip":
                case.may_skip |= own.may_skip
            else:
                getattr(case, word).extend(getattr(own, word))
    return case


def runs_in(case: Case, flavour: str, configs: Path) -> bool:
    """Does the case make sense in this flavour?"""
    if case.flavours:
        return flavour in case.flavours
    return ONLY not in text_of(configs / "kernel" / "flavour" / f"{flavour}.config").splitlines()


def find(glob: str = "*", flavour: str = "", arch: str | None = None, pin: str = "") -> list[Case]:
    """The cases of a pin and an architecture (of all: "") by name; glob may be several, or
    @group, space separated. With a flavour: those that run in it."""
    configs, pin = get().configs, pin or get().pin
    arch = get().arch if arch is None else arch
    groups = {word[1:] for word in glob.split() if word.startswith("@")}
    found, shorts = [], short_names(configs.resolve()).get(pin, [pin])
    some = of_pins(configs.resolve(), "cases").get(pin) or ["*"]     # a pin may have few
    for path in sorted(configs.glob("*.conf"), key=lambda path: path.stem):
        named = any(fnmatch.fnmatchcase(path.stem, word) for word in glob.split())
        case = load(path, flavour=flavour, pin=pin) if named or groups else None    # need not even parse
        if case and (flavour and not runs_in(case, flavour, configs) or arch not in ("", case.arch)
                     or case.pins and not set(shorts) & set(case.pins)
                     or not any(fnmatch.fnmatchcase(case.name, word) for word in some)):
            continue
        if case and (named or groups & set(case.group)):
            found.append(case)
    return found


def chosen(glob: str = "") -> list[Case]:
    """The cases that run with these settings, or of glob; exits if none matches or one does not parse."""
    glob, flavour = glob or get().cases, get().flavour
    if cases := find(glob, flavour):
        return cases
    if others := find(glob):
        die(f"flavour {flavour} has none of: {' '.join(case.name for case in others)}; see `flavours` in qemu-configs/README.md")
    # another pin's, or another architecture's, of the pin at hand among others
    for arch, pin in itertools.product((get().arch, ""), short_names(get().configs.resolve())):
        if others := find(glob, flavour, arch, pin):
            there = told(pin, flavour, others[0].arch) or (
                f" PIN={pin}" if others[0].arch == get().arch else f" ARCH={others[0].arch}")
            die(f"{others[0].name} is no case of {get().pin} {get().arch}; add{there}")
    die(f"no case matches '{glob}'; the cases are: {' '.join(case.name for case in find('*', flavour)) or 'none'}")


def one(name: str) -> Case:
    """The case of this name; exits if it is a pattern."""
    cases = chosen(name)
    return cases[0] if [case.name for case in cases] == [name] else die(f"'{name}' must be the whole name of one case; run: make list")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--one", action="store_true")
    parser.add_argument("glob", nargs="?", default=get().cases)
    args, s = parser.parse_args(), get()
    cases = chosen(args.glob)
    if args.check or args.one:
        assert s.variants and s.accel and s.jobs and s.scale and s.shard    # reading them checks them
        if args.one:
            one(args.glob)
        return 0
    width = max(len(case.name) for case in cases)
    groups = max(len(" ".join(case.group)) for case in cases)
    for case in cases:
        column = f"  {' '.join(case.group):{groups}}" if groups else ""
        print(f"{case.name:{width}}{column}  {case.claim}")
    if args.glob == "*" and (absent := lines_of(s.configs / "not-here")):
        print("\nWhat no case shows:")
        print(*(line for _, line in absent), sep="\n")
    return 0
