#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build test_memmap, the matrix's own kernel module, for one kernel:
#
#   test-module.sh SRC OUT
#
# SRC is the source of the kernel that was built in OUT. selftests/module/ is copied to
# OUT/test_memmap and built there, as any external module is. Nothing is done when
# neither it nor the kernel has changed. A warning is an error. Environment: PIN ARCH.
#
# Exit codes: 0 built or up to date, 1 it does not build, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"
. "$root/scripts/kernel/kbuild.sh"

src=${1:?} out=${2:?}
to=$out/test_memmap
kernel_setup
[[ -f $out/Module.symvers ]] || die 2 "no kernel in $out; run: make kernel"
key=$(cat "${BASH_SOURCE[0]}" "$root"/selftests/module/* "$out/Module.symvers" "$out/.config" \
	"$out/include/config/kernel.release" <(echo "$test_define $compiler $src") | sha256sum | cut -d' ' -f1)
[[ ! -f $to/test_memmap.ko || $key != "$(cat "$to/stamp" 2>/dev/null)" ]] || exit 0

mkdir -p "$to"
rm -f "$to"/stamp "$to"/*.ko
cp "$root"/selftests/module/* "$to"
if ! make -C "$src" "O=$out" "M=$to" "CC=$cc" KCFLAGS=-g1 "DEFINE=$test_define" modules >"$to/build.log" 2>&1 ||
	grep -q 'warning:\|WARNING:' "$to/build.log"; then
	grep -m 5 -i -E 'error:|warning:|Error |undefined' "$to/build.log" >&2 || tail -n 5 "$to/build.log" >&2
	die 1 "test_memmap does not build, see $to/build.log"
fi
finished "$to/stamp" "$key"
