#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the series where no guest of ours runs: cross.sh [NAME...]
#
# NAME is a file of qemu-configs/kernel/build-only/ (default: all), a fragment on
# top of what guests get, with three keys in its comments:
#
#   # make: ARCH=powerpc CROSS_COMPILE=...   how make is called
#   # commits: arch/powerpc      build each commit that touches this path, not the last one only
#   # vouches: mm/swap.o ...     these objects must come out of it
#
# A warning in a file that the series touches is an error. In the end, each .c
# file that the series touches must have been compiled by one of the builds.
# What was built once is not built again. Environment: PIN JOBS.
#
# Exit codes: 0 all built, 1 one does not build or says something, 2 bad input.

set -euo pipefail
unset ARCH	# each build has its own
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/kbuild.sh"

series=$(g --git-dir="$tree/.git" rev-parse -q --verify refs/made/series) || die 2 "no tree in $build_d; run: make tree"
kernel_setup
folder=$configs/build-only
names=("$@")
(($#)) || mapfile -t names < <(cd "$folder" && printf '%s\n' *.config | sed 's/\.config$//')
build_folder
repair
ours "$cross_tree" cross cross
mapfile -t touched < <(g -C "$tree" diff --name-only "$PIN" "$series")

# key NAME KEY: the values of a key in a fragment's comments
key() { sed -n "s/^# $2: //p" "$folder/$1.config" | paste -sd ' '; }

# build NAME COMMIT
build() {
	local name=$1 out=$build_d/cross/$1 what stamp make bad object content
	what="$name $(g -C "$tree" log -1 --format=%s "$2")"
	content=$(g -C "$tree" rev-parse "$2^{tree}")
	read -ra make <<<"$(key "$name" make)"
	list_fragments "$name" default
	fragments+=("$folder/$name.config")
	for_pin
	stamp=$out/done/$(cat "${fragments[@]}" <(echo "$content $compiler") | sha256sum | cut -d' ' -f1)
	[[ ! -f $stamp ]] || return 0
	mkdir -p "$out/done"
	stage cross "$what"
	put "$cross_tree" cross "$2"
	(
		export "${make[@]}"
		configure "$cross_tree" "$out" "$out/build.log" "${fragments[@]}" ||
			die 1 "$what: configuring failed, see $out/build.log"
		: >"$out/build.log"
		compile "$what" "$out/build.log" make -C "$cross_tree" "O=$out" \
			"CC=${cc/gcc/${CROSS_COMPILE:-}gcc}" LOCALVERSION=-cross vmlinux modules ||
			die 1 "$what does not build, see $out/build.log"
	)
	bad=$(warnings "$out/build.log" "$cross_tree" "${touched[@]}")
	[[ -z $bad ]] || { echo "$bad" >&2; die 1 "$what: warnings in files that the series touches, see $out/build.log"; }
	for object in $(key "$name" vouches); do
		[[ -f $out/$object ]] || die 1 "$what: no $object came out of it; mend $folder/$name.config"
	done
	touch "$stamp"
}

for name in "${names[@]}"; do
	[[ -f $folder/$name.config ]] ||
		die 2 "no build '$name'; there are: $(cd "$folder" && printf '%s ' *.config | sed 's/\.config//g')"
	prefix=$(key "$name" make | sed -nE 's/.*CROSS_COMPILE=([^ ]+).*/\1/p')
	command -v "${prefix}gcc" >/dev/null || die 2 "no ${prefix}gcc on this machine; run: make deps ALL=1"
	paths=$(key "$name" commits)
	if [[ -n $paths ]]; then
		for commit in $(g -C "$tree" rev-list --reverse "$PIN..$series" -- "$paths"); do
			build "$name" "$commit"
		done
	fi
	build "$name" "$series"
done
(($# == 0)) || exit 0

bad=0
for file in "${touched[@]}"; do
	[[ $file == *.c && $file != tools/* ]] || continue
	compgen -G "$build_d/cross/*/${file%.c}.o" >/dev/null && continue
	echo "cross: no build compiles $file" >&2
	bad=1
done
((bad == 0)) || die 1 "add what is missing to one of $folder"
stage cross "${#names[@]} builds, each .c file of the series in one of them: ${names[*]}"
