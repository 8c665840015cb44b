#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the tag's own selftests that guests run: tree-tests.sh TREE
#
# series/PIN/tree-tests names them, `FOLDER PROGRAM` below tools/testing/selftests.
# They are built by TREE's makefiles, with its own headers, statically, once for all
# trees that have the same sources; scripts are copied. They end up in
# build/PIN/tree-tests/FOLDER/PROGRAM; `stamp` there tells what they are made of.
# Environment: PIN.
#
# Exit codes: 0 built, up to date or none, 1 one does not compile.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"

src=$1
out=$build_d/tree-tests
mapfile -t wanted < <([[ ! -f $series_d/tree-tests ]] ||
	awk '!/^[ \t]*(#|$)/ { print $1 "/" $2 }' "$series_d/tree-tests")
((${#wanted[@]})) || exit 0

build_folder
key=$({
	printf '%s\n' "${wanted[@]}" "$(gcc --version | head -n 1)"
	cat "${BASH_SOURCE[0]}"
	g -C "$src" ls-tree -r HEAD -- arch include/uapi lib tools | grep -E '/uapi/|_uapi\.h|tools/'
} | sha256sum | cut -d' ' -f1)
[[ $key != "$(cat "$out/stamp" 2>/dev/null)" ]] || exit 0

# `make headers_install` needs rsync; what it would install is there before
build() {
	local folder path
	make -C "$src" "O=$out/headers" "ARCH=${ARCH:-x86_64}" headers || return
	for path in "${wanted[@]}"; do
		folder=${path%%/*}
		mkdir -p "$out/$folder"
		if [[ $path == *.sh ]]; then
			cp "$src/tools/testing/selftests/$path" "$out/$path"
		else
			make -C "$src/tools/testing/selftests/$folder" "OUTPUT=$out/$folder" KSFT_KHDR_INSTALL_DONE=1 \
				"ARCH=${ARCH:-x86_64}" "USERCFLAGS=-isystem $out/headers/usr/include" "USERLDFLAGS=-static -s" \
				"$out/$path"
		fi || return
	done
}

rm -rf "$out"
mkdir -p "$out"
stage "the tag's own tests: ${wanted[*]##*/}"
if ! build >"$out/build.log" 2>&1; then
	grep -m 5 -E 'error:|Error ' "$out/build.log" >&2 || tail -n 5 "$out/build.log" >&2
	die 1 "the tests of series/$PIN/tree-tests do not compile, see $out/build.log"
fi
rm -rf "$out/headers"
printf '%s\n' "${wanted[@]}" >"$out/list"
finished "$out/stamp" "$key"
