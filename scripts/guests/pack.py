# SPDX-License-Identifier: GPL-2.0
"""One archive with all that the guests need, for a machine that has QEMU, bash and Python alone.

usage: pack

Writes build/memmap-PIN-FLAVOUR.tar.gz: the kernels and initramfs of VARIANT, the cases, and the
Python that runs and judges them. Unpacked anywhere, its `run` is `make boot compare` without
make: ./run, or CASE=@quick SHARD=2/4 JOBS=8 ./run; results are below results/ beside it.
`sbatch slurm.sbatch` is the same for slurm, an array of parts.
Environment: PIN VARIANT FLAVOUR ARCH BUILD; RESULTS, whose run times shards of the pack go by.
Exit code: 0 written, 2 bad input.
"""
import io
import json
import tarfile

from guests.case import find
from guests.machine import architecture, footprint, require_built
from guests.shard import stored_seconds
from settings import SCRIPTS, die, get, options, say

RUN = """#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the guests of this pack and print the table: {pin} {label}, {variants}.
# Environment: CASE SHARD JOBS ACCEL TIMEOUT_SCALE RESULTS; see scripts/guests/boot.py.
[ -z "$RESULTS" ] || export RESULTS="$(mkdir -p "$RESULTS" && cd "$RESULTS" && pwd)"
cd "$(dirname "$0")" || exit 2
export PIN={pin} FLAVOUR={flavour} ARCH={arch} VARIANT=${{VARIANT:-'{variants}'}}
unset BUILD CONFIGS SERIES_DIR DRY
python3 scripts boot || (($? == 125)) || exit 2
exec python3 scripts compare
"""

SLURM = """#!/bin/bash
# The cases of this pack in eight parts, a CPU each; --mem is for the largest guest. Other parts:
# sbatch --array=1-16 slurm.sbatch; one of eight again: PARTS=8 sbatch --array=3 slurm.sbatch
#SBATCH --array=1-8 --cpus-per-task=1 --mem={mem}M --output=part-%a.log
export SHARD=$SLURM_ARRAY_TASK_ID/${{PARTS:-$SLURM_ARRAY_TASK_COUNT}} RESULTS=$PWD/part-$SLURM_ARRAY_TASK_ID JOBS=1
rm -rf "$RESULTS"
exec ./run
"""
QEMU_ITSELF = 512 << 20     # bytes, beside the memory of its guest


def memory() -> int:
    """What slurm has to give for the largest guest, in MiB: boot uses four fifths of what a machine has."""
    return (max(map(footprint, find("*", get().flavour))) + QEMU_ITSELF) * 5 // 4 >> 20


def main() -> int:
    options(__doc__).parse_args()
    s = get()
    require_built(s.variants)
    names = {f"scripts/{path.relative_to(SCRIPTS)}": path for path in (*SCRIPTS.glob("*.py"), *SCRIPTS.glob("guests/*.py"))}
    names |= {f"qemu-configs/{path.relative_to(s.configs)}": path for path in s.configs.rglob("*") if path.is_file()}
    for path in s.series.parent.glob("*/base"):     # cases name other pins, too
        names[f"series/{path.parent.name}/base"] = path
    for variant in s.variants:
        for name in (architecture()["image"], "guest.cpio", "guest.sums", "build.json"):
            names[f"build/{s.pin}/{variant}-{s.label}/{name}"] = s.built(variant) / name
            if not (s.built(variant) / name).is_file():
                die(f"no {s.built(variant) / name}; run: make guest{s.words()}")
    texts = {"run": RUN.format(pin=s.pin, label=s.label, flavour=s.flavour, arch=s.arch, variants=" ".join(s.variants)),
             "slurm.sbatch": SLURM.format(mem=memory()), "series/default": f"{s.pin}\n",
             "seconds": json.dumps(stored_seconds(find("*", s.flavour)), indent=1) + "\n"}
    top = f"memmap-{s.pin}-{s.label}"
    to = s.build / f"{top}.tar.gz"
    say("pack", f"{len(names) + len(texts)} files")
    with tarfile.open(to.with_suffix(".part"), "w:gz") as tar:
        for name, text in texts.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode = len(text), 0o755 if name == "run" else 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
        for name, path in sorted(names.items()):
            tar.add(path, f"{top}/{name}")
    to.with_suffix(".part").rename(to)
    say("pack", f"{to}: {to.stat().st_size >> 20} MiB; unpack it anywhere and run: {top}/run")
    return 0
