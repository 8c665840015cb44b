#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An apt of our own; sourced after settings.sh by source-apt.sh and guest-apt.sh, does
# nothing by itself.
#
#   own_apt DIR deb|deb-src SUITE
#
# From here on apt-get works with configuration, lists and cache below DIR, and
# with this release on the mirror that this machine's apt is set up for: no root,
# and nothing in /etc or /var changes. The archive's signature is checked against
# Debian's keyring. Lines of apt.conf on stdin are added to ours.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

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

own_apt() {
	local own=$1 uri
	command -v apt-get >/dev/null || die 1 "no apt on this machine"
	[[ -f $keyring ]] || die 1 "no $keyring"
	# read to the end: a reader that stops early kills the writer, and us (pipefail)
	uri=$(mirrors | sed -n 1p)
	[[ -n $uri ]] || die 1 "apt has no Debian mirror set up"
	mkdir -p "$own/lists/partial" "$own/cache/archives/partial"
	echo "$2 [signed-by=$keyring] $uri $3 main" >"$own/sources.list"
	{
		# how to reach mirrors (proxies, dates) is the machine's; hooks, pins
		# and the sandbox user, who could not write here, are not
		apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || :
		cat <<-EOT
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
		EOT
		((EUID)) || echo 'APT::Sandbox::User "root";'
		cat
	} >"$own/apt.conf"
	export APT_CONFIG=$own/apt.conf

	# apt-get update ends 0 when it could not fetch: its warnings say so
	if ! apt-get -q update >"$own/log" 2>&1 || grep -q '^W: Failed to fetch' "$own/log"; then
		apt_failed "$own/log" "$3 on the mirror cannot be read"
	fi
}

# apt_failed LOG TEXT: end with TEXT and the reason that apt gave
apt_failed() {
	local why
	why=$(sed -nE '/^[EW]: /{s///p;q}' "$1")
	why=${why:-no answer}
	die 1 "$2, ${why//: /, }"
}
