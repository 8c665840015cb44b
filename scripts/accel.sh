#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Finds out whether KVM really runs a guest here, and prints kvm or tcg.
#
# usage: scripts/accel.sh [--force]
#
# /dev/kvm may exist, open and take ioctls, and still never run a kernel (nested
# or sandboxed hosts). So the newest kernel under BUILD is booted under KVM and must say
# "init: start" within KVM_LIMIT (15) seconds. The answer, its reason and what it
# depends on are kept in BUILD/accel (accel-ARCH when that is not x86_64); --force asks again. Environment: BUILD, QEMU,
# ARCH, CONFIGS, KVM_LIMIT, KVM_DEV. Exit code: 0 answered, 2 there is no kernel yet.

set -euo pipefail

usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }
die() { echo "accel.sh: $*" >&2; exit 2; }

case "${1-}" in
-h|--help) usage; exit 0 ;;
''|--force) ;;
*) usage >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
dev=${KVM_DEV:-/dev/kvm}
limit=${KVM_LIMIT:-15}
arch=${ARCH:-x86_64}
conf=${CONFIGS:-$root/qemu-configs}/arch/$arch.conf
[ -r "$conf" ] || die "no $conf; ARCH= must be one of those beside it"
value() { sed -n "s/^$1 *= *//p" "$conf"; }
qemu=${QEMU:-$(value qemu)}
memory=$build/accel
[ "$arch" = x86_64 ] || memory+=-$arch
command -v "$qemu" >/dev/null || die "$qemu is not installed; run: make deps"

# The answer holds while these do: QEMU, the host's kernel, the device and our right to it.
state=absent
if [ -e "$dev" ]; then
	state="$(stat -c '%A %u:%g %t:%T' "$dev") for uid $(id -u)"
	if [ -r "$dev" ] && [ -w "$dev" ]; then state+=" usable"; fi
fi
key="$("$qemu" --version | head -n 1); host $(uname -r); $dev $state"

if [ "${1-}" != --force ] && [ "$(sed -n 3p "$memory" 2>/dev/null)" = "$key" ]; then
	head -n 1 "$memory"
	exit 0
fi

answer() {	# kvm|tcg reason
	mkdir -p "$build"
	printf '%s\n' "$1" "$2" "$key" >"$memory.$$"
	mv "$memory.$$" "$memory"
	echo "$1"
	exit 0
}

[ "$state" != absent ] || answer tcg "there is no $dev"
[[ $state = *usable ]] || answer tcg "$dev is there, but uid $(id -u) may not read and write it"
[ "$(uname -m)" = "$arch" ] || answer tcg "the host is $(uname -m), not $arch"

# The newest kernel that has its guest beside it, whatever its pin, variant and flavour.
image=$(value image)
kernel=
while read -r found; do
	if [ -e "${found%"$image"}guest.cpio" ]; then kernel=$found; break; fi
done < <(find -L "$build" -maxdepth 8 -path "*/$image" -printf '%T@ %p\n' 2>/dev/null | sort -rn | cut -d' ' -f2-)
[ -n "$kernel" ] || die "no kernel with a guest under $build to try KVM with; run: make kernel guest"

log=$(mktemp)
ulimit -c 0	# a QEMU that gives up on KVM may abort()
setpriv --pdeathsig KILL "$qemu" -nodefaults -no-user-config -display none -no-reboot -accel kvm \
	-cpu "$(value cpu-kvm)" -m 512M -kernel "$kernel" -initrd "${kernel%"$image"}guest.cpio" \
	-append "$(value append) panic=-1" -serial stdio </dev/null >"$log" 2>&1 &
pid=$!
disown		# bash need not tell us that it aborted
trap 'kill -KILL "$pid" 2>/dev/null || true; rm -f "$log"' EXIT

begin=${EPOCHREALTIME/[.,]/}
while now=${EPOCHREALTIME/[.,]/}; tenths=$(((now - begin) / 100000)); [ $tenths -lt $((limit * 10)) ]; do
	if grep -q 'init: start' "$log"; then
		answer kvm "a guest kernel reached PID 1 in $((tenths / 10)).$((tenths % 10)) s"
	fi
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.1
done
if kill -0 "$pid" 2>/dev/null; then
	answer tcg "$dev is there, but a guest kernel did not reach PID 1 in $limit s"
fi
answer tcg "$dev is there, but QEMU gave up on it: $(grep -m 1 . "$log" | tr -d '\r' | cut -c -120)"
