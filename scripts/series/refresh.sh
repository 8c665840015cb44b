#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Write the commits of build/PIN/linux (PIN..series) back to patches/PIN,
# series/PIN/series, the list of files in series/PIN/base, and the copies in kunit/.
#
#   refresh.sh
#
# A patch keeps what stands behind its name in the series, and the comment lines
# above it. Nothing is written before the new patches were applied and gave the
# same tree. A tree with changes that are not committed is refused, and so is a copy
# in kunit/ that was edited: the commits are the truth.
#
#   FORCE=1   the tree wins over patches and copies that were changed behind its back

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

(($# == 0)) || die 2 "unknown argument '$1'; run: $0 -h"
tg() { g -C "$tree" "$@"; }

made >/dev/null
old=()
list_series old patches
build_folder
[[ $(tg symbolic-ref -q HEAD) == refs/heads/series ]] ||
	die 2 "$tree is not on its branch; run: git -C $tree checkout series (after ending a rebase)"
dirty=$(tg status --porcelain --no-renames)
[[ -z $dirty ]] || die 2 "$tree: $(head -n1 <<<"$dirty" | cut -c4-) is not committed; run: git -C $tree commit"
if [[ -z ${FORCE:-} && $(series_id) != "$(head -n1 "$tree_stamp" 2>/dev/null)" ]]; then
	user_changes "$tree" series || die 2 "patches/$PIN changed since the tree was made; run: make tree"
	die 2 "both patches/$PIN and $tree changed; run: make refresh FORCE=1 (the tree wins) or make tree FORCE=1 (the patches win)"
fi
head=$(tg rev-parse HEAD)
tg merge-base --is-ancestor "$PIN" "$head" || die 2 "branch series does not start at $PIN; run: git -C $tree rebase $PIN"
[[ -z $(tg rev-list --merges "$PIN..$head") ]] || die 2 "branch series has a merge; run: git -C $tree rebase $PIN"

scratch refresh
new_series=$work/series/$PIN
new_patches=$work/patches/$PIN
mkdir -p "$new_series" "$new_patches"

# a copy in kunit/ that is neither what the patches made nor what they make now
while read -r copy path; do
	[[ -f $root/$copy ]] || continue
	id=$(tg hash-object --no-filters "$root/$copy")
	[[ -n ${FORCE:-} || $id == "$(tg rev-parse -q --verify "refs/made/series:$path")" ||
		$id == "$(tg rev-parse -q --verify "$head:$path")" ]] ||
		die 2 "$copy was edited; edit $path in $tree instead, or drop that: run: make refresh FORCE=1"
done < <(kunit_copies)

# the patches, in a way that depends on nothing but the commits
tg format-patch -q -o "$new_patches" --no-signature --zero-commit -N --subject-prefix=PATCH \
	--always --no-base --abbrev=12 --no-renames --no-ext-diff --no-textconv --diff-algorithm=myers \
	-U3 --no-thread --no-notes "$PIN..$head"
mapfile -t new < <(cd "$new_patches" && ls)

# what the new ones were called. A patch is known by its subject, or by its change when that was
# reworded, or, when it is new and its line was written in advance, by its name
keys() {
	g mailinfo /dev/null /dev/null <"$1" | sed -n 's/^Subject: /subject /p'
	g patch-id --stable <"$1" | sed 's/ .*//; s/^/change /'
}
declare -A named=()
for name in "${old[@]}"; do
	if [[ ! -f $patches_d/$name ]]; then
		named["name ${name#*-}"]=$name
		continue
	fi
	while IFS= read -r key; do
		: "${named[$key]=$name}"
	done < <(keys "$patches_d/$name")
done
for patch in "${new[@]}"; do
	was=
	while IFS= read -r key; do
		[[ -n ${named[$key]+x} ]] || continue
		was=${named[$key]}
		break
	done <<<"$(keys "$new_patches/$patch")
name ${patch#*-}"
	echo "$patch $was"
done >"$work/names"

# the new series and base
in_series renamed <"$work/names" >"$new_series/series" || exit
mapfile -t files < <(cd "$new_patches" && patch_files "${new[@]}")
blobs=
((${#files[@]} == 0)) || blobs=$(tg ls-tree -r "$PIN" -- "${files[@]}" | sed -E 's/^[0-9]+ blob ([0-9a-f]+)\t/blob = \1 /')
blobs=$blobs awk 'function put() { if (!done++ && ENVIRON["blobs"] != "") print ENVIRON["blobs"] }
	/^blob *=/ { put(); next } { print } END { put() }' "$series_d/base" >"$new_series/base"

# do they give back the tree?
ids=$(SERIES_DIR=$work/series PATCHES_DIR=$work/patches "$root/scripts/series/tree.sh" --check) || exit
diff=$(tg diff-tree -r --name-only "$head^{tree}" "${ids##* }^{tree}" | tr '\n' ' ')
[[ -z $diff ]] || die 1 "the patches do not give back the tree; nothing written; these files differ: $diff"

changed=0
mkdir -p "$patches_d"
install_file() { cmp -s "$1" "$2" || { cp "$1" "$2" && changed=$((changed + 1)); }; }
for f in "${new[@]}"; do
	install_file "$new_patches/$f" "$patches_d/$f"
done
for f in "$patches_d"/*.patch; do
	[[ ! -e $f || -e $new_patches/${f##*/} ]] || { rm "$f"; changed=$((changed + 1)); }
done
install_file "$new_series/series" "$series_d/series"
install_file "$new_series/base" "$series_d/base"
while read -r copy path; do
	tg show "$head:$path" >"$work/copy" 2>/dev/null || die 2 "series/$PIN/base names $path (kunit), which is in no commit"
	mkdir -p "$root/${copy%/*}"
	install_file "$work/copy" "$root/$copy"
done < <(kunit_copies)
stage "${#new[@]} patches, $changed files changed"
# what the branch holds is in the patches now: tree.sh may replace its commits
tg update-ref refs/next/series HEAD
FORCE='' "$root/scripts/series/tree.sh"
