#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pack the guest's initramfs for one variant: initramfs.sh base|series|drop/PATCH|set/SET
#
# Holds the program of selftests/guest as /init; the programs of selftests/, its module test_memmap
# and the variant's modules under /tests; busybox, ndctl, daxctl, mke2fs, makedumpfile and
# bash with the libraries they need; and in /tests/FOLDER the tag's own kselftests, see
# tree-tests.sh. The programs are built once for a pin, in build/PIN/selftests, against the
# kselftest.h and lib.mk of its tree. Packed with the tree's gen_init_cpio into
# build/PIN/VARIANT-FLAVOUR/guest.cpio, when something that goes into it has changed;
# guest.sums beside it tells what is in /init and /tests. What is not built here is this
# machine's, or of guest-apt.sh for another architecture. Environment: PIN FLAVOUR ARCH.
#
# Exit codes: 0 packed or up to date, 1 a test does not compile, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"

VARIANT=${1:-$VARIANT}
src=$tree
case $VARIANT in
base) src=$base_tree ;;
drop/*) VARIANT=$("$root/scripts/series/drop.sh" --name "$VARIANT") || exit ;;
esac
out=$build_d/$VARIANT-$label
tests=$build_d/selftests
[[ $arch == x86_64 ]] || tests+=-$arch
[[ -f $out/kernel.stamp ]] || die 2 "no kernel in $out; run: make kernel VARIANT=$VARIANT"
# sbin is not in everybody's PATH
PATH=$PATH:/usr/sbin:/sbin
tools=(ndctl daxctl mke2fs makedumpfile bash)
# the CROSS_COMPILE of the kernel is that of the tests
prefix=
for word in $(arch_key make); do
	[[ $word != CROSS_COMPILE=* ]] || prefix=${word#*=}
done
build_folder
sysroot=
if [[ $arch != "$(uname -m)" ]]; then
	"$root/scripts/kernel/guest-apt.sh" || exit
	sysroot=$BUILD/tools-$arch
fi
# tool NAME: where it is
tool() {
	local path=$PATH
	[[ -z $sysroot ]] || path=$sysroot/bin:$sysroot/usr/bin:$sysroot/sbin:$sysroot/usr/sbin
	PATH=$path type -P "$1"
}
for tool in busybox "${tools[@]}"; do
	tool "$tool" >/dev/null || die 2 "no $tool on this machine; run: make deps"
done

# the programs: make knows what has changed, but for what they are built with and those that went
with=$(cat "$root/selftests/Makefile" "$tree"/tools/testing/selftests/{kselftest.h,lib.mk} \
	<("${prefix}gcc" --version; cd "$root/selftests" && find . -name '*.[ch]' | sort) | sha256sum)
[[ $with == "$(cat "$tests/with" 2>/dev/null)" ]] || rm -rf "$tests"
mkdir -p "$tests"
log=$tests/build.log
if ! make -C "$root/selftests" "OUTPUT=$tests" "KSFT=$tree/tools/testing/selftests" "DEFINE=$test_define" \
	"CROSS_COMPILE=$prefix" "-j${JOBS:-$(nproc)}" >"$log" 2>&1; then
	grep -m 5 -E 'error:|warning:|Error ' "$log" >&2 || tail -n 5 "$log" >&2
	die 1 "the tests of selftests/ do not compile for $PIN, see $log"
fi
echo "$with" >"$tests/with"
# a drop or a set got its module with its kernel
[[ $VARIANT == */* ]] || "$root/scripts/kernel/test-module.sh" "$src" "$out" || exit
own=
if [[ -z $sysroot ]]; then
	"$root/scripts/kernel/tree-tests.sh" "$src"
	[[ ! -f $build_d/tree-tests/list ]] || own=$build_d/tree-tests
fi
mapfile -t packed < <(for tool in busybox "${tools[@]}"; do tool "$tool"; done)
mapfile -t modules < <(find "$out" -name '*.ko')
mapfile -t programs < <(find "$tests" -maxdepth 1 -name 'memmap_*' ! -name '*.*' | sort)
sums=$(
	cd "$tests" && sha256sum init "${programs[@]##*/}"
	cd "$out" && sha256sum "${modules[@]#"$out/"}"
	[[ -z $own ]] || (cd "$own" && xargs -d '\n' sha256sum <list)
)
key=$(cat "${BASH_SOURCE[0]}" "${packed[@]}" <(echo "$sums") | sha256sum | cut -d' ' -f1)
[[ -s $out/guest.cpio && -f $out/guest.stamp && $(<"$out/guest.stamp") == "$key" ]] && exit 0
rm -f "$out/guest.stamp"

# libraries PROGRAM: the paths that it has the loader look for, and the loader's.
# Of another architecture's program there is no ldd, only what it says itself
libraries() {
	if [[ -z $sysroot ]]; then
		ldd "$1" 2>/dev/null | sed -nE 's@^\t([^ ]+ => )?(/[^ ]+) .*@\2@p'
		return
	fi
	local -a queue=("$1")
	local -A found=()
	local name path
	readelf -lW "$1" | sed -nE 's/.*interpreter: (.*)\]/\1/p'
	while ((${#queue[@]})); do
		while read -r name; do
			[[ -z ${found[$name]:-} ]] || continue
			path=$(cd "$sysroot" && find lib usr/lib -name "$name" -print -quit)
			[[ -n $path ]] || die 1 "no $name in $sysroot, which $1 needs"
			found[$name]=1
			queue+=("$sysroot/$path")
			echo "/$path"
		done < <(readelf -dW "${queue[0]}" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p')
		queue=("${queue[@]:1}")
	done
}

# followed PATH: where it is, its links followed as the guest would
followed() {
	local path=$sysroot$1 to
	while [[ -L $path ]]; do
		to=$(readlink "$path")
		[[ $to == /* ]] && path=$sysroot$to || path=${path%/*}/$to
	done
	echo "$path"
}

# file PATH FROM, with the folders above it
declare -A seen=()
folder() {
	[[ -z $1 || -n ${seen[$1]:-} ]] && return
	folder "${1%/*}"
	seen[$1]=1
	echo "dir $1 0755 0 0"
}
file() {
	[[ -z ${seen[$1]:-} ]] || return 0
	folder "${1%/*}"
	seen[$1]=1
	echo "file $1 $2 0755 0 0"
}
with_libraries() {
	local library list
	file "$1" "$2"
	list=$(libraries "$2") || [[ -z $sysroot ]] || exit	# ldd has nothing to say of a static program
	while read -r library; do
		[[ -z $library ]] || file "$library" "$(followed "$library")"
	done <<<"$list"
}
{
	for dir in /dev /proc /sys /tmp /run /etc /bin; do
		folder "$dir"
	done
	echo "nod /dev/console 0600 0 0 c 5 1"
	file /init "$tests/init"
	for program in "${programs[@]}"; do
		with_libraries "/tests/${program##*/}" "$program"
	done
	[[ -z $own ]] || while read -r program; do
		file "/tests/$program" "$own/$program"
	done <"$own/list"
	for module in "${modules[@]}"; do
		file "/tests/${module##*/}" "$module"
	done
	file /bin/busybox "$(tool busybox)"
	busybox --list | while read -r applet; do
		[[ $applet == busybox ]] || echo "slink /bin/$applet busybox 0777 0 0"
	done
	for tool in "${tools[@]}"; do
		with_libraries "/bin/$tool" "$(tool "$tool")"
	done
} >"$out/guest.list"
"$out/usr/gen_init_cpio" "$out/guest.list" >"$out/guest.cpio.tmp"
mv "$out/guest.cpio.tmp" "$out/guest.cpio"
echo "$sums" >"$out/guest.sums"
finished "$out/guest.stamp" "$key"
stage "$VARIANT-$label: $(du -h "$out/guest.cpio" | cut -f1) packed"
