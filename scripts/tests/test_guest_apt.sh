#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Another architecture's tools are fetched once, by an apt that is a stand-in,
# and unpacked; why they cannot be had is one line.
. "$(dirname "$0")/lib/fake.bash"

if ! command -v dpkg-deb >/dev/null || [[ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
	echo "skip: ${0##*/}: not Debian"
	exit 77
fi
mkdir -p "$fr/qemu-configs/arch" "$tmp/pkg/DEBIAN" "$tmp/pkg/usr/bin"
echo 'debian = toy64' >"$fr/qemu-configs/arch/toy.conf"
echo '# no other' >"$fr/qemu-configs/arch/x86_64.conf"
echo tool >"$tmp/pkg/usr/bin/ndctl"
printf '%s\n' 'Package: ndctl' 'Version: 1' 'Architecture: all' 'Maintainer: z' 'Description: z' >"$tmp/pkg/DEBIAN/control"
dpkg-deb -b "$tmp/pkg" "$tmp/ndctl.deb" >/dev/null
cat >"$tmp/bin/apt-get" <<EOF2
#!/bin/bash
case "\$*" in
indextargets*) echo 'Debian|Debian|main|http://mirror/debian/' ;;
*install*) echo >>"$tmp/installs"
	[[ ! -e $tmp/broken ]] || { echo 'E: Unable to locate package ndctl'; exit 100; }
	cat "\$APT_CONFIG" "\${APT_CONFIG%/*}/sources.list" >"$tmp/config"
	cp "$tmp/ndctl.deb" "\${APT_CONFIG%/*}/cache/archives" ;;
esac
EOF2
printf '#!/bin/sh\necho "Acquire::http::Proxy \\"p\\";"\n' >"$tmp/bin/apt-config"
chmod +x "$tmp"/bin/apt-*
export PATH=$tmp/bin:$PATH

touch "$tmp/broken"
ARCH=toy want 1 '^guest-apt: busybox-static .* for toy64, Unable to locate package ndctl$' "$s/kernel/guest-apt.sh"
rm "$tmp/broken"
ARCH=toy want 0 '' "$s/kernel/guest-apt.sh"
[[ $(cat "$fr/build/tools-toy/usr/bin/ndctl") == tool ]] || bad 'the package is not unpacked'
[[ ! -e $fr/build/tools-toy/apt ]] || bad 'lists and packages are left'
for word in 'Architecture "toy64"' 'Proxy "p"' 'status "/dev/null"' '^deb .* http://mirror/debian/ '; do
	grep -q -- "$word" "$tmp/config" || bad "not in the configuration: $word"
done
ARCH=toy want 0 '' "$s/kernel/guest-apt.sh"
[[ $(wc -l <"$tmp/installs") == 2 ]] || bad 'fetched again'
want 2 "guest-apt: .*x86_64.conf has no 'debian ='" "$s/kernel/guest-apt.sh"
ARCH=vax want 2 'no .*vax.conf; ARCH must be' "$s/kernel/guest-apt.sh"
end
