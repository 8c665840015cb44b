#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# affected: what it says of trees that have a bug, have its fix, look otherwise, or are too old.
. "$(dirname "$0")/lib/fake.bash"

sed -i 's/$/, which is long/' "$tmp/unpacked/mm/b.c"
cp -a "$tmp/unpacked" "$tmp/src/linux-0.1"
tar -C "$tmp/src" -cJf "$tmp/src/linux-0.1.tar.xz" linux-0.1
write_base
# pin v0.1: a patch of one line, and one that takes six away; both name what they fix
two_patches
k checkout -q series
k commit -q --amend -m 'mm: add a test'
sed -i 's/b line 1[0-5],.*/b gone/' "$b/linux/mm/b.c"
k commit -qam 'mm: change b

Fixes: 222222222222 ("b")'
sed -i 's/c line 9$/c line nine/' "$b/linux/mm/c.c"
k commit -qam 'mm: change c

Fixes: 333333333333 ("c")'
"$s/series/refresh.sh" >/dev/null
# an older pin has another form of the last one, in another file; one that mainline has; one that the
# newest does not need; and the same one
mkdir -p "$fr/series/v0.0" "$fr/patches/v0.0"
echo 'tag = v0.0' >"$fr/series/v0.0/base"
sed 's/c line /C line /; s/^Subject: .*/Subject: [PATCH] mm, old: change c/' "$fr/patches/v0.1/0004-mm-change-c.patch" >"$fr/patches/v0.0/0001-mm-change-c.patch"
sed 's/^Subject: .*/Subject: [PATCH] mm: old\n\ncommit 4444444444444444444444444444444444444444 upstream./' "$fr/patches/v0.1/0003-mm-change-b.patch" >"$fr/patches/v0.0/0002-mm-old.patch"
sed 's/^Subject: .*/Subject: [PATCH] mm: older/' "$fr/patches/v0.1/0003-mm-change-b.patch" >"$fr/patches/v0.0/0003-mm-older.patch"
cp "$fr/patches/v0.1/0003-mm-change-b.patch" "$fr/patches/v0.0/0004-mm-change-b.patch"
printf '# set: %s\n%s\n' c 0001-mm-change-c.patch old 0002-mm-old.patch older 0003-mm-older.patch b 0004-mm-change-b.patch \
	>"$fr/series/v0.0/series"
# of the first patch only a release is known
printf '%s\n' '# x' '222222222222 v0.0' '333333333333 v0.0.3' '444444444444 v0.0.9' 'mm-change-a v0.0.1 or before' >"$fr/series/releases"

# tree NAME SUBLEVEL: a kernel's source
tree() {
	cp -a "$tmp/unpacked" "$tmp/$1"
	printf 'VERSION = 0\nPATCHLEVEL = %s\nSUBLEVEL = %s\n' "${2%.*}" "${2#*.}" >"$tmp/$1/Makefile"
}
tree plain 0.5
tree fixed 0.6
(cd "$tmp/fixed" && cat "$fr"/patches/v0.1/000[34]-*.patch | git apply)
tree other 0.9
sed -i 's/line/Line/' "$tmp/other/mm/b.c"
sed -i 's/c line/C line/' "$tmp/other/mm/c.c"
tree first 0.2
sed -i '/line 9$/d' "$tmp/first/mm/c.c"
tree new 1.3
tree changed 0.7
sed -i '/line 9$/d; /line 1[234],/d' "$tmp/changed/mm/b.c" "$tmp/changed/mm/c.c"
rows() { sed -E 's/  +/|/g' "$tmp/out"; }
is() { [[ $(rows) == "$1" ]] || bad "not '$1': $(rows)"; }
affected() { TREES="${*:3}" want "$1" "$2" python3 "$s" affected; }

affected 0 '' "$tmp"/{plain,new,fixed,other,first,changed}
is 'patch|introduced by|fixed by|v0.0.5|v0.1.3|v0.0.6|v0.0.9|v0.0.2|v0.0.7
mm: change a|v0.0.1 or before|-|applies|applies|applies|applies|applies|applies
mm: change b|222222222222 (v0.0)|-|of v0.0|applies|has it|not there|of v0.0|by hand
mm: change c|333333333333 (v0.0.3)|-|applies|applies|has it|of v0.0|no|by hand
mm: old|222222222222 (v0.0)|444444444444 (v0.0.9)|of v0.0|has it|has it|has it|of v0.0|by hand
mm: older|222222222222 (v0.0)|-|of v0.0|no|has it|not there|of v0.0|by hand'

# with a history: a stable commit names the one that it is of
cd "$tmp/plain"
git init -q && git add . && git commit -qm 'one' && git tag v0.0.5
git commit -q --allow-empty -m 'the bug' && bug=$(git rev-parse HEAD) && git tag v0.0.6
git checkout -q v0.0.5 && git commit -q --allow-empty -m "the bug

commit $bug upstream." && git tag v0.0.5.1
git checkout -q v0.0.5 && git commit -q --allow-empty -m "the bug

[ Upstream commit $bug ]" && git tag v0.0.5.2
sed -i "s/^Fixes: 333333333333/Fixes: ${bug:0:12}/" "$fr"/patches/*/*-mm-change-c.patch
cd "$fr"
KERNEL_GIT=$tmp/plain affected 0 '' v0.0.5 v0.0.6 v0.0.5.1 v0.0.5.2
[[ $(rows) == *"mm: change c|${bug:0:12}|-|no|applies|applies|applies"* ]] || bad "history: $(rows)"
# a clone of the stable tree alone has no commit of mainline
git clone -q --single-branch --branch v0.0.5.2 "file://$tmp/plain" "$tmp/stable" 2>/dev/null
git -C "$tmp/stable" cat-file -e "$bug" 2>/dev/null && bad 'the clone has it'
echo "${bug:0:12} v0.9" >>"$fr/series/releases"
KERNEL_GIT=$tmp/stable affected 0 '' v0.0.5.2
[[ $(rows) == *"mm: change c|${bug:0:12} (v0.9)|-|applies"* ]] || bad "a stable tree alone: $(rows)"
# once it is in mainline
echo "mm-change-c ${bug}" >"$fr/series/v0.1/upstream"
KERNEL_GIT=$tmp/plain affected 0 '' v0.0.5 v0.0.6
[[ $(rows) == *"mm: change c|${bug:0:12} (v0.9)|${bug:0:12} (v0.9)|no|has it"* ]] || bad "upstream: $(rows)"

# a patch that has another name now
echo 'mm-change-x v0.0.1 or before' >>"$fr/series/releases"
KERNEL_GIT=$tmp/plain affected 2 "series/releases: 'mm-change-x' is no commit, and no patch of any pin" v0.0.5
sed -i '$d' "$fr/series/releases"

# without trees: those of the pins; nothing that is no kernel
affected 2 "is no kernel's source; run: make affected TREES=" "$fr"
KERNEL_GIT=$tmp/plain affected 2 'KERNEL_GIT=.*/plain has no tag v9 of a kernel; run: git -C .* fetch --tags' v9
rm -rf "$b/linux"
affected 2 'no source of any pin; run: make source PIN=all'
end
