#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Write the commits of build/PIN/linux (PIN..series) back to patches/PIN,
# series/PIN/series and the list of files in series/PIN/base.
#
#   scripts/refresh.sh            first takes over the test sources, see below
#   scripts/refresh.sh --format   only the commits, whatever the test sources are
#
# The test sources of this project (series/PIN/tests: `repo-path in-tree-path`) are
# the truth: one that changed goes into the commit that brings its in-tree file; what
# it has in `#ifdef PIN_X` is resolved (pin_text in lib.sh). A patch keeps its group
# in the series, and what stands behind its name; a new one gets the group of the
# patch before it. Nothing is written before the new patches were applied and gave the
# same tree. A tree with changes that are not committed is refused.
#
#   FORCE=1   the tree wins over patches that were changed behind its back

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

sync=1
case ${1:-} in
'') ;;
--format) sync= ;;
*) die 2 "unknown argument '$1'; run: $0 -h" ;;
esac
tg() { g -C "$tree" "$@"; }

g --git-dir="$tree/.git" rev-parse -q --verify refs/made/series >/dev/null 2>&1 || die 2 "no tree in $build_d; run: make tree"
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
mapfile -t commits < <(tg rev-list --reverse "$PIN..$head")

scratch refresh
new_series=$work/series/$PIN
new_patches=$work/patches/$PIN
mkdir -p "$new_series" "$new_patches"

# format HEAD: the patches, in a way that depends on nothing but the commits
format() {
	rm -f "$new_patches"/*
	tg format-patch -q -o "$new_patches" --no-signature --zero-commit -N --subject-prefix=PATCH \
		--always --no-base --abbrev=12 --no-renames --no-ext-diff --no-textconv --diff-algorithm=myers \
		-U3 --no-thread --no-notes "$PIN..$1"
	mapfile -t new < <(cd "$new_patches" && ls)
}

# the old series: heads and patches, each with the comment lines above it and
# the options and comment behind it
heads=() pending=
declare -A head_text=() above=() behind=() group_of=()
while IFS= read -r line; do
	name=$(sed -nE 's/^# *(tests|preparation|the flip|after)[ :]*$/\1/p' <<<"$line")
	if [[ -n $name ]]; then
		heads+=("$name")
		head_text[$name]=$pending$line$'\n' pending=
	elif [[ $line =~ ^[[:space:]]*(#|$) ]]; then
		pending+=$line$'\n'
	else
		name=${line%%[[:space:]]*}
		above[$name]=$pending behind[$name]=${line#"$name"} pending=
	fi
done < <(cat "$series_d/series" 2>/dev/null || printf '# %s\n' tests preparation 'the flip' after)

# a patch is known by its subject, or by its change when that was reworded
keys() {
	g mailinfo /dev/null /dev/null <"$1" | sed -n 's/^Subject: /subject /p'
	g patch-id --stable <"$1" | sed 's/ .*//; s/^/change /'
}
while IFS='|' read -r group patch; do
	[[ -f $patches_d/$patch ]] || continue
	while IFS= read -r key; do
		: "${group_of[$key]=$group|$patch}"
	done < <(keys "$patches_d/$patch")
done < <(series_list)

format "$head"
group=${heads[0]:-} groups=()
declare -A text=() rest=()
for i in "${!new[@]}"; do
	while IFS= read -r key; do
		[[ -n ${group_of[$key]+x} ]] || continue
		group=${group_of[$key]%%|*}
		text[$i]=${above[${group_of[$key]#*|}]:-}
		rest[$i]=${behind[${group_of[$key]#*|}]:-}
		break
	done <<<"$(keys "$new_patches/${new[i]}")"
	groups[i]=$group
done
rank=0
for i in "${!new[@]}"; do
	for r in "${!heads[@]}"; do
		[[ ${heads[r]} == "${groups[i]}" ]] || continue
		((r >= rank)) || die 2 "${new[i]} is of '${groups[i]}' but comes after a patch of '${heads[rank]}'; run: git -C $tree rebase -i $PIN"
		rank=$r
	done
done

# the test sources: put[COMMIT] gets `mode,blob,path` lines
declare -A put=()
while read -r repo path; do
	[[ -n $sync ]] || break
	[[ -f $root/$repo ]] || die 2 "series/$PIN/tests names $repo, which is not there"
	now=$(tg rev-parse -q --verify "$head:$path") ||
		die 2 "$path (of $repo) is in no commit; run: copy it into $tree and commit it"
	want=$(pin_text "$root/$repo" | tg hash-object -w --no-filters --stdin)
	[[ $want != "$now" ]] || continue
	was=$(tg rev-parse -q --verify "refs/made/series:$path") || was=
	[[ $want != "$was" ]] ||
		die 2 "$tree/$path was edited but $repo was not; run: cp $tree/$path $root/$repo"
	[[ $now == "$was" ]] ||
		die 2 "both $tree/$path and $repo were edited; run: merge them into $repo, then commit a copy in the tree"
	owner=$(tg rev-list -1 "$PIN..$head" -- "$path")
	for i in "${!commits[@]}"; do
		[[ ${commits[i]} != "$owner" || ${groups[i]} == tests ]] ||
			die 2 "$path (of $repo) is changed by ${new[i]}, which is not of the tests"
	done
	mode=$(tg ls-tree "$head" -- "$path" | cut -d' ' -f1)
	put[$owner]+="$mode,$want,$path"$'\n'
	stage refresh "$repo goes into $path"
done < <(test_sources)

# the same commits with the new sources from their commits on. Nothing after
# these commits touches these files, so no change can conflict
if ((${#put[@]})); then
	parent=$(tg rev-parse "$PIN^{commit}") info=
	for c in "${commits[@]}"; do
		info+=${put[$c]:-}
		if [[ -z $info ]]; then
			parent=$c
			continue
		fi
		mapfile -t author < <(tg log -1 --format='%an%n%ae%n%ad' --date=raw "$c")
		parent=$(
			export GIT_INDEX_FILE=$work/index
			tg read-tree "$c"
			while IFS= read -r line; do
				[[ -z $line ]] || tg update-index --add --cacheinfo "$line"
			done <<<"$info"
			tg log -1 --format=%B "$c" | GIT_AUTHOR_NAME=${author[0]} GIT_AUTHOR_EMAIL=${author[1]} GIT_AUTHOR_DATE="@${author[2]}" \
				GIT_COMMITTER_NAME=tree GIT_COMMITTER_EMAIL=tree@localhost tg commit-tree -p "$parent" "$(tg write-tree)"
		)
	done
	head=$parent
	format "$head"
fi

# the new series and base
{
	for group in '' "${heads[@]}"; do
		printf %s "${group:+${head_text[$group]}}"
		for i in "${!new[@]}"; do
			[[ ${groups[i]} == "$group" ]] || continue
			printf '%s%s\n' "${text[$i]:-}" "${new[i]}${rest[$i]:-}"
		done
	done
	printf %s "$pending"
} >"$new_series/series"
mapfile -t files < <(cd "$new_patches" && patch_files "${new[@]}")
blobs=
((${#files[@]} == 0)) || blobs=$(tg ls-tree -r "$PIN" -- "${files[@]}" | sed -E 's/^[0-9]+ blob ([0-9a-f]+)\t/blob = \1 /')
blobs=$blobs awk 'function put() { if (!done++ && ENVIRON["blobs"] != "") print ENVIRON["blobs"] }
	/^blob *=/ { put(); next } { print } END { put() }' "$series_d/base" >"$new_series/base"

# do they give back the tree?
ids=$(SERIES_DIR=$work/series PATCHES_DIR=$work/patches "$root/scripts/tree.sh" --check) || exit
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
stage refresh "${#new[@]} patches, $changed files changed"
# what the branch holds is in the patches now: tree.sh may replace its commits
tg update-ref refs/next/series HEAD
FORCE='' "$root/scripts/tree.sh"
