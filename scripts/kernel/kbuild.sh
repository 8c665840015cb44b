#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How kernels are configured and built; sourced after settings.sh by kernel.sh,
# bisect.sh and cross.sh, does nothing by itself.

# shellcheck disable=SC2034,SC2154  # variables of and for the scripts that source this

# of_pin PREFIX: the fragment of this name and of the pin's first short name that has one
of_pin() {
	local word
	for word in "${shorts[@]}"; do
		[[ ! -f $1$word.config ]] || { echo "$1$word.config"; return; }
	done
}

# list_fragments ARCH FLAVOUR: sets fragments to those of a guest's kernel, as far as
# there are any for this ARCH, this pin and this ARCH in this FLAVOUR
list_fragments() {
	configs=$root/qemu-configs/kernel
	fragments=("$configs/common.config")
	[[ ! -f $configs/$1.config ]] || fragments+=("$configs/$1.config")
	mapfile -t -O "${#fragments[@]}" fragments < <(of_pin "$configs/"; of_pin "$configs/$1-")
	[[ ! -f $configs/$1-$2.config ]] || fragments+=("$configs/$1-$2.config")
	fragments+=("$root/selftests/config")
	[[ -z $(base_key kunit) ]] || fragments+=("$root/kunit/kunitconfig")
	fragments+=("$configs/flavour/$2.config")
}

# kernel_setup: how kernels are configured and built: configs, fragments, compiler,
# cc (with ccache), image, and what make goes by: its ARCH is another one than ours.
# An unknown FLAVOUR or ARCH is refused
kernel_setup() {
	local known make
	# make and merge_config.sh cannot work in such a folder
	[[ $BUILD != *[[:space:]:\&]* ]] ||
		die 2 "kernels cannot be built in $BUILD, for the blank, colon or ampersand in its name; run: make BUILD=<another folder>"
	list_fragments "$arch" "$FLAVOUR"
	if [[ ! -f ${fragments[-1]} ]]; then
		known=$(cd "$configs/flavour" && printf ' %s' *.config)
		die 2 "unknown FLAVOUR '$FLAVOUR'; known flavours:${known//.config/}"
	fi
	image=$(arch_key image) || exit
	read -ra make <<<"$(arch_key make)"
	unset ARCH CROSS_COMPILE
	((${#make[@]} == 0)) || export "${make[@]}"
	cc=${CROSS_COMPILE:-}gcc
	command -v "$cc" >/dev/null || die 2 "no $cc on this machine; run: make deps ALL=1"
	compiler=$("$cc" --version | head -n 1)
	if command -v ccache >/dev/null; then
		cc="ccache $cc"
		# without a home to write to every compilation would fail
		mkdir -p "${CCACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ccache}" 2>/dev/null || export CCACHE_DIR=$BUILD/ccache
	fi
	# The same sources give the same objects wherever and whenever they are
	# built, so that ccache finds them
	export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=memmap KBUILD_BUILD_HOST=memmap
	export CCACHE_BASEDIR=$BUILD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros
}

# configure SRC OUT LOG FRAGMENT...: merge the fragments on allnoconfig; sets
# lost to the options that did not survive. ARCH and CROSS_COMPILE
# are in the environment, if need be
configure() {
	local src=$1 out=$2 log=$3
	if ! (cd "$src" && ./scripts/kconfig/merge_config.sh -n -O "$out" "${@:4}") >"$log" 2>&1; then
		tail -n 3 "$log" >&2
		return 1
	fi
	lost=$(sed -nE 's/^(WARNING: )?Value requested for (CONFIG_[A-Z0-9_]+) not in final .*/\2/p' "$log" | paste -sd ' ')
}

# compile WHAT LOG MAKE...: run it on all CPUs with its output behind what LOG
# has, and a line every 15 s on what is being compiled; the errors when it fails
compile() {
	local what=$1 log=$2 pid seconds=0
	"${@:3}" "-j${JOBS:-$(nproc)}" >>"$log" 2>&1 9>&- &
	pid=$!
	trap 'kill "$pid" 2>/dev/null || :' EXIT
	while sleep "${POLL:-1}" && kill -0 "$pid" 2>/dev/null; do
		((++seconds % 15)) ||
			stage "$what: $(grep -c '^  CC' "$log") files compiled, $(sed -n '$s/^ *//p' "$log")"
	done
	trap - EXIT
	wait "$pid" && return
	grep -m 5 -E 'error:|Error |undefined reference|fatal:' "$log" >&2 || tail -n 5 "$log" >&2
	return 1
}

# warnings LOG SRC FILE...: those of the compiler in one of these files of SRC,
# `file:line:text`. The next build says them again, because it has to compile
# the file again
warnings() {
	local log=$1 src=$2 file line text
	while IFS=: read -r file line text; do
		file=${file#"$src/"} file=${file#"${src##*/}/"}	# ccache makes paths relative
		printf '%s\n' "${@:3}" | grep -qxF -- "$file" || continue
		echo "$file:$line:$text"
		touch -c "$src/$file"
	done < <(sed -nE 's@^(\.\./)*([^ :]+:[0-9]+:.*warning: .*)@\2@p' "$log" | sort -u)
}
