#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the plugin of QEMU's that counts by function, BUILD/qemu-plugin/count.so: plugin.sh
#
# The header is the distribution's, /usr/include/qemu-plugin.h, or that of QEMU's source
# package, which is fetched once for a version of QEMU, 24 to 40 MB, for this one file. That of
# QEMU 10.0 and later includes glib's. Does nothing when the plugin is there.
# Environment: ARCH BUILD.
#
# Exit codes: 0 it is there, 1 it can't be built.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"
. "$root/scripts/series/apt.sh"

out=$BUILD/qemu-plugin
source=$root/scripts/bench/plugin/count.c
qemu=${QEMU:-$(arch_key qemu)}
[[ $("$qemu" -help) == *$'\n-plugin '* ]] || die 1 "$qemu has no plugins"
version=$("$qemu" --version)

# into $header
fetch() {
	local own=$out/apt suite upstream
	suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[[ -n $suite ]] || die 1 "/etc/os-release names no release of Debian"
	own_apt "$own" deb-src "$suite" </dev/null
	if ! (cd "$own" && apt-get -q source --download-only --tar-only qemu >log 2>&1); then
		apt_failed "$own/log" "the source of qemu of $suite"
	fi
	upstream=$(basename "$own"/qemu_*.orig.tar.* | sed 's/^qemu_//; s/\.orig\.tar\..*//')
	[[ $version == *":$upstream-"* ]] || die 1 "$qemu is not of $suite, which has $upstream; it needs its /usr/include/qemu-plugin.h"
	tar -xOf "$own"/qemu_*.orig.tar.* --wildcards '*/include/*/qemu-plugin.h' >"$out/header.tmp" ||
		die 1 "the source of qemu has no qemu-plugin.h"
	rm -rf "$own"
	mv "$out/header.tmp" "$header"
	finished "$out/version" "$version"
}

mkdir -p "$out"
header=/usr/include/qemu-plugin.h
if [[ ! -f $header ]]; then
	header=$out/qemu-plugin.h
	[[ -f $header && $version == "$(cat "$out/version" 2>/dev/null)" ]] || fetch
fi
key=$(cat "$source" "$header" "${BASH_SOURCE[0]}" - <<<"$version" | sha256sum | cut -d' ' -f1)
[[ ! -f $out/count.so || $key != "$(cat "$out/stamp" 2>/dev/null)" ]] || exit 0
rm -f "$out/stamp"
flags=()
if grep -q '<glib.h>' "$header"; then
	read -ra flags <<<"$(pkg-config --cflags glib-2.0 2>/dev/null)"
	((${#flags[@]})) || die 1 "qemu-plugin.h includes glib.h; run: apt-get install libglib2.0-dev"
fi
if ! gcc -O2 -Wall -Wextra -Werror -shared -fPIC "-I${header%/*}" "${flags[@]}" -o "$out/count.so" "$source" >"$out/build.log" 2>&1; then
	die 1 "${source#"$root/"} does not compile: $(grep -m1 -E 'error:' "$out/build.log" || tail -n 1 "$out/build.log")"
fi
finished "$out/stamp" "$key"
