#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pack the guest's initramfs for one variant: initramfs.sh base|series|drop/PATCH
#
# Holds selftests/init.c as /init, the kselftests of the variant's own tree (no
# drop is without tests: that of the series) and its modules under /tests, busybox,
# ndctl, daxctl, mke2fs, makedumpfile and bash with the libraries they need, and in
# /tests/FOLDER the tag's own kselftests, see tree-tests.sh. Built with the tree's
# gen_init_cpio into build/PIN/VARIANT-FLAVOUR/guest.cpio, when something that goes
# into it has changed. What is not built here is this machine's, or of guest-apt.sh
# for another architecture. Environment: PIN FLAVOUR ARCH.
#
# Exit codes: 0 packed or up to date, 1 a test does not compile, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VARIANT=${1:-$VARIANT}
case $VARIANT in
base) tree=$base_tree ;;
drop/*) VARIANT=$("$root/scripts/drop.sh" --name "$VARIANT") || exit ;;
esac
out=$build_d/$VARIANT-$label
tests=$tree/tools/testing/selftests/memmap
[[ -f $out/kernel.stamp ]] || die 2 "no kernel in $out; run: make kernel VARIANT=$VARIANT"
[[ -d $tests ]] || die 2 "no $tests; run: make refresh tree"
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
	"$root/scripts/guest-apt.sh" || exit
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

mapfile -t modules < <(find "$out" -name '*.ko')
own=
if [[ -z $sysroot ]]; then
	"$root/scripts/tree-tests.sh" "$tree"
	[[ ! -f $build_d/tree-tests/list ]] || own=$build_d/tree-tests
fi
mapfile -t packed < <(for tool in busybox "${tools[@]}"; do tool "$tool"; done)
key=$(cat "${BASH_SOURCE[0]}" "$root/selftests/init.c" "$tests"/* "${modules[@]}" "${packed[@]}" \
	${own:+"$own/stamp"} |
	sha256sum | cut -d' ' -f1)
[[ -s $out/guest.cpio && -f $out/guest.stamp && $(<"$out/guest.stamp") == "$key" ]] && exit 0
rm -f "$out/guest.stamp"
rm -rf "$out/selftests"
mkdir -p "$out/selftests"

log=$out/selftests.log
# the in-tree makefile builds them, the way a user of the patches would
if ! { make -C "$tests" "OUTPUT=$out/selftests" "CROSS_COMPILE=$prefix" &&
	"${prefix}gcc" -static -O2 -Wall -Wextra -o "$out/selftests/init" "$root/selftests/init.c"; } >"$log" 2>&1 ||
	grep -q warning: "$log"; then
	grep -m 5 -E 'error:|warning:|Error ' "$log" >&2 || tail -n 5 "$log" >&2
	die 1 "the tests of $VARIANT do not compile, see $log"
fi

# libraries PROGRAM: the paths that it has the loader look for, and the loader's.
# Of another architecture's program there is no ldd, only what it says itself
libraries() {
	if [[ -z $sysroot ]]; then
		ldd "$1" | sed -nE 's@^\t([^ ]+ => )?(/[^ ]+) .*@\2@p'
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
	[[ $1 == / || -n ${seen[$1]:-} ]] && return
	folder "$(dirname "$1")"
	seen[$1]=1
	echo "dir $1 0755 0 0"
}
file() {
	[[ -z ${seen[$1]:-} ]] || return 0
	folder "$(dirname "$1")"
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
	file /init "$out/selftests/init"
	for program in "$out/selftests"/memmap_*; do
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
finished "$out/guest.stamp" "$key"
stage initramfs "$VARIANT-$label: $(du -h "$out/guest.cpio" | cut -f1) packed"
