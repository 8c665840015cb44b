#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put a set of patches, and the sets that it needs, on the tag: build/PIN/set/linux,
# branch `set`. What a set is stands in series/PIN/series.
#
#   scripts/set.sh SET             the tree
#   scripts/set.sh --check SET     only apply; print the commit
#   scripts/set.sh --cases SET     print the cases that show its patches
#   scripts/set.sh --names         print the sets of the series
#
# All sets take turns in one tree, in which only files that differ are written. The
# commit of a set stays at refs/sets/SET.
#
# Exit codes: 0 done, 1 a patch does not apply, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mode=
case ${1:-} in
--names)
	set_names
	exit
	;;
--check|--cases)
	mode=$1
	shift
	;;
esac
set=${1:-}
set=${set#set/}
grep -qxF -- "$set" < <(set_names) ||
	die 2 "no set '$set' in series/$PIN/series; sets: $(set_names | paste -sd ' ')"
if [[ $mode == --cases ]]; then
	set_lines "$set" | sed -n 's/.*# cases: //p' | tr ' ' '\n' | sort -u | paste -sd ' '
	exit
fi

g --git-dir="$tree/.git" rev-parse -q --verify refs/made/series >/dev/null || die 2 "no tree in $build_d; run: make tree"
mapfile -t patches < <(set_lines "$set" --needs | cut -d' ' -f1)
# --check prints a commit, and nothing else
build_folder >&2
repair
[[ -n $mode ]] || ours "$set_tree" 'set' tree
scratch 'set'
commit=$(on_tag "$work/am" "${patches[@]}") || die 1 "set $set does not apply to $PIN: $commit"
g -C "$tree" update-ref "refs/sets/$set" "$commit"
if [[ -n $mode ]]; then
	echo "$commit"
	exit
fi
put "$set_tree" 'set' "$commit"
