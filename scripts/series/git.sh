# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # variables of settings.sh, and for the scripts that source this
# The series file, and the work trees of a pin. Sourced, does nothing by itself; it
# sources settings.sh.
#
#   . "$(dirname "${BASH_SOURCE[0]}")/git.sh"
#
# Sets drop_tree, set_tree, bisect_tree, cross_tree and tree_stamp.

. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"

drop_tree=$build_d/drop/linux
set_tree=$build_d/set/linux
bisect_tree=$build_d/bisect/linux
cross_tree=$build_d/cross/linux
tree_stamp=$build_d/tree.stamp

# in_series WHAT [SET]: what series.py reads in series/PIN/series, one a line: all, sets, and of a set own, set (with those that it needs), needs, cases; only, the series of it
in_series() { python3 "$root/scripts" series "$@"; }

# list_series ARRAY WHAT [SET]: the same into an array, or WHAT is patches or tests, which
# are read once for a content of the file; ends here when that can't be read
list_series() {
	local -n into=$1
	local lines text kind name
	into=()
	if (($# > 2)) || [[ $2 != patches && $2 != tests ]]; then
		lines=$(in_series "${@:2}") || exit
		[[ -z $lines ]] || mapfile -t into <<<"$lines"
		return
	fi
	text=$SERIES_DIR/$PIN
	[[ ! -f $text/series ]] || text+=$(<"$text/series")
	if [[ $text != "${series_text-}" ]]; then
		series_all=$(in_series all) || exit
		series_text=$text
	fi
	while read -r kind name; do
		[[ -z $name || ($2 == tests && $kind != test) ]] || into+=("$name")
	done <<<"$series_all"
}

# slug PATCH: the name of a patch without its number, which may change
slug() { sed -E 's/^[0-9]+-//; s/\.patch$//' <<<"$1"; }

# patch_files PATCH...: the in-tree paths that patches touch, sorted
patch_files() {
	(($#)) || return 0
	sed -nE 's@^diff --git a/(.*) b/(.*)$@\1\n\2@p' -- "$@" | sort -u
}

# kunit_copies: `repo-path in-tree-path` for each KUnit source of the series, of which
# kunit/ has a copy to read: the values of kunit in series/PIN/base
kunit_copies() {
	local path
	while read -r path; do
		echo "kunit/$short/${path##*/} $path"
	done < <(base_key kunit)
}

# series_id: one id for the contents of series and patches as they are on disk
series_id() {
	{
		cat "$series_d/series" || :
		(cd "$patches_d" && sha256sum -- *.patch) || :
	} 2>/dev/null | sha256sum | cut -d' ' -f1
}

# g ARGS: git without the user's configuration, hooks or signing; folders of another owner are
# as good as ours
g() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_LITERAL_PATHSPECS=1 \
		git -c safe.directory='*' -c core.hooksPath=/dev/null -c gc.auto=0 -c maintenance.auto=false "$@"
}

# made: print the commit that tree.sh made of the series; ends here when there is no tree
made() {
	g --git-dir="$tree/.git" rev-parse -q --verify refs/made/series 2>/dev/null ||
		die 2 "no tree in $build_d; run: make tree"
}

# user_changes DIR BRANCH: true when the work tree DIR holds anything that
# tree.sh did not put there (refs/made/* is what it made, refs/next/* what it
# was about to make when it was interrupted)
user_changes() {
	[[ $(g -C "$1" symbolic-ref -q HEAD) == "refs/heads/$2" ]] || return 0
	[[ -n $(g -C "$1" for-each-ref --points-at HEAD "refs/made/$2" "refs/next/$2") ]] || return 0
	[[ -n $(g -C "$1" status --porcelain --no-renames) ]]
}

# why TEXT: the first line of git's words that tells why
why() { grep -m1 -E '^(error|fatal):' <<<"$1" || tail -n1 <<<"$1"; }

# repair: the whole build folder may have been moved or copied since the work
# trees of $tree were made. git would forget them; and from a copy it would work
# on the original, for as long as that is there
repair() {
	local dir at here
	for dir in "$base_tree" "$drop_tree" "$set_tree" "$bisect_tree" "$cross_tree"; do
		[[ -f $dir/.git ]] || continue
		read -r _ at <"$dir/.git"
		here=$tree/.git/worktrees/${at##*/}
		[[ -d $here && ! $at -ef $here ]] || continue
		echo "gitdir: $here" >"$dir/.git"
		echo "$dir/.git" >"$here/gitdir"
	done
}

# put DIR BRANCH COMMIT: the work tree DIR of $tree becomes COMMIT on BRANCH.
# Only files that differ are written, so that a kernel build goes on from where
# it was; what is not of our making is refused, or kept aside with FORCE=1
put() {
	local dir=$1 how=--keep head gd out
	if [[ ! -e $dir ]]; then
		mkdir -p "${dir%/*}"
		g -C "$tree" worktree prune
		g -C "$tree" update-ref "refs/made/$2" "$3"
		out=$(g -C "$tree" worktree add -q -B "$2" "$dir" "$3" 2>&1) && return
		rm -rf "$dir"
		no_space "$out" && die 1 "disk full below $BUILD: a tree needs about 2 GB; run: make BUILD=<a roomy folder>"
		die 1 "cannot make $dir ($(why "$out"))"
	fi
	g -C "$tree" update-ref "refs/next/$2" "$3"
	if [[ -n ${FORCE:-} ]]; then
		how=--hard
		head=$(g -C "$tree" rev-parse "refs/heads/$2")
		if [[ $head != "$3" && $head != "$(g -C "$tree" rev-parse -q --verify "refs/made/$2")" ]]; then
			g -C "$tree" update-ref "refs/dropped/$2" "$head"
			stage "the commits that $2 had are kept at refs/dropped/$2"
		fi
		# a rebase or a branch of the user's is left behind
		gd=$(g -C "$dir" rev-parse --absolute-git-dir)
		rm -rf "$gd"/{rebase-merge,rebase-apply,sequencer}
		g -C "$dir" symbolic-ref HEAD "refs/heads/$2"
	fi
	out=$(g -C "$dir" reset -q "$how" "$3" 2>&1) || die 1 "cannot change $dir: $(why "$out")"
	g -C "$tree" update-ref "refs/made/$2" "$3"
}

# on_tag DIR PATCH...: print the commit that git am makes of these files of patches/PIN on the
# tag, in DIR, which becomes a work tree of $tree; or why it refuses, and fail. It needs no
# files: git am fetches from the index those that it patches
on_tag() {
	local dir=$1 out
	shift
	g -C "$tree" worktree add -q --no-checkout --detach "$dir" "$PIN"
	g -C "$dir" read-tree "$PIN"
	if ! out=$(GIT_COMMITTER_NAME=tree GIT_COMMITTER_EMAIL=tree@localhost \
		g -C "$dir" am -q --committer-date-is-author-date --no-gpg-sign "${@/#/$patches_d/}" 2>&1); then
		echo "$(sed -nE 's/^Patch failed at (.*)/\1: /p' <<<"$out")$(why "$out")"
		return 1
	fi
	g -C "$dir" rev-parse HEAD
}

# scratch NAME: the empty folder $work, build/PIN/NAME.tmp, for as long as this
# script runs; work trees of $tree may be in it
scratch() {
	work=$build_d/$1.tmp
	clean() {
		rm -rf "$work"
		g -C "$tree" worktree prune
	}
	trap clean EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	clean
	mkdir -p "$work"
}

# ours DIR BRANCH TARGET: end here if the work tree DIR has changes of the user's
ours() {
	if [[ -e $1 && -z ${FORCE:-} ]] && user_changes "$1" "$2"; then
		die 2 "$1 has changes of yours; make them in $tree instead, then run: make $3 FORCE=1 (drops them)"
	fi
}
