#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Put the series without one patch on build/PIN/drop/linux, branch `drop`.
#
#   drop.sh PATCH            a number, a name, or a unique part of one
#   drop.sh PATCH@N          only the Nth hunk of it
#   drop.sh --name WORD...   print the words, drop/PATCH spelled out
#
# All drops take turns in one tree, in which only files that differ are
# written: a kernel build goes on from the drop before. Patches after the
# dropped one are applied by git am -3. Where they can't, because they change
# the same lines, series/PIN/drop/<patch, no number> may hold the same drop as a
# change on top of the whole series: then that is taken. A hunk is taken back on top of the
# series, if that can be done, and left out of its patch otherwise.
#
# Exit codes: 0 done, 1 a later patch does not apply without it, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

patches=() tests=()
list_series patches patches
list_series tests tests

# find_patch WORD: the patch that it means
find_patch() {
	local word=${1#drop/} patch found=()
	word=${word%%@*}
	for patch in "${patches[@]}"; do
		[[ $patch == "$word" || $patch == +([0-9])-"$word".patch ||
			($word =~ ^[0-9]+$ && $patch =~ ^0*$((10#$word))-) ]] && found=("$patch") && break
		[[ $word =~ ^[0-9]+$ || $patch != *"$word"* ]] || found+=("$patch")
	done
	((${#found[@]})) || die 2 "no patch '$word' in series/$PIN/series; run: cat ${series_d#"$root/"}/series"
	((${#found[@]} == 1)) || die 2 "'$word' may be any of ${found[*]}"
	[[ " ${tests[*]} " != *" ${found[0]} "* ]] || die 2 "${found[0]} is a test: there is nothing to show without it"
	echo "${found[0]}"
}

case ${1:-} in
'') die 2 "no patch named; run: $0 -h" ;;
--name)
	shift
	words=()
	for word; do
		if [[ $word == drop/* ]]; then
			hunk=${word#"${word%%@*}"}
			patch=$(find_patch "$word")
			word=drop/$(slug "$patch")$hunk
		fi
		words+=("$word")
	done
	echo "${words[*]}"
	exit
	;;
esac
hunk=
[[ $1 != *@* ]] || hunk=${1#*@}
[[ $1 != *@* || $hunk =~ ^[1-9][0-9]*$ ]] || die 2 "'$hunk' is not the number of a hunk"
patch=$(find_patch "$1")
name=$(slug "$patch")
series=$(made)
[[ $(series_id) == "$(head -n1 "$tree_stamp" 2>/dev/null)" ]] || die 2 "patches/$PIN changed since the tree was made; run: make tree"
build_folder
repair
ours "$drop_tree" drop prove

scratch drop
# the same commit, whenever and by anyone
export GIT_AUTHOR_NAME=drop GIT_AUTHOR_EMAIL=drop@localhost GIT_AUTHOR_DATE='@0 +0000'
export GIT_COMMITTER_NAME=drop GIT_COMMITTER_EMAIL=drop@localhost GIT_COMMITTER_DATE='@0 +0000'

if [[ -n $hunk ]]; then
	mkdir "$work/less"
	python3 "$root/scripts" hunk --only "$hunk" "$patches_d/$patch" >"$work/hunk" || exit
	python3 "$root/scripts" hunk --without "$hunk" "$patches_d/$patch" >"$work/less/$patch" || exit
	grep -q '^@@ ' "$work/less/$patch" || die 2 "$patch has no other hunk; drop it as a whole"
fi
# on_top ARGS: print the commit that git apply ARGS makes of the series, or fail, with why in $work/why
on_top() {
	export GIT_INDEX_FILE=$work/index
	g -C "$tree" read-tree "$series"
	g -C "$tree" apply --cached "$@" 2>"$work/why" &&
		g -C "$tree" commit-tree -p "$series" -m "without ${hunk:+hunk $hunk of }$patch" "$(g -C "$tree" write-tree)"
}

if [[ -n $hunk ]] && commit=$(on_top -R -C1 "$work/hunk"); then
	: # nothing later has changed its lines
elif [[ -z $hunk && -f $series_d/drop/$name.patch ]]; then
	commit=$(on_top "$series_d/drop/$name.patch") ||
		die 2 "series/$PIN/drop/$name.patch does not apply to the series: $(why "$(<"$work/why")")"
else
	# the patch, and those behind it
	todo=("${patches[@]}")
	while [[ ${todo[0]} != "$patch" ]]; do
		todo=("${todo[@]:1}")
	done
	start=$series~${#todo[@]}
	g -C "$tree" worktree add -q --no-checkout --detach "$work/am" "$start"
	g -C "$work/am" read-tree "$start"
	# a merge needs the files that it may write; git am wants no others
	mapfile -t files < <(cd "$patches_d" && patch_files "${todo[@]}")
	g -C "$work/am" ls-files -z -- "${files[@]}" |
		g -C "$work/am" checkout-index -q -f -u -z --stdin
	[[ -n $hunk ]] || todo=("${todo[@]:1}")
	for p in "${todo[@]}"; do
		from=$patches_d
		[[ ! -f $work/less/$p ]] || from=$work/less
		if ! out=$(g -C "$work/am" am -q -3 --committer-date-is-author-date --no-gpg-sign "$from/$p" 2>&1); then
			where=$(g -C "$work/am" diff --name-only --diff-filter=U | paste -sd ' ')
			die 1 "$p does not apply without $patch: ${where:-$(why "$out")}"
		fi
	done
	commit=$(g -C "$work/am" rev-parse HEAD)
fi
put "$drop_tree" drop "$commit"
