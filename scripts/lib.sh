#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the scripts share; sourced at their top, does nothing by itself.
#
#   . "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#
# Sets root, BUILD, RESULTS, PIN, FLAVOUR, VARIANT, SERIES_DIR, PATCHES_DIR
# (each may come from the environment), arch (from ARCH), label (what builds and
# results are called: FLAVOUR, or FLAVOUR-ARCH when that is not x86_64) and the paths of the pin: series_d,
# patches_d, build_d, download_d, tree, base_tree, drop_tree, set_tree,
# bisect_tree, cross_tree, tree_stamp, and short, the name by which cases, tests and fragments
# know the pin (short in series/PIN/base). A pin that has no folder series/PIN/ with a file
# `base` is refused. A script that is called with -h prints the comment at its
# top and ends here.

# shellcheck disable=SC2034  # the variables are for whoever sources this
case ${1:-} in
-h|--help) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

# tools' messages are parsed and lists are sorted: one locale for all
export LC_ALL=C
umask 022
# a git hook that calls us must not make us work on its repository
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PREFIX
unset GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_NAMESPACE

# die CODE TEXT: the one line that says what is wrong and what mends it
die() {
	local code=$1 me=${0##*/}
	shift
	printf '%s: %s\n' "${me%.sh}" "$*" >&2
	exit "$code"
}

# stage NAME TEXT: progress with the seconds since the first script of this
# run started (make exports STARTED so that all stages count from one start)
export STARTED=${STARTED:-$EPOCHSECONDS}
stage() {
	local name=$1
	shift
	printf '[%4d s] %s: %s\n' $((EPOCHSECONDS - STARTED)) "$name" "$*"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PIN=${PIN:-v5.10.223}
FLAVOUR=${FLAVOUR:-default}
VARIANT=${VARIANT:-series}
arch=${ARCH:-x86_64}
label=$FLAVOUR
[[ $arch == x86_64 ]] || label+=-$arch
SERIES_DIR=$(realpath -m -- "${SERIES_DIR:-$root/series}")
PATCHES_DIR=$(realpath -m -- "${PATCHES_DIR:-$root/patches}")
BUILD=$(realpath -m -- "${BUILD:-$root/build}")
RESULTS=$(realpath -m -- "${RESULTS:-$root/results}")
export PIN FLAVOUR VARIANT BUILD RESULTS

known_pins() {
	local f
	for f in "$SERIES_DIR"/*/base; do
		[[ -f $f ]] || continue
		f=${f%/base}
		printf ' %s' "${f##*/}"
	done
}
if [[ ! $PIN =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ || ! -f $SERIES_DIR/$PIN/base ]]; then
	known=$(known_pins)
	die 2 "unknown PIN '$PIN'; known pins:${known:- none}"
fi

series_d=$SERIES_DIR/$PIN
short=$(sed -n 's/^short *= *//p' "$series_d/base")
# what the tests in C are compiled with, so that they know the pin: v7 is PIN_V7
test_define=PIN_${short^^}
test_define=${test_define//[^A-Z0-9]/_}
patches_d=$PATCHES_DIR/$PIN
build_d=$BUILD/$PIN
download_d=$build_d/download
tree=$build_d/linux
base_tree=$build_d/linux-base
drop_tree=$build_d/drop/linux
set_tree=$build_d/set/linux
bisect_tree=$build_d/bisect/linux
cross_tree=$build_d/cross/linux
tree_stamp=$build_d/tree.stamp

# arch_key KEY: the value of KEY in the file of the architecture
arch_key() {
	local conf=$root/qemu-configs/arch/$arch.conf
	[[ -f $conf ]] || die 2 "no $conf; ARCH= must be one of those beside it"
	sed -n "s/^$1 *= *//p" "$conf"
}

# base_key KEY: the values of KEY in series/PIN/base, one a line
base_key() {
	sed -nE "s/^$1[[:space:]]*=[[:space:]]*(.*[^[:space:]])[[:space:]]*\$/\1/p" "$series_d/base"
}

# series_list: `test|patch` for each patch in order; of one that is no test, `|patch`.
# What follows the name is for quilt (-pN) or for prove.py; a test has
# `# test of: <patch without number> ...` there
series_list() {
	[[ -f $series_d/series ]] || return 0
	awk '/^[ \t]*(#|$)/ { next }
		{ print (/[ \t]# *test of:/ ? "test" : "") "|" $1 }' "$series_d/series"
}

# set_lines SET: the lines of series/PIN/series that are a set's, which begins with
# `# set: NAME [needs: OTHERS]` and goes to the next one; with --needs as the second
# argument also those of the sets that it needs, in the order of the series
set_lines() {
	[[ -f $series_d/series ]] || return 0
	awk -v want="$1" -v all="${2:-}" '
		/^# set: / {
			set = $3
			if ($4 == "needs:") for (i = 5; i <= NF; i++) needs[set] = needs[set] " " $i
			next
		}
		/^[ \t]*(#|$)/ { next }
		{ of[++n] = set; line[n] = $0 }
		function take(s, i, words, nr) {
			if (s in taken) return
			taken[s] = 1
			nr = split(needs[s], words, " ")
			for (i = 1; all && i <= nr; i++) take(words[i])
		}
		END { take(want); for (i = 1; i <= n; i++) if (of[i] in taken) print line[i] }' "$series_d/series"
}

# set_names: the sets of the series
set_names() { sed -nE 's/^# set: ([^ ]+).*/\1/p' "$series_d/series"; }

# set_needs SET: the sets that it names as needed
set_needs() { sed -nE "s/^# set: $1 needs: *//p" "$series_d/series"; }

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
	local -a p
	mapfile -t p < <(series_list | cut -d'|' -f2)
	{
		cat "$series_d/series" 2>/dev/null || :
		# a line can be there before its patch
		((${#p[@]} == 0)) || (cd "$patches_d" && sha256sum -- "${p[@]}" 2>/dev/null) || :
	} | sha256sum | cut -d' ' -f1
}

# g ARGS: git as everybody has it: no user's settings, hooks or signatures
g() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 GIT_LITERAL_PATHSPECS=1 \
		git -c core.hooksPath=/dev/null -c gc.auto=0 "$@"
}

# user_changes DIR BRANCH: true when the work tree DIR holds anything that
# tree.sh did not put there (refs/made/* is what it made, refs/next/* what it
# was about to make when it was interrupted)
user_changes() {
	local head
	head=$(g -C "$1" rev-parse -q --verify HEAD) || return 0
	[[ $(g -C "$1" symbolic-ref -q HEAD) == "refs/heads/$2" ]] || return 0
	[[ $head == "$(g -C "$1" rev-parse -q --verify "refs/made/$2")" ||
		$head == "$(g -C "$1" rev-parse -q --verify "refs/next/$2")" ]] || return 0
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
		at=$(sed -n 's/^gitdir: //p' "$dir/.git" 2>/dev/null) || continue
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
		g -C "$tree" update-ref "refs/heads/$2" "$3"
		g -C "$tree" update-ref "refs/made/$2" "$3"
		out=$(g -C "$tree" worktree add -q "$dir" "$2" 2>&1) && return
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
			stage "$(basename "$0" .sh)" "the commits that $2 had are kept at refs/dropped/$2"
		fi
		# a rebase or a branch of the user's is left behind
		gd=$(g -C "$dir" rev-parse --absolute-git-dir)
		rm -rf "$gd"/rebase-{merge,apply} "$gd"/{CHERRY_PICK,MERGE,REVERT}_HEAD
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

# build_folder: make build/PIN, and keep other runs out of it until we end
build_folder() {
	mkdir -p "$download_d" 2>/dev/null || :
	[[ -w $build_d && -w $download_d ]] ||
		die 2 "cannot write to $build_d; run: make BUILD=<a folder of yours>"
	[[ ${BUILD_LOCKED:-} != "$build_d" ]] || return 0
	exec 9>"$build_d/.lock"
	if ! flock -n 9; then
		stage "$(basename "$0" .sh)" "waiting for another run in $build_d"
		flock 9
	fi
	export BUILD_LOCKED=$build_d
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

# finished STAMP TEXT: what is beside STAMP is whole. It is on the disk first, so that a
# power cut can't leave a stamp and lose what it stands for
finished() {
	sync -f "$(dirname "$1")"
	printf '%s\n' "$2" >"$1.tmp"
	mv "$1.tmp" "$1"
}

# ours DIR BRANCH TARGET: end here if the work tree DIR has changes of the user's
ours() {
	if [[ -e $1 && -z ${FORCE:-} ]] && user_changes "$1" "$2"; then
		die 2 "$1 has changes of yours; make them in $tree instead, then run: make $3 FORCE=1 (drops them)"
	fi
}

# no_space TEXT: true when the tool that said TEXT ran out of disk (tools'
# words are kept in variables: a log file could not be written then)
no_space() { grep -q -i -E 'no space left|quota exceeded|unable to write file' <<<"$1"; }
