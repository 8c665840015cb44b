#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fetch a package's upstream source archive from the Debian archive.
#
#   scripts/source-apt.sh DIR "linux=5.10.223-1 bullseye"
#
# Uses the mirror that this machine's apt is set up for, whatever its release,
# with an apt of its own under DIR (apt.sh). The file appears in DIR only when it
# is whole; a half one stays in DIR/apt and the next run goes on with it.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$root/scripts/apt.sh"

dir=${1:?} want=${2:-}
[[ -n $want ]] || die 1 "series/$PIN/base names no Debian source"
read -r package suite <<<"$want"
own=$dir/apt
mkdir -p "$own/get"
own_apt "$own" deb-src "$suite" </dev/null
if ! (cd "$own/get" && apt-get -q source --download-only --tar-only "$package" >"$own/log" 2>&1); then
	apt_failed "$own/log" "$package of $suite"
fi
found=
for f in "$own"/get/*.orig.tar.*; do
	[[ -f $f && $f != *.asc ]] || continue
	mv "$f" "$dir/"
	found=1
done
[[ -n $found ]] || die 1 "$package has no upstream archive"
# the lists are 50 MB that nobody needs again
rm -rf "$own"
