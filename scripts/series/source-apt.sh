#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fetch a kernel's source from the Debian archive.
#
#   source-apt.sh DIR "linux=5.10.223-1 bullseye"
#   source-apt.sh DIR "linux-source-7.3=7.3.4-1~bpo13+1 trixie-backports"
#
# The first is the upstream archive of a source package; the second, by its name, a package
# that holds the source as Debian builds it. Uses the mirror that this machine's apt is set
# up for, whatever its release, with an apt of its own under DIR (apt.sh). The file appears
# in DIR only when it is whole; a half one stays in DIR/apt and the next run goes on with it.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"
. "$root/scripts/series/apt.sh"

dir=${1:?} want=${2:-}
[[ -n $want ]] || die 1 "series/$PIN/base names no Debian source"
read -r package suite <<<"$want"
own=$dir/apt
mkdir -p "$own/get"
kind=deb-src get=(source --download-only --tar-only) suffix='.orig.tar.*'
[[ $package != linux-source-* ]] || kind=deb get=(download) suffix='_all.deb'
own_apt "$own" "$kind" "$suite" </dev/null
if ! (cd "$own/get" && apt-get -q "${get[@]}" "$package" >"$own/log" 2>&1); then
	apt_failed "$own/log" "$package of $suite"
fi
mapfile -t found < <(find "$own/get" -name "*$suffix" ! -name '*.asc')
((${#found[@]})) || die 1 "$package has no source archive"
mv "${found[@]}" "$dir"
# the lists are 50 MB that nobody needs again
rm -rf "$own"
