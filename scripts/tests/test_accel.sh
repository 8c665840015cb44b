#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests the probe of KVM with a QEMU that is a stand-in: a guest that starts, one that
# hangs, one that QEMU gives up on; and what is remembered.
#
# usage: scripts/tests/test_accel.sh

set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
[ "$(uname -m)" = x86_64 ] || { echo "1..0 # SKIP the host is not x86_64"; exit 77; }
touch kvm
unset ARCH CONFIGS PIN FLAVOUR VARIANT ACCEL SERIES_DIR PATCHES_DIR RESULTS
export BUILD=$tmp/build QEMU=$tmp/qemu KVM_DEV=$tmp/kvm KVM_LIMIT=1

failures=0
check() {	# what, expected answer, expected words in the reason, arguments...
	local answer what=$1 want=$2 words=$3
	shift 3
	answer=$(python3 "$root/scripts" accel "$@" 2>err || echo "exit $?")
	if [ "$answer" = "$want" ] && { sed -n 2p build/accel 2>/dev/null || true; cat err; } | grep -q -- "$words"; then
		echo "ok - $what"
	else
		echo "not ok - $what: $answer; $(cat build/accel err 2>/dev/null)"
		failures=$((failures + 1))
	fi
}
guest() {	# what the stand-in does
	# shellcheck disable=SC2016 # $1 is the stand-in's
	printf '#!/bin/bash\n[ "$1" != --version ] || { echo "QEMU 1.0 %s"; exit 0; }\n%s\n' "${2-}" "$1" >qemu
	chmod +x qemu
}

guest 'echo "[ 0.1] init: start"; exec sleep 30'
check "no kernel" "exit 2" "run: make kernel"
KVM_DEV=$tmp/nothing check "no device needs no kernel" tcg "there is no"
mkdir -p build/v1/drop/x-default/arch/x86/boot
touch build/v1/drop/x-default/{arch/x86/boot/bzImage,guest.cpio}
check "a guest that starts" kvm "reached PID 1" --force
guest 'echo $$ >pid; exec sleep 30'
check "remembered" kvm "reached PID 1"
check "a guest that hangs" tcg "did not reach PID 1 in 1 s" --force
sleep 0.1
if ps -o stat= -p "$(cat pid)" | grep -qv Z; then echo "not ok - QEMU is left"; failures=1; fi
guest 'echo "failed to set MSR"; exit 1' 'another one'
check "a new QEMU is probed, and gives up" tcg "gave up on it: failed to set MSR"
guest 'echo "init: start"; exec sleep 30' 'another one'
check "remembered again" tcg "gave up"
echo 'echo "Linux version 1"; exit 1' | { read -r does; guest "$does" third; }
check "a kernel that does not come up" tcg "a guest kernel ended before PID 1"
guest 'echo "init: start"; exec sleep 30' third
check "is remembered" tcg "ended before PID 1"
touch -d '+1 min' build/v1/drop/x-default/arch/x86/boot/bzImage
check "until there is another kernel" kvm "reached PID 1"
guest 'echo "failed to set MSR"; exit 1' fourth
check "gives up" tcg "gave up"
guest 'echo "init: start"; exec sleep 30' fourth
ACCEL=kvm check "asked again when KVM is wanted" kvm "reached PID 1" --force
touch newkvm
KVM_DEV=$tmp/newkvm check "another device" kvm "reached PID 1"
before=$(cat build/accel)
if [ "$(ARCH=ppc64le python3 "$root/scripts" accel)" = tcg ] && grep -q "the host is x86_64, not ppc64le" build/accel-ppc64le &&
	[ "$(cat build/accel)" = "$before" ]; then
	echo "ok - another architecture has an answer of its own"
else
	echo "not ok - another architecture: $(cat build/accel-ppc64le)"
	failures=$((failures + 1))
fi
check "bad argument" "exit 2" "unrecognized arguments" --what

exit $((failures > 0))
