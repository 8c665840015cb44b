#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The settings of a run and what every bash script needs. Sourced, does nothing by itself:
#
#   . "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"
#
# Sets root, BUILD, RESULTS, CONFIGS, PIN, FLAVOUR, VARIANT, SERIES_DIR, PATCHES_DIR
# (each may come from the environment; settings.py reads the same for Python), arch (from
# ARCH), label (the name of builds and results: FLAVOUR, or FLAVOUR-ARCH where that is not
# x86_64) and the paths of the pin: series_d, patches_d, build_d, download_d, tree,
# base_tree, and short, the name by which cases, tests and fragments know the pin (short in
# series/PIN/base). A PIN without series/PIN/base is refused. A script that is called with
# -h prints the comment at its top and ends here.

# shellcheck disable=SC2034  # the variables are for the scripts that source this
case ${1:-} in
-h|--help) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

# tools' messages are parsed and lists are sorted: one locale for all
export LC_ALL=C
export PYTHONUTF8=1
umask 022
unset CDPATH POSIXLY_CORRECT
# an & in a path is an & (bash 5.2 would put what was matched there)
shopt -u patsub_replacement 2>/dev/null || :
# a git hook that calls us must not make us work on its repository
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PREFIX
unset GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_NAMESPACE

me=${0##*/} me=${me%.sh}

# die CODE TEXT: print one line, the problem and the command that fixes it, and exit
die() {
	printf '%s: %s\n' "$me" "$2" >&2
	exit "$1"
}

# stage TEXT: progress with the seconds since the first script of this
# run started (make exports STARTED so that all stages count from one start)
export STARTED=${STARTED:-$EPOCHSECONDS}
stage() { printf '[%4d s] %s: %s\n' $((EPOCHSECONDS - STARTED)) "$me" "$1"; }

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
PIN=${PIN:-$(<"$root/series/default")}
FLAVOUR=${FLAVOUR:-default}
VARIANT=${VARIANT:-series}
arch=${ARCH:-x86_64}
label=$FLAVOUR
[[ $arch == x86_64 ]] || label+=-$arch
{ read -r SERIES_DIR; read -r PATCHES_DIR; read -r BUILD; read -r RESULTS; read -r CONFIGS; } < <(realpath -m -- \
	"${SERIES_DIR:-$root/series}" "${PATCHES_DIR:-$root/patches}" "${BUILD:-$root/build}" \
	"${RESULTS:-$root/results}" "${CONFIGS:-$root/qemu-configs}")
export PIN FLAVOUR VARIANT BUILD RESULTS CONFIGS SERIES_DIR PATCHES_DIR

known_pins() { find "$SERIES_DIR" -mindepth 2 -maxdepth 2 -name base -printf '%P\n' 2>/dev/null | sed 's@/base$@@' | sort; }
if [[ ! $PIN =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ || ! -f $SERIES_DIR/$PIN/base ]]; then
	known=$(known_pins | paste -sd ' ')
	die 2 "unknown PIN '$PIN'; known pins: ${known:-none}"
fi

series_d=$SERIES_DIR/$PIN
# its own name, then those of the pins that it is like
read -ra shorts <<<"$(sed -n 's/^short *= *//p' "$series_d/base")"
short=${shorts[0]-}
# what the tests in C are compiled with, so that they know the pin: v7 is PIN_V7
test_define=PIN_${shorts[*]: -1}
test_define=${test_define^^}
test_define=${test_define//[^A-Z0-9]/_}
patches_d=$PATCHES_DIR/$PIN
build_d=$BUILD/$PIN
download_d=$build_d/download
tree=$build_d/linux
base_tree=$build_d/linux-base

# arch_key KEY: the value of KEY in the file of the architecture
arch_key() {
	local conf=$CONFIGS/arch/$arch.conf
	[[ -f $conf ]] || die 2 "no $conf; ARCH must be one of the files beside it"
	sed -n "s/^$1 *= *//p" "$conf"
}

# base_key KEY: the values of KEY in series/PIN/base, one a line
base_key() {
	sed -nE "s/^$1[[:space:]]*=[[:space:]]*(.*[^[:space:]])[[:space:]]*\$/\1/p" "$series_d/base"
}

# build_folder: make build/PIN, and keep other runs out of it until we end
build_folder() {
	mkdir -p "$download_d" 2>/dev/null || :
	[[ -w $build_d && -w $download_d ]] ||
		die 2 "cannot write to $build_d; run: make BUILD=<a folder of yours>"
	[[ ${BUILD_LOCKED:-} != "$build_d" ]] || return 0
	exec 9>"$build_d/.lock"
	if ! flock -n 9; then
		stage "waiting for another run in $build_d"
		flock 9
	fi
	export BUILD_LOCKED=$build_d
}

# finished STAMP TEXT: what is beside STAMP is whole. It is on the disk first, so that a
# power cut can't leave a stamp and lose what it stands for
finished() {
	sync -f "${1%/*}"
	printf '%s\n' "$2" >"$1.tmp"
	mv "$1.tmp" "$1"
}

# no_space TEXT: true when the tool that said TEXT ran out of disk (tools'
# words are kept in variables: a log file could not be written then)
no_space() { grep -q -i -E 'no space left|quota exceeded|unable to write file' <<<"$1"; }
