#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A pin that is not there, a build folder that cannot be, a full disk.
. "$(dirname "$0")/lib/fake.bash"

for script in series/source series/tree series/refresh gates/check-series; do
	PIN=v9 want 2 "^${script##*/}: unknown PIN 'v9'; known pins: v0.1\$" "$s/$script.sh"
	PIN=../v0.1 want 2 'unknown PIN' "$s/$script.sh"
	want 0 '' "$s/$script.sh" -h
	[[ -s $tmp/out ]] || bad "$script.sh -h is silent"
done
for script in tree refresh; do
	want 2 'run: make source|run: make tree' "$s/series/$script.sh"
	want 2 "unknown argument '--foo'" "$s/series/$script.sh" --foo
done

touch "$tmp/file"
BUILD=$tmp/file/build want 2 'cannot write to .*/file/build/v0.1; run: make BUILD=' "$s/series/source.sh"

mkdir -p "$b/linux"
want 2 'build/v0.1/linux is there but not made by this project' "$s/series/source.sh"

# a kernel that is larger than the disk
mkdir "$tmp/small"
if ! mount -t tmpfs -o size=4M none "$tmp/small" 2>/dev/null; then
	((failed)) || { echo "skip: ${0##*/}: full disk: cannot mount a tmpfs"; exit 77; }
	end
fi
trap 'umount "$tmp/small"; rm -rf "$tmp"' EXIT
head -c 6000000 /dev/urandom >"$tmp/unpacked/mm/big.c"
mkdir "$tmp/big"
cp -a "$tmp/unpacked" "$tmp/big/linux-0.1"
tar -C "$tmp/big" -czf "$tmp/big/linux-0.1.tar.gz" linux-0.1
b=$tmp/small/v0.1
BUILD=$tmp/small KERNEL_SRC_DIR=$tmp/big want 1 'disk full below .*/small' "$s/series/source.sh"
no_rest 'full disk while unpacking'
# one that unpacks, but has no room to be committed
head -c 3000000 /dev/urandom >"$tmp/big/linux-0.1/mm/big.c"
tar -C "$tmp/big" -czf "$tmp/big/linux-0.1.tar.gz" linux-0.1
BUILD=$tmp/small KERNEL_SRC_DIR=$tmp/big want 1 'disk full below .*/small' "$s/series/source.sh"
no_rest 'full disk while committing'
# one that is committed, but has no room for a second work tree
head -c 1500000 /dev/urandom >"$tmp/big/linux-0.1/mm/big.c"
tar -C "$tmp/big" -czf "$tmp/big/linux-0.1.tar.gz" linux-0.1
BUILD=$tmp/small KERNEL_SRC_DIR=$tmp/big want 0 '' "$s/series/source.sh"
BUILD=$tmp/small want 1 'disk full below .*/small' "$s/series/tree.sh"
[[ ! -e $b/linux-base ]] || bad 'half a linux-base stays'
end
