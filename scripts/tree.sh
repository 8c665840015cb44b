#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the series on the pinned source: branch `base` (the patches of the tests
# group) in build/PIN/linux-base, branch `series` (all) in build/PIN/linux.
#
#   scripts/tree.sh            does nothing when neither series nor tree changed
#   scripts/tree.sh --check    only apply; print the commits of base and series
#
# quilt push and git am apply the series apart from the trees, and must end in
# the same content; then only files whose content changes are written, so that
# a kernel build goes on from where it was. Your own changes in a tree are
# never dropped: when something is to be applied, it ends with 2 and says so.
#
#   FORCE=1   drop changes in the trees (commits stay at refs/dropped/BRANCH)

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

check=
case ${1:-} in
'') ;;
--check) check=1 ;;
*) die 2 "unknown argument '$1'; run: $0 -h" ;;
esac

# the series: all patches, and how many of them the tests group has
patches=() ntests=0
while IFS='|' read -r group patch; do
	[[ -f $patches_d/$patch ]] ||
		die 2 "series/$PIN/series names $patch, which is not in patches/$PIN; run: make check"
	if [[ $group == tests ]]; then
		((ntests == ${#patches[@]})) || die 2 "series/$PIN/series: $patch of the tests comes after another group"
		ntests=$((ntests + 1))
	fi
	patches+=("$patch")
done < <(series_list)

g --git-dir="$tree/.git" rev-parse -q --verify "refs/tags/$PIN" >/dev/null 2>&1 ||
	die 2 "no source of $PIN in $build_d; run: make source"
build_folder
# the second line makes a change of the pin or of this script apply anew
state=$(series_id; cat "$series_d/base" "$0" | sha256sum)
if [[ -z ${FORCE:-}$check && $state == "$(cat "$tree_stamp" 2>/dev/null)" && -e $base_tree/.git ]]; then
	exit 0
fi
repair
if [[ -z ${FORCE:-}$check ]]; then
	user_changes "$tree" series &&
		die 2 "$tree has changes of yours; run: make refresh (keep them) or make tree FORCE=1 (drop them)"
	[[ ! -e $base_tree ]] || ! user_changes "$base_tree" base ||
		die 2 "$base_tree has changes of yours; make them in $tree instead, run: make refresh, then: make tree FORCE=1 (drops them)"
fi

scratch apply
mkdir "$work/quilt"
[[ -n $check ]] || stage tree "${#patches[@]} patches on $PIN"

# what a failed quilt push says, in a line: patch, file, hunk
quilt_error() {
	awk '/^Applying patch / { p = $3; f = why = "" }
		/^patching file / && !why { f = $3 }
		/^\|\+\+\+ / && !f { f = $2; sub(/^[^\/]*\//, "", f) }
		/FAILED at|find file|malformed|only garbage|ignored/ && !why { why = $0 }
		END { sub(/.*\//, "", p); print p ": " f ": " (why ? why : $0) }' <<<"$1"
}

# in_quilt ID: print the tree id of the quilt folder's content on top of PIN
in_quilt() (
	export GIT_INDEX_FILE=$work/index
	g -C "$tree" read-tree "$PIN"
	cd "$work/quilt"
	printf '%s\n' "${files[@]}" | g --git-dir="$tree/.git" --work-tree=. update-index --add --remove --stdin
	g -C "$tree" write-tree
)

# push ARGS: quilt push without fuzz
push() {
	local out
	out=$(cd "$work/quilt" && QUILT_PATCHES=$patches_d QUILT_SERIES=$series_d/series QUILT_PC=.pc \
		quilt --quiltrc - push --fuzz=0 "$@" 2>&1) ||
		die 1 "patches/$PIN/$(quilt_error "$out"); the trees are as they were"
}

am() {
	local out
	out=$(GIT_COMMITTER_NAME=tree GIT_COMMITTER_EMAIL=tree@localhost \
		g -C "$work/am" am -q --committer-date-is-author-date --no-gpg-sign "$@" 2>&1) ||
		die 1 "git am refuses what quilt applied: $(sed -nE 's/^Patch failed at (.*)/\1: /p' <<<"$out")$(why "$out"); the trees are as they were"
}

# same NAME TREE COMMIT: quilt's tree is that of git am's commit
same() {
	local diff
	diff=$(g -C "$tree" diff-tree -r --name-only "$2" "$3^{tree}" | tr '\n' ' ')
	[[ -z $diff ]] || die 1 "quilt push and git am disagree on $1 in: $diff"
}

commit() { g -C "$work/am" rev-parse HEAD; }

base=$(g -C "$tree" rev-parse "$PIN^{commit}")
series=$base
if ((${#patches[@]})); then
	paths=("${patches[@]/#/$patches_d/}")
	mapfile -t files < <(cd "$patches_d" && patch_files "${patches[@]}")
	mapfile -t old < <(g -C "$tree" ls-tree -r --name-only "$PIN" -- "${files[@]}")
	((${#old[@]} == 0)) || g -C "$tree" archive "$PIN" -- "${old[@]}" | tar -x -C "$work/quilt"
	# git am needs no files: it fetches from the index those that it patches
	g -C "$tree" worktree add -q --no-checkout --detach "$work/am" "$PIN"
	g -C "$work/am" read-tree "$PIN"
	if ((ntests)); then
		push "${patches[ntests - 1]}"
		am "${paths[@]:0:ntests}"
		base=$(commit)
		same base "$(in_quilt)" "$base"
	fi
	if ((ntests < ${#patches[@]})); then
		push -a
		am "${paths[@]:ntests}"
	fi
	series=$(commit)
	same series "$(in_quilt)" "$series"
fi
if [[ -n $check ]]; then
	printf 'base %s\nseries %s\n' "$base" "$series"
	exit 0
fi

put "$tree" series "$series"
put "$base_tree" base "$base"
finished "$tree_stamp" "$state"
stage tree "base ${base:0:12}, series ${series:0:12}"
