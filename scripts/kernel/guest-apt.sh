#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What guests of another architecture than ours run beside the tests: guest-apt.sh
#
# Fetches the packages with the tools that initramfs.sh packs, for ARCH, and all that they
# depend on, from the Debian archive and of this machine's release, and unpacks
# them in BUILD/tools-ARCH. Nothing is installed, and this machine does not learn
# that there are packages of another architecture. Does nothing when they are
# there. Environment: ARCH BUILD.
#
# Exit codes: 0 they are there, 1 they cannot be had, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"
. "$root/scripts/series/apt.sh"

packages=(busybox-static ndctl daxctl e2fsprogs makedumpfile bash)
debian=$(arch_key debian)
[[ -n $debian ]] || die 2 "qemu-configs/arch/$arch.conf has no 'debian ='; ARCH=$arch runs the tools of a $arch machine"
tools=$BUILD/tools-$arch
[[ ${packages[*]} != "$(cat "$tools/stamp" 2>/dev/null)" ]] || exit 0

suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
[[ -n $suite ]] || die 1 "/etc/os-release names no release of Debian"
stage "fetching ${packages[*]} for $debian"
rm -rf "$tools"
own_apt "$tools/apt" deb "$suite" <<-EOF
	APT::Architecture "$debian";
	APT::Architectures "$debian";
	APT::Install-Recommends "false";
	Dir::State::status "/dev/null";
EOF
if ! apt-get -q -y --download-only install "${packages[@]}" >"$tools/apt/log" 2>&1; then
	apt_failed "$tools/apt/log" "${packages[*]} for $debian"
fi
for package in "$tools"/apt/cache/archives/*.deb; do
	dpkg-deb -x "$package" "$tools"
done
rm -rf "${tools:?}"/{apt,usr/share}
finished "$tools/stamp" "${packages[*]}"
