#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Missing packages are named with the command that installs them; the mirror is found.
. "$(dirname "$0")/lib/fake.bash"

chmod 755 "$tmp"
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/sudo"
chmod +x "$tmp/bin/sudo"
command -v dpkg-query >/dev/null || { echo "skip: ${0##*/}: not Debian"; exit 77; }
printf '%s\n' '# remark' '' 'dpkg  # there' 'no-such-package  # why' 'no-such-extra  # optional: why' >"$tmp/list"
user=()
((EUID)) || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
PATH=$tmp/bin:$PATH DEPS=$tmp/list want 2 \
	'^deps: missing packages: no-such-package; run: sudo apt-get install -y --no-install-recommends no-such-package$' "${user[@]}" "$s/deps.sh"
DRY=1 DEPS=$tmp/list want 0 '' "$s/deps.sh"
[[ $(cat "$tmp/out") == 'sudo apt-get install -y --no-install-recommends no-such-package' ]] || bad "DRY=1: $(cat "$tmp/out")"
DRY=1 ALL=1 DEPS=$tmp/list want 0 '' "$s/deps.sh"
grep -q no-such-extra "$tmp/out" || bad 'ALL=1 leaves out the optional package'
sed -i /no-such/d "$tmp/list"
DEPS=$tmp/list want 0 '' "$s/deps.sh"
[[ ! -s $tmp/out ]] || bad "all there, but: $(cat "$tmp/out")"

# the Debian mirror among others, in both formats of sources
[[ -f /usr/share/keyrings/debian-archive-keyring.gpg ]] || end
mkdir -p "$tmp/etc/parts" "$tmp/lists/partial"
cat >"$tmp/apt.conf" <<EOF
Dir::Etc::sourcelist "$tmp/etc/sources.list";
Dir::Etc::sourceparts "$tmp/etc/parts";
Dir::State::lists "$tmp/lists";
Dir::Cache "$tmp/cache";
EOF
printf 'deb file:%s/%s main\n' "$tmp" 'other/repo stable' "$tmp" 'debian-security bookworm-security' \
	"$tmp" 'site/debian bookworm' >"$tmp/etc/sources.list"
export APT_CONFIG=$tmp/apt.conf
want 1 "source-apt: bullseye on the mirror cannot be read, .*file:$tmp/site/debian" "$s/series/source-apt.sh" "$tmp/dl" 'linux=0.1-1 bullseye'
rm "$tmp/etc/sources.list"
printf '%s\n' 'Types: deb' "URIs: file:$tmp/two/debian" 'Suites: bookworm bookworm-updates' 'Components: main' >"$tmp/etc/parts/debian.sources"
want 1 "file:$tmp/two/debian" "$s/series/source-apt.sh" "$tmp/dl" 'linux=0.1-1 bullseye'
rm "$tmp/etc/parts/debian.sources"
want 1 'apt has no Debian mirror set up' "$s/series/source-apt.sh" "$tmp/dl" 'linux=0.1-1 bullseye'
end
