#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Time a model, in user space, of initialising the struct pages of device memory:
#
#   model.sh [ROUNDS [THREADS]]
#
# Compiles model/memmap_model.c, which says what it models, to BUILD/model/, and runs it.
# Environment: BUILD, SIZE of the device memory (64G: the model takes 1 GiB).
#
# Exit codes: 0 done, 1 it does not compile, or writes wrong bytes, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"

size=${SIZE:-64G}
[[ $size =~ ^[1-9][0-9]{0,6}G$ ]] || die 2 "SIZE=$size is not a size like 64G"
mib=$((${size%G} * 16))
((mib < $(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo))) ||
	die 2 "SIZE=$size takes $mib MiB of memory, more than is free"
out=$BUILD/model
source=$root/scripts/bench/model/memmap_model.c
mkdir -p "$out"
if ! gcc -O2 -Wall -Wextra -Werror -pthread -o "$out/memmap_model" "$source" >"$out/build.log" 2>&1; then
	die 1 "${source#"$root/"} does not compile: $(grep -m1 -E 'error:' "$out/build.log" || tail -n 1 "$out/build.log")"
fi
exec "$out/memmap_model" "$mib" "$@"
