#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the series on the pinned source: branch `base` (only the patches that are
# tests) in build/PIN/linux-base, branch `series` (all) in build/PIN/linux.
#
#   tree.sh            does nothing when neither series nor tree changed
#   tree.sh --check    only apply, by git am and by quilt push, which must end in the
#                      same content; print the commits of base and series
#
# git am applies both apart from the trees; then only files whose content changes
# are written, so that a kernel build goes on from where it was. What git refuses,
# quilt push tries, too: it says which hunk. Your own changes in a tree are
# never dropped: when something is to be applied, it ends with 2 and says so.
#
#   FORCE=1   drop changes in the trees (commits stay at refs/dropped/BRANCH)

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

check=
case ${1:-} in
'') ;;
--check) check=1 ;;
*) die 2 "unknown argument '$1'; run: $0 -h" ;;
esac

g --git-dir="$tree/.git" rev-parse -q --verify "refs/tags/$PIN" >/dev/null 2>&1 ||
	die 2 "no source of $PIN in $build_d; run: make source"
build_folder
# the second line makes a change of the pin or of this script apply again
state=$(series_id; cat "$series_d/base" "$0" | sha256sum)
if [[ -z ${FORCE:-}$check && $state == "$(cat "$tree_stamp" 2>/dev/null)" && -e $base_tree/.git ]]; then
	exit 0
fi

# the series: all patches, and those that are tests
patches=() tests=()
list_series patches patches
list_series tests tests
for patch in "${patches[@]}"; do
	[[ -f $patches_d/$patch ]] ||
		die 2 "series/$PIN/series names $patch, which is not in patches/$PIN; run: make check"
done

repair
if [[ -z ${FORCE:-}$check ]]; then
	user_changes "$tree" series &&
		die 2 "$tree has changes of yours; run: make refresh (keep them) or make tree FORCE=1 (drop them)"
	ours "$base_tree" base tree
fi

scratch apply
[[ -n $check ]] || stage "${#patches[@]} patches on $PIN"

# what a failed quilt push says, in a line: patch, file, hunk
quilt_error() {
	awk '/^Applying patch / { p = $3; f = why = "" }
		/^patching file / && !why { f = $3 }
		/^\|\+\+\+ / && !f { f = $2; sub(/^[^\/]*\//, "", f) }
		/FAILED at|find file|malformed|only garbage|ignored/ && !why { why = $0 }
		END { sub(/.*\//, "", p); print p ": " f ": " (why ? why : $0) }' <<<"$1"
}

# by_quilt NAME PATCH...: print the tree id of what quilt push, without fuzz, makes of PIN
by_quilt() (
	dir=$work/$1.quilt series=$series_d/series
	mkdir "$dir"
	cd "$dir"
	if [[ $1 == base ]]; then
		series=$dir.series
		printf '%s\n' "${@:2}" >"$series"
	fi
	shift
	mapfile -t files < <(cd "$patches_d" && patch_files "$@")
	mapfile -t old < <(g -C "$tree" ls-tree -r --name-only "$PIN" -- "${files[@]}")
	((${#old[@]} == 0)) || g -C "$tree" archive "$PIN" -- "${old[@]}" | tar -x
	out=$(QUILT_PATCHES=$patches_d QUILT_SERIES=$series QUILT_PC=.pc quilt --quiltrc - push -a --fuzz=0 2>&1) ||
		die 1 "patches/$PIN/$(quilt_error "$out"); the trees are as they were"
	export GIT_INDEX_FILE=$dir.index
	g -C "$tree" read-tree "$PIN"
	printf '%s\n' "${files[@]}" | g --git-dir="$tree/.git" --work-tree=. update-index --add --remove --stdin
	g -C "$tree" write-tree
)

# apply NAME PATCH...: print the commit of these patches on PIN
apply() {
	local content commit diff
	if (($# == 1)); then
		g -C "$tree" rev-parse "$PIN^{commit}"
		return
	fi
	if ! commit=$(on_tag "$work/$1.git" "${@:2}"); then
		by_quilt "$@" >/dev/null || return
		die 1 "git am refuses what quilt applied: $commit; the trees are as they were"
	fi
	[[ -n $check ]] || { echo "$commit"; return; }
	content=$(by_quilt "$@") || return
	diff=$(g -C "$tree" diff-tree -r --name-only "$content" "$commit^{tree}" | tr '\n' ' ')
	[[ -z $diff ]] || die 1 "quilt push and git am disagree on $1 in: $diff"
	echo "$commit"
}

series=$(apply series "${patches[@]}") || exit
base=$(apply base "${tests[@]}") || exit
if [[ -n $check ]]; then
	printf 'base %s\nseries %s\n' "$base" "$series"
	exit 0
fi

put "$tree" series "$series"
put "$base_tree" base "$base"
finished "$tree_stamp" "$state"
stage "base ${base:0:12}, series ${series:0:12}"
