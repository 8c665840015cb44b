#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# clean.sh removes what was built of a pin, keeps source and results, and refuses to drop somebody's work.
. "$(dirname "$0")/lib/fake.bash"

two_patches
mkdir -p "$fr/results/v0.1/default" "$fr/results/v0.2/default" "$fr/build/v0.2"
touch "$fr"/build/{accel,memmap-v0.1-default.tar.gz,memmap-v0.2-default.tar.gz}
echo x >>"$b/linux/mm/c.c"
want 2 'linux has changes of yours; run: make refresh .keep them. or make clean FORCE=1' "$s/clean.sh"
[[ -d $b/linux && -d $fr/results/v0.1 ]] || bad 'something went though it was refused'
k commit -qam 'mm: not in patches yet'
want 2 'linux has changes of yours' "$s/clean.sh"
FORCE=1 want 0 '' "$s/clean.sh"
no_rest 'clean'
[[ -n $(ls "$b/download") ]] || bad 'the source went, too'
[[ ! -e $fr/build/memmap-v0.1-default.tar.gz && ! -e $fr/build/accel ]] || bad 'a pack is left'
[[ -d $fr/results/v0.1/default ]] || bad 'results went, too'
[[ -e $fr/build/memmap-v0.2-default.tar.gz && -d $fr/build/v0.2 ]] || bad 'another pin went, too'
want 0 '' "$s/clean.sh"
end
