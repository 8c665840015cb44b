#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rebase.sh: a tiny series is carried to tags that leave it alone, have part of it,
# or are in its way.
. "$(dirname "$0")/lib/fake.bash"

two_patches
sed -i -E 's/^(0001.*)/\1  # cases: one/' "$fr/series/v0.1/series"
"$s/series/tree.sh" >/dev/null
sed -i 's/b line 5$/b line five/' "$b/linux/mm/b.c"
k commit -qam 'mm: change b'
"$s/series/refresh.sh" >/dev/null
echo 'Subject: x on v0.1' >"$fr/series/v0.1/cover-letter"
echo proof >"$fr/series/v0.1/proof"
before=$(cd "$fr" && find series/v0.1 patches/v0.1 -type f -exec sha256sum {} + | sort)

# tags: easy touches other lines; merged has one of the patches; hard has line 20, too
up=$tmp/up
cp -a "$tmp/unpacked" "$up"
u() { git -C "$up" "$@"; }
u init -q && u add -Af . && u commit -qm 0.1 && u tag v0.1
tag() { u commit -qam "$1" && u tag "$1" && u checkout -q --detach v0.1; }
sed -i 's/a line 3$/a line three/' "$up/mm/a.c"
tag v0.2
sed -i 's/b line 5$/b line five/' "$up/mm/b.c"
tag v0.3
sed -i 's/a line 20$/a line XX/' "$up/mm/a.c"
tag v0.4-rc1
n() { git -C "$fr/build/$1/linux" "${@:2}"; }

want 2 "TO='' is no tag" "$s/series/rebase.sh"
want 2 'TO=v0.1 is the pin itself' "$s/series/rebase.sh" v0.1
want 2 'no source of v0.2; run: make rebase TO=v0.2 KERNEL_GIT=' "$s/series/rebase.sh" v0.2
KERNEL_GIT=$tmp/unpacked want 2 'is not a git repository' "$s/series/rebase.sh" v0.2
export KERNEL_GIT=$up
want 2 'has no tag v0.9' "$s/series/rebase.sh" v0.9
echo x >>"$b/linux/mm/c.c"
want 2 'linux has changes that are not in patches/v0.1; run: make refresh' "$s/series/rebase.sh" v0.2
k checkout -q mm/c.c

# nothing in the way
want 0 '' "$s/series/rebase.sh" v0.2
grep -q '^all 3 patches are the same$' "$tmp/out" || bad "range-diff: $(<"$tmp/out")"
grep -q '^+a line twenty' "$fr/patches/v0.2/0001-mm-change-a.patch" || bad 'the patch is not there'
cmp -s "$fr/series/v0.1/series" "$fr/series/v0.2/series" || bad "groups and claims: $(<"$fr/series/v0.2/series")"
[[ $(grep -c -E "^(tag = v0.2|blob = $(u rev-parse v0.2:mm/a.c) mm/a.c)$" "$fr/series/v0.2/base") == 2 ]] || bad "base: $(<"$fr/series/v0.2/base")"
[[ $(<"$fr/series/v0.2/cover-letter") == 'Subject: x on v0.2' && ! -e $fr/series/v0.2/proof ]] || bad 'what comes along'
PIN=v0.2 want 0 '' "$s/gates/check-series.sh"
PIN=v0.2 want 0 '' "$s/series/tree.sh"
[[ ! -s $tmp/out ]] || bad "tree.sh has something to do: $(<"$tmp/out")"
# the new tree stands alone, if build/v0.1 is deleted
[[ ! -e $fr/build/v0.2/linux/.git/objects/info/alternates && ! -e $fr/build/v0.2/rebase ]] || bad 'something is left'
n v0.2 fsck --no-dangling >"$tmp/out" 2>&1 || bad "fsck: $(<"$tmp/out")"
want 2 'series/v0.2 is there already; FORCE=1 replaces it' "$s/series/rebase.sh" v0.2
FORCE=1 want 0 '' "$s/series/rebase.sh" v0.2

# the tag has one already
want 0 '' "$s/series/rebase.sh" v0.3
grep -q -E '^3: +[0-9a-f]+ < -: +-+ mm: change b$' "$tmp/out" || bad "range-diff: $(<"$tmp/out")"
[[ $(find "$fr/patches/v0.3" -name '*.patch' | wc -l) == 2 ]] || bad 'a patch that the tag has was kept'

# a conflict: stops, stops again, goes on
want 1 "mm: change a: conflict in mm/a.c ; resolve it in .*build/v0.4-rc1/linux, git add -u, and run: make rebase TO=v0.4-rc1 PIN=v0.1" "$s/series/rebase.sh" v0.4-rc1
[[ ! -e $fr/series/v0.4-rc1 ]] || bad 'half a series was written'
grep -q '^<<<<<<<' "$fr/build/v0.4-rc1/linux/mm/a.c" || bad 'no conflict to resolve'
want 1 'conflict in mm/a.c' "$s/series/rebase.sh" v0.4-rc1
sed -i -e '/^<<<<<<<\|^=======\|^>>>>>>>\|line XX/d' "$fr/build/v0.4-rc1/linux/mm/a.c"
n v0.4-rc1 add mm/a.c
want 0 '' "$s/series/rebase.sh" v0.4-rc1
grep -q -E '^1: +[0-9a-f]+ ! 1: +[0-9a-f]+ mm: change a$' "$tmp/out" || bad "range-diff: $(<"$tmp/out")"
grep -q '^-a line XX' "$fr/patches/v0.4-rc1/0001-mm-change-a.patch" || bad 'the conflict is not resolved in the patch'
grep -q '0001-mm-change-a.patch  # cases: one$' "$fr/series/v0.4-rc1/series" || bad 'the claim is lost'
! grep -q ^url "$fr/series/v0.4-rc1/base" || bad 'there are no archives of release candidates'

# one set alone, to a tag of another line
u checkout -q v0.2 && u tag v1.5 && u checkout -q --detach v0.1
cp "$fr/series/v0.1/series" "$tmp/series"
{
	printf '# set: x\n'
	sed 's/^0003/# set: y\n&/' "$tmp/series"
} >"$fr/series/v0.1/series"
sed -i -E 's/^(0003[^ ]*)/\1  # cases: two one/' "$fr/series/v0.1/series"
mkdir -p "$fr"/series/v0.1/{cover,drop}
echo 'Subject: y on v0.1' >"$fr/series/v0.1/cover/y"
echo 'Subject: x on v0.1' >"$fr/series/v0.1/cover/x"
touch "$fr"/series/v0.1/{audit,drop/mm-change-a.patch,drop/mm-change-b.patch}
printf '%s\n' '# why' 'mm-change-a BAD: x' 'mm-change-b BAD: y' >"$fr/series/v0.1/checkpatch"
printf '%s\n' "fedcba9876543210fedcba9876543210fedcba98 none: x" >"$fr/series/v0.1/commits"
printf '%s\n' '# the tag has' 'mm first' 'mm third' 'kvm first' >"$fr/series/v0.1/tree-tests"
echo 'tests = t,x mm/third,y' >"$fr/qemu-configs/one.conf"
"$s/series/tree.sh" >/dev/null
SET=z want 2 "no set 'z' in series/v0.1/series; sets: x y" "$s/series/rebase.sh" v1.5
SET=y want 0 '' "$s/series/rebase.sh" v1.5
(cd "$fr/series/v1.5" && find . -type f | sort | tr '\n' ' ') >"$tmp/files"
[[ $(<"$tmp/files") == './base ./checkpatch ./commits ./cover-letter ./drop/mm-change-b.patch ./series ./tree-tests ' ]] || bad "files: $(<"$tmp/files")"
[[ $(ls "$fr/patches/v1.5") == 0001-mm-change-b.patch ]] || bad "patches: $(ls "$fr/patches/v1.5")"
grep -qx '0001-mm-change-b.patch  # cases: two one' "$fr/series/v1.5/series" || bad "series: $(<"$fr/series/v1.5/series")"
[[ $(grep -c -E '^(short = v1.5 v0|carries = y of v0.1|cases = one two)$' "$fr/series/v1.5/base") == 3 ]] || bad "base: $(<"$fr/series/v1.5/base")"
[[ $(<"$fr/series/v1.5/tree-tests") == $'# the tag has\nmm third' ]] || bad "tree-tests: $(<"$fr/series/v1.5/tree-tests")"
[[ $(<"$fr/series/v1.5/cover-letter") == 'Subject: y on v1.5' ]] || bad 'the cover letter of the set'
grep -q 'mm-change-b BAD' "$fr/series/v1.5/checkpatch" || bad 'an exception is lost'
! grep -q 'mm-change-a\|none: x' "$fr"/series/v1.5/{checkpatch,commits} || bad 'what is of other patches came along'
PIN=v1.5 want 0 '' python3 "$s" audit
# and that on to the next release: what it carries stays
u tag v1.6 v1.5
PIN=v1.5 want 0 '' "$s/series/rebase.sh" v1.6
[[ $(grep -E '^(short|carries|cases|debian) ' "$fr/series/v1.6/base" | sort | paste -sd ,) == 'carries = y of v0.1,cases = one two,short = v1.6 v0' ]] ||
	bad "base: $(<"$fr/series/v1.6/base")"
rm "$fr/qemu-configs/one.conf"
cp "$tmp/series" "$fr/series/v0.1/series"
rm -r "$fr"/series/v0.1/{cover,drop,audit,checkpatch,commits,tree-tests}
"$s/series/tree.sh" >/dev/null

# ended by hand, with git; and started over
rm -rf "$fr"/{series,patches}/v0.4-rc1
FORCE=1 want 1 'conflict in mm/a.c' "$s/series/rebase.sh" v0.4-rc1
PIN=v0.2 want 2 'a rebase from v0.1 to v0.4-rc1 is under way; run: make rebase TO=v0.4-rc1 PIN=v0.1' "$s/series/rebase.sh" v0.4-rc1
FORCE=1 want 1 'conflict in mm/a.c' "$s/series/rebase.sh" v0.4-rc1
n v0.4-rc1 rebase --skip >/dev/null 2>&1 || bad 'git rebase --skip'
want 0 '' "$s/series/rebase.sh" v0.4-rc1
[[ $(find "$fr/patches/v0.4-rc1" -name '*.patch' | wc -l) == 2 ]] || bad 'what was skipped is there'
[[ $(cd "$fr" && find series/v0.1 patches/v0.1 -type f -exec sha256sum {} + | sort) == "$before" ]] || bad 'the series of v0.1 changed'
end
