#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests the shell with a QEMU that is a stand-in and prints its arguments.
#
# usage: scripts/tests/test_shell.sh

set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
unset PIN VARIANT FLAVOUR CASE ACCEL DRY ARCH SERIES_DIR PATCHES_DIR RESULTS TESTS CONSOLE KERNEL INITRD GDB_PORT
mkdir -p conf/arch tmp build/v5.10.223/series-default/arch/x86/boot
cp "$root"/qemu-configs/arch/*.conf conf/arch/
printf '%s\n' "# one" "machine = q35" "tests = memmap_zones" "timeout = 3" "mem = 64M" >conf/one.conf
cp conf/one.conf conf/two.conf
printf '#!/bin/bash\necho "$@"\nexit 3\n' >qemu
chmod +x qemu
export QEMU=$tmp/qemu CONFIGS=$tmp/conf BUILD=$tmp/build ACCEL=tcg TMPDIR=$tmp/tmp

failures=0
check() {	# what, expected exit code, expected words, arguments...
	local code=0 what=$1 want=$2 words=$3
	shift 3
	python3 "$root/scripts" shell "$@" >out 2>&1 </dev/null || code=$?
	if [ "$code" = "$want" ] && grep -qF -- "$words" out; then
		echo "ok - $what"
	else
		echo "not ok - $what: exit $code, $(cat out)"
		failures=$((failures + 1))
	fi
}

check "no kernel" 2 "run: make kernel" one
touch build/v5.10.223/series-default/{arch/x86/boot/bzImage,guest.cpio}
check "a shell is the test, and QEMU's status ours" 3 'tests="shell"' one
check "console on the terminal, with a monitor" 3 "-mon chardev=console" one
check "further arguments" 3 "-d guest_errors" one -d guest_errors
TESTS=memmap_zones check "other tests" 3 'tests="memmap_zones"' one
check "debug: stub on the loopback, halted" 3 "-gdb tcp:127.0.0.1:1234 -S" --debug one
check "debug: the case's tests" 3 'tests="memmap_zones"' --debug one
check "debug: gdb command" 3 "build/v5.10.223/series-default/vmlinux" --debug one
VARIANT="base series" check "make's list of variants" 3 'tests="shell"' one
DRY=1 check "dry" 0 "# with TESTS=shell" one
sed 's/q35/pseries\narch = ppc64le/' conf/one.conf >conf/other.conf
mkdir -p build/v5.10.223/series-default-ppc64le
touch build/v5.10.223/series-default-ppc64le/{vmlinux,guest.cpio}
ARCH=ppc64le check "another architecture" 3 "console=hvc0" other
rm conf/other.conf
check "two cases" 2 "must be the whole name" '*'
check "a pattern" 2 "must be the whole name" 'on?'
check "no such case" 2 "the cases are: one two" three
check "no case" 2 "usage:"
check "debug without a case" 2 "usage:" --debug
[ -z "$(ls tmp)" ] || { echo "not ok - left: $(ls tmp)"; failures=1; }

exit $((failures > 0))
