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
