#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A source that is not the pin's is refused and leaves nothing; each origin works.
. "$(dirname "$0")/lib/fake.bash"

cp -r "$tmp/src" "$tmp/good"

# wrong checksum: a named folder is only refused, a download is removed too
echo x >>"$tmp/src/linux-0.1.tar.xz"
KERNEL_SRC_DIR=$tmp/src want 1 'linux-0.1.tar.xz: checksum is not the one' "$s/series/source.sh"
[[ -f $tmp/src/linux-0.1.tar.xz ]] || bad 'removed a file of the user'
want 1 'checksum is not the one .* removed; run: make source' "$s/series/source.sh"
no_rest checksum
[[ -z $(ls "$b/download") ]] || bad "corrupt download stays: $(ls "$b/download")"

# truncated, and nobody knows its checksum
sed -i '/^sha256/d' "$fr/series/v0.1/base"
head -c 200 "$tmp/good/linux-0.1.tar.xz" >"$tmp/src/linux-0.1.tar.xz"
KERNEL_SRC_DIR=$tmp/src want 1 'cannot be unpacked, truncated or damaged' "$s/series/source.sh"
no_rest truncated

# altered: a file that the series touches, or its absence
mkdir -p "$tmp/alt/linux-0.1"
cp -a "$tmp/unpacked/." "$tmp/alt/linux-0.1"
sed -i s/20/21/ "$tmp/alt/linux-0.1/mm/a.c"
tar -C "$tmp/alt" -czf "$tmp/alt/linux-0.1.tar.gz" linux-0.1
KERNEL_SRC_DIR=$tmp/alt want 1 'mm/a.c is not that of v0.1' "$s/series/source.sh"
rm "$tmp/alt/linux-0.1/mm/a.c"
tar -C "$tmp/alt" -czf "$tmp/alt/linux-0.1.tar.gz" linux-0.1
KERNEL_SRC_DIR=$tmp/alt want 1 'mm/a.c is missing' "$s/series/source.sh"
no_rest altered

# origins that were named and do not fit
KERNEL_SRC_DIR=$tmp/nowhere want 2 'is not a folder' "$s/series/source.sh"
KERNEL_SRC_DIR=$tmp/bin want 2 'has no source of v0.1; looked for: .*linux-0.1.tar.xz' "$s/series/source.sh"
KERNEL_GIT=$tmp/bin want 2 'is not a git repository' "$s/series/source.sh"
git -C "$tmp/unpacked" init -q
git -C "$tmp/unpacked" add -A
git -C "$tmp/unpacked" commit -qm all
KERNEL_GIT=$tmp/unpacked want 2 'has no tag v0.1' "$s/series/source.sh"
no_rest named

# every origin gives the same commit
git -C "$tmp/unpacked" tag v0.1
KERNEL_GIT=$tmp/unpacked want 0 '' "$s/series/source.sh"
id=$(k rev-parse v0.1)
[[ -z $(k status --porcelain) ]] || bad 'the new tree is not clean'
rm -rf "$b"
KERNEL_SRC_DIR=$tmp/good want 0 '' "$s/series/source.sh"
[[ $(k rev-parse v0.1) == "$id" ]] || bad 'another commit from an archive'
rm -rf "$b"
rm -rf "$tmp/src" && mv "$tmp/good" "$tmp/src"
want 0 '' "$s/series/source.sh"
[[ $(k rev-parse v0.1) == "$id" ]] || bad 'another commit from a download'
rm -rf "$b"
if command -v dpkg-deb >/dev/null; then
	mkdir -p "$tmp/pkg/DEBIAN" "$tmp/pkg/usr/src" "$tmp/deb"
	cp "$tmp/src/linux-0.1.tar.xz" "$tmp/pkg/usr/src/linux-source-0.1.tar.xz"
	printf '%s\n' 'Package: linux-source-0.1' 'Version: 0.1-1~exp1' 'Architecture: all' 'Maintainer: z' 'Description: z' >"$tmp/pkg/DEBIAN/control"
	dpkg-deb -b "$tmp/pkg" "$tmp/deb/linux-source-0.1_all.deb" >/dev/null
	KERNEL_SRC_DIR=$tmp/deb want 0 '' "$s/series/source.sh"
	[[ $(k rev-parse v0.1) == "$id" ]] || bad 'another commit from a package'

	# a package of another release, and the difference
	rm -rf "$b"
	mkdir "$tmp/other" "$tmp/pkg/old"
	cp -r "$tmp/unpacked" "$tmp/pkg/old/new"
	cp -r "$tmp/pkg/old/new" "$tmp/pkg/old/old"
	sed -i s/20/21/ "$tmp/pkg/old/old/mm/a.c"
	(cd "$tmp/pkg/old" && diff -ruN --no-dereference -x .git old new | xz >"$tmp/other/linux-source-0.1-rc2-to-0.1.diff.xz") || true
	tar -C "$tmp/pkg/old" --exclude .git -cJf "$tmp/pkg/usr/src/linux-source-0.1.tar.xz" old
	rm -r "$tmp/pkg/old"
	sed -i 's/^Version: .*/Version: 0.1~rc2-1~exp1/' "$tmp/pkg/DEBIAN/control"
	dpkg-deb -b "$tmp/pkg" "$tmp/other/linux-source-0.1_all.deb" >/dev/null
	KERNEL_SRC_DIR=$tmp/other want 0 '' "$s/series/source.sh"
	[[ $(k rev-parse v0.1) == "$id" ]] || bad 'another commit from a package and a difference'
	rm -rf "$b" "$tmp"/other/*.diff.xz
	KERNEL_SRC_DIR=$tmp/other want 2 'has no source of v0.1' "$s/series/source.sh"
	KERNEL_SRC_DIR=$tmp/deb "$s/series/source.sh" >/dev/null
fi

# a download whose sum base does not know: the server's own list is asked
rm -rf "$b"
sed -i.was '/^sha256/d' "$fr/series/v0.1/base"
echo "$(sha256sum <"$tmp/src/linux-0.1.tar.xz" | cut -d' ' -f1)  linux-0.1.tar.xz" >"$tmp/src/sha256sums.asc"
want 0 '' "$s/series/source.sh"
rm -rf "$b"
sed -i 's/^..../0000/' "$tmp/src/sha256sums.asc"
want 77 'kernel.org .linux-0.1.tar.xz is not what sha256sums.asc beside it says' "$s/series/source.sh"
no_rest 'a wrong sum'
rm "$tmp/src/sha256sums.asc"
mv "$fr/series/v0.1/base.was" "$fr/series/v0.1/base"

# no origin has it: which were tried, and nothing stays
rm -rf "$b"
sed -i.was 's@^url = .*@url = file:///nowhere/linux-0.1.tar.xz@' "$fr/series/v0.1/base"
want 77 'no source of v0.1; tried the Debian archive .* and kernel.org .*; run: make source KERNEL_SRC_DIR=' "$s/series/source.sh"
no_rest 'no origin'
mv "$fr/series/v0.1/base.was" "$fr/series/v0.1/base"
KERNEL_SRC_DIR=$tmp/src "$s/series/source.sh" >/dev/null

# a second run has nothing to do, unless base names what the tree has not got
want 0 '' "$s/series/source.sh"
[[ ! -s $tmp/out ]] || bad "a second run said: $(cat "$tmp/out")"
sed -i 's/^blob = ..../blob = 0000/' "$fr/series/v0.1/base"
want 1 'mm/a.c is not what series/v0.1/base says' "$s/series/source.sh"
end
