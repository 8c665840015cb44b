#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the series where no guest of ours runs: cross.sh [NAME...]
#
# NAME is a file of qemu-configs/kernel/build-only/ (default: all for this pin),
# <arch> or <arch>-<what>, a fragment on top of what guests get; NAME@<pin's short
# name>, where it is there, is for that pin alone. Their comments have keys:
#
#   # make: ARCH=powerpc CROSS_COMPILE=...   how make is called; LLVM=-19: with clang-19
#   # pins: v7                   only for these, by their short names (default: all)
#   # commits: arch/powerpc      build each commit that touches this path, not the last one only
#   # vouches: mm/swap.o ...     these objects must come out of it
#
# An option of such a fragment that does not survive is an error, and so is a
# warning in a file that the series touches. In the end, each .c
# file that the series touches must have been compiled by one of the builds.
# What was built once is not built again. Environment: PIN JOBS.
#
# Exit codes: 0 all built, 1 one does not build or says something, 2 bad input.

set -euo pipefail
unset ARCH	# each build has its own
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"
. "$root/scripts/kernel/kbuild.sh"

# own NAME: its fragments for this pin
own() {
	[[ ! -f $folder/$1.config ]] || echo "$folder/$1.config"
	of_pin "$folder/$1@"
}

# key NAME KEY: the values of a key in the comments of its fragments
key() {
	local -a files
	mapfile -t files < <(own "$1")
	sed -n "s/^# $2: //p" "${files[@]}" | paste -sd ' '
}

# cc_of NAME: its compiler
cc_of() {
	local make
	make=$(key "$1" make)
	if [[ $make =~ LLVM=([^ ]+) ]]; then
		echo "clang${BASH_REMATCH[1]}"
	else
		[[ $make =~ CROSS_COMPILE=([^ ]+) ]] && echo "${BASH_REMATCH[1]}gcc" || echo gcc
	fi
}

series=$(made)
kernel_setup
folder=$configs/build-only
names=("$@")
if (($# == 0)); then
	for name in "$folder"/*.config; do
		name=${name##*/} name=${name%.config}
		[[ $name != *@* ]] || continue
		pins=$(key "$name" pins)
		[[ -z $pins ]] || grep -qxFf <(printf '%s\n' "${shorts[@]}") <(tr ' ' '\n' <<<"$pins") || continue
		names+=("$name")
	done
fi
build_folder
repair
ours "$cross_tree" cross cross
mapfile -t touched < <(g -C "$tree" diff --name-only "$PIN" "$series")

# build NAME COMMIT
build() {
	local name=$1 out=$build_d/cross/$1 what stamp make bad object option content compiler
	what="$name $(g -C "$tree" log -1 --format=%s "$2")"
	content=$(g -C "$tree" rev-parse "$2^{tree}")
	read -ra make <<<"$(key "$name" make)"
	compiler=$(cc_of "$name")
	list_fragments "${name%%-*}" default
	mapfile -t -O "${#fragments[@]}" fragments < <(own "$name")
	stamp=$out/done/$(cat "${fragments[@]}" <(echo "$content"; "$compiler" --version) | sha256sum | cut -d' ' -f1)
	[[ ! -f $stamp ]] || return 0
	mkdir -p "$out/done"
	stage "$what"
	put "$cross_tree" cross "$2"
	# compiled again: a build that did not end may have warned, and an object that is
	# not made any more would vouch for something
	for object in $(key "$name" vouches) "${touched[@]/%.c/.o}"; do
		[[ $object != *.o ]] || rm -f "$out/$object"
	done
	(
		export "${make[@]}"
		configure "$cross_tree" "$out" "$out/build.log" "${fragments[@]}" ||
			die 1 "$what: configuring failed, see $out/build.log"
		for option in $lost; do
			! own "$name" | xargs -d '\n' grep -qE "^(# )?${option}[= ]" ||
				die 1 "$what: $option did not survive; correct $folder/$name.config"
		done
		: >"$out/build.log"
		compile "$what" "$out/build.log" make -C "$cross_tree" "O=$out" \
			"CC=${cc/gcc/$compiler}" LOCALVERSION=-cross vmlinux modules ||
			die 1 "$what does not build, see $out/build.log"
	)
	bad=$(warnings "$out/build.log" "$cross_tree" "${touched[@]}")
	[[ -z $bad ]] || { echo "$bad" >&2; die 1 "$what: warnings in files that the series touches, see $out/build.log"; }
	for object in $(key "$name" vouches); do
		[[ -f $out/$object ]] || die 1 "$what: no $object came out of it; correct $folder/$name.config"
	done
	touch "$stamp"
}

for name in "${names[@]}"; do
	[[ -f $folder/$name.config ]] ||
		die 2 "no build '$name'; there are: $(cd "$folder" && printf '%s ' *.config | sed 's/\.config//g')"
	command -v "$(cc_of "$name")" >/dev/null || die 2 "no $(cc_of "$name") on this machine; run: make deps ALL=1"
	paths=$(key "$name" commits)
	for commit in ${paths:+$(g -C "$tree" rev-list --reverse "$PIN..$series" -- "$paths")} "$series"; do
		build "$name" "$commit"
	done
done
(($# == 0)) || exit 0

bad=0
for file in "${touched[@]}"; do
	[[ $file == *.c && $file != tools/* ]] || continue
	for name in "${names[@]}"; do
		[[ ! -f $build_d/cross/$name/${file%.c}.o ]] || continue 2
	done
	echo "cross: no build compiles $file" >&2
	bad=1
done
((bad == 0)) || die 1 "add what is missing to one of $folder"
stage "${#names[@]} builds, each .c file of the series in one of them: ${names[*]}"
