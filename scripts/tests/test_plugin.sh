#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The plugin of QEMU's is built with a header that an apt, a stand-in, fetches once;
# why it can't be built is one line.
. "$(dirname "$0")/lib/fake.bash"

if [[ ! -f /usr/share/keyrings/debian-archive-keyring.gpg || -f /usr/include/qemu-plugin.h ]]; then
	echo "skip: ${0##*/}: not Debian, or the header is installed"
	exit 77
fi
mkdir -p "$fr/qemu-configs/arch" "$fr/scripts/bench/plugin" "$tmp/qemu-0/include/plugins"
echo 'qemu = qemu-toy' >"$fr/qemu-configs/arch/x86_64.conf"
printf '#include <qemu-plugin.h>\nint x = HEADER;\n' >"$fr/scripts/bench/plugin/count.c"
echo '#define HEADER 1' >"$tmp/qemu-0/include/plugins/qemu-plugin.h"
tar -C "$tmp" -cJf "$tmp/qemu_0.orig.tar.xz" qemu-0
cat >"$tmp/bin/apt-get" <<EOF2
#!/bin/bash
case "\$*" in
indextargets*) echo 'Debian|Debian|main|http://mirror/debian/' ;;
*source*) echo >>"$tmp/fetched"
	[[ ! -e $tmp/broken ]] || { echo 'E: Unable to find a source package for qemu'; exit 100; }
	cat "\${APT_CONFIG%/*}/sources.list" >"$tmp/sources"
	cp "$tmp/qemu_0.orig.tar.xz" . ;;
esac
EOF2
printf '#!/bin/sh\n' >"$tmp/bin/apt-config"
# shellcheck disable=SC2016  # of the script that is written
printf '#!/bin/sh\ncase $1 in -help) printf "%%s\\n" "-usb  enable" "$PLUGIN" ;; *) echo "QEMU emulator version $VERSION (Debian 1:0-1)" ;; esac\n' >"$tmp/bin/qemu-toy"
chmod +x "$tmp"/bin/*
export PATH=$tmp/bin:$PATH PLUGIN='-plugin [file=]<file>' VERSION=7.2.0
so=$fr/build/qemu-plugin/count.so

PLUGIN='-pidfile file' want 1 '^plugin: qemu-toy has no plugins$' "$s/bench/plugin.sh"
touch "$tmp/broken"
want 1 '^plugin: the source of qemu of .*, Unable to find a source package for qemu$' "$s/bench/plugin.sh"
rm "$tmp/broken"
want 0 '' "$s/bench/plugin.sh"
[[ -s $so ]] || bad 'there is no plugin'
grep -q '^deb-src .* http://mirror/debian/ ' "$tmp/sources" || bad "the mirror: $(cat "$tmp/sources")"
[[ ! -e $fr/build/qemu-plugin/apt ]] || bad 'the package is left'
touch -d @0 "$so"
want 0 '' "$s/bench/plugin.sh"
[[ $(stat -c %Y "$so") == 0 ]] || bad 'built again'
echo 'int y = NONE;' >>"$fr/scripts/bench/plugin/count.c"
want 1 '^plugin: scripts/bench/plugin/count.c does not compile: .*NONE' "$s/bench/plugin.sh"
[[ $(wc -l <"$tmp/fetched") == 2 ]] || bad 'fetched again'
sed -i '$d' "$fr/scripts/bench/plugin/count.c"
VERSION=8.0.0 want 0 '' "$s/bench/plugin.sh"
[[ $(wc -l <"$tmp/fetched") == 3 ]] || bad 'the header of another version'
sed -i 's/1:0-1/1:10.0-1/' "$tmp/bin/qemu-toy"
VERSION=10.0 want 1 '^plugin: qemu-toy is not of [a-z]*, which has 0; it needs its /usr/include/qemu-plugin.h$' "$s/bench/plugin.sh"
sed -i 's/1:10.0-1/1:0-1/' "$tmp/bin/qemu-toy"
printf '#include <glib.h>\n#define HEADER GLIB\n' >"$fr/build/qemu-plugin/qemu-plugin.h"
printf '#!/bin/sh\n' >"$tmp/bin/pkg-config"
chmod +x "$tmp/bin/pkg-config"
VERSION=8.0.0 want 1 '^plugin: qemu-plugin.h includes glib.h; run: apt-get install libglib2.0-dev$' "$s/bench/plugin.sh"
mkdir "$tmp/glib"
echo '#define GLIB 2' >"$tmp/glib/glib.h"
printf '#!/bin/sh\necho "-I%s "\n' "$tmp/glib" >"$tmp/bin/pkg-config"
VERSION=8.0.0 want 0 '' "$s/bench/plugin.sh"
end
