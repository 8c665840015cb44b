#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Fetch a package's upstream source archive from the Debian archive.
#
#   scripts/source-apt.sh DIR "linux=5.10.223-1 bullseye"
#
# Uses the mirror that this machine's apt is set up for, whatever its release,
# with a configuration and lists of its own under DIR: no root, and nothing in
# /etc or /var changes. The archive's signature is checked against Debian's
# keyring. The file appears in DIR only when it is whole; a half one stays in
# DIR/apt and the next run goes on with it.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

dir=${1:?} want=${2:-}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -n $want ]] || die 1 "series/$PIN/base names no Debian source"
read -r package suite <<<"$want"
command -v apt-get >/dev/null || die 1 "no apt on this machine"
[[ -f $keyring ]] || die 1 "no $keyring"

# the URIs apt is set up with that serve Debian itself: no security archive,
# no other vendor's; both formats of sources are apt's business
mirrors() {
	# what apt knows from the Release files that it has
	# shellcheck disable=SC2016  # these are apt's variables
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -F'|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4 }'
	# no lists yet (a fresh container): go by the usual name of the folder
	apt-get --print-uris update 2>/dev/null |
		sed -nE "s@^'([^']*/debian)/dists/[^/']*/InRelease'.*@\1/@p"
}
uri=$(mirrors | awk '!seen[$0]++ { print; exit }')
[[ -n $uri ]] || die 1 "apt has no Debian mirror set up"

own=$dir/apt
mkdir -p "$own/lists/partial" "$own/cache/archives/partial" "$own/get"
echo "deb-src [signed-by=$keyring] $uri $suite main" >"$own/sources.list"
{
	# how to reach mirrors (proxies, dates) is the machine's; hooks, pins
	# and the sandbox user, who could not write here, are not
	apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || :
	cat <<-EOF
	Dir::Etc::main "/dev/null";
	Dir::Etc::parts "/dev/null";
	Dir::Etc::sourcelist "$own/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State::lists "$own/lists";
	Dir::Cache "$own/cache";
	Acquire::http::Timeout "20";
	Acquire::https::Timeout "20";
	Acquire::Retries "2";
	Acquire::Languages "none";
	APT::Get::Update::SourceListWarnings "false";
	EOF
	((EUID)) || echo 'APT::Sandbox::User "root";'
} >"$own/apt.conf"
export APT_CONFIG=$own/apt.conf

# apt-get update ends 0 when it could not fetch: its warnings say so
if ! apt-get -q update >"$own/log" 2>&1 || grep -q '^W: Failed to fetch' "$own/log"; then
	why=$(grep -m1 -E '^[EW]: ' "$own/log" | sed 's/^[EW]: //') || why='no answer'
	die 1 "$suite on the mirror cannot be read, ${why//: /, }"
fi
if ! (cd "$own/get" && apt-get -q source --download-only --tar-only "$package" >"$own/log" 2>&1); then
	why=$(grep -m1 '^E: ' "$own/log" | sed 's/^E: //') || why='no answer'
	die 1 "$package of $suite, ${why//: /, }"
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
