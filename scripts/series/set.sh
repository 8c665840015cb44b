#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put a set of patches, and the sets that it needs, on the tag: build/PIN/set/linux,
# branch `set`. What a set is stands in series/PIN/series.
#
#   set.sh SET             the tree
#   set.sh --check SET     only apply; print the commit
#
# All sets take turns in one tree, in which only files that differ are written. The
# commit of a set stays at refs/sets/SET.
#
# Exit codes: 0 done, 1 a patch does not apply, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

check=
if [[ ${1:-} == --check ]]; then check=1; shift; fi
set=${1:-}
set=${set#set/}
patches=$(in_series 'set' "$set") || exit
mapfile -t patches <<<"$patches"
made >/dev/null
# --check prints a commit, and nothing else
build_folder >&2
repair
[[ -n $check ]] || ours "$set_tree" 'set' tree
scratch 'set'
commit=$(on_tag "$work/am" "${patches[@]}") || die 1 "set $set does not apply to $PIN: $commit"
g -C "$tree" update-ref "refs/sets/$set" "$commit"
if [[ -n $check ]]; then
	echo "$commit"
	exit
fi
put "$set_tree" 'set' "$commit"
