# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests of what starts guests: a project with our scripts and no case in $tmp,
# which is the working directory then, and kernels that are stand-ins.
#
#   . "$(dirname "$0")/lib/guest.bash"
#
# shellcheck disable=SC2317 # check() runs fails() and to()

set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset PIN VARIANT FLAVOUR CASE ACCEL JOBS DRY ARCH SET FORCE BUILD RESULTS CONFIGS SERIES_DIR PATCHES_DIR TIMEOUT_SCALE TESTS CONSOLE KERNEL INITRD QEMU
unset MAKEFLAGS MAKELEVEL STARTED N RESULT
mkdir -p "$tmp/scripts" "$tmp/qemu-configs/arch"
cp -rp "$root"/scripts/{*.py,series,guests} "$tmp/scripts/"
mkdir -p "$tmp/series/v5.10.223"
echo v5.10.223 >"$tmp/series/default"
echo 'tag = v5.10.223' >"$tmp/series/v5.10.223/base"
cp "$root"/qemu-configs/arch/*.conf "$tmp/qemu-configs/arch/"
cd "$tmp"

failures=0
check() {	# what, command...
	local what=$1
	shift
	if "$@"; then echo "ok - $what"; else echo "not ok - $what"; failures=$((failures + 1)); fi
}
fails() {	# exit code, words on stderr, command...
	local want=$1 words=$2 code=0
	shift 2
	"$@" >out 2>err || code=$?
	[ "$code" = "$want" ] && [ "$(wc -l <err)" = 1 ] && grep -q -- "$words" err
}

to() {	# file, command...
	local file=$1
	shift
	"$@" >"$file"
}

make_case() {	# name, tests, timeout, mem, more lines
	printf '%s\n' "# stands in" "machine = q35" "tests = $2" "timeout = $3" "mem = $4" "${@:5}" \
		>"qemu-configs/$1.conf"
}
kernels() {	# what is built: all but the initramfs
	for v in base series; do
		mkdir -p "build/v5.10.223/$v-default/arch/x86/boot"
		touch "build/v5.10.223/$v-default/arch/x86/boot/bzImage"
	done
}
initramfs() {
	for v in base series; do
		touch "build/v5.10.223/$v-default/guest.cpio"
		echo '{"kernel": "k1", "config": "c1", "compiler": "cc"}' >"build/v5.10.223/$v-default/build.json"
	done
}
