#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Commits become patches: stable, in their groups, with the test sources.
. "$(dirname "$0")/fake.bash"

two_patches
sum() { (cd "$fr" && find series patches -type f -print0 | sort -z | xargs -0 sha256sum); }

# nothing changed: not a byte
before=$(sum)
want 0 '' "$s/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a refresh without a change changed files'
rm -rf "$b/linux-base" "$b/tree.stamp"
"$s/tree.sh" >/dev/null
COLUMNS=200 GIT_CONFIG_GLOBAL=$tmp/cfg want 0 '' "$s/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a refresh of a new tree changed files'
want 0 '' "$s/check-series.sh"

# a new commit joins the group of the patch before it; base learns its files
echo more >>"$b/linux/mm/b.c"
GIT_AUTHOR_DATE='@1500000000 +0200' k commit -qam 'mm: a subject that is so long that the mail header has to be folded into two lines, at least'
want 0 '' "$s/refresh.sh"
tail -n2 "$fr/series/v0.1/series" | head -n1 | grep -q ^0003-mm-a-subject || bad "series: $(cat "$fr/series/v0.1/series")"
grep -q '^blob = .* mm/b.c$' "$fr/series/v0.1/base" || bad 'base does not know mm/b.c'
want 0 '' "$s/check-series.sh"
before=$(sum)
want 0 '' "$s/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a long subject is not stable'

# reworded, and a commit less
k reset -q --hard HEAD^
k commit -q --amend -m 'mm: change a, said better'
want 0 '' "$s/refresh.sh"
printf '%s\n' '# tests' 0001-mm-add-a-test.patch '' '# the flip' '# a remark' 0002-mm-change-a-said-better.patch '# after' |
	cmp -s - "$fr/series/v0.1/series" || bad "reworded: $(cat "$fr/series/v0.1/series")"
[[ $(find "$fr/patches/v0.1" -type f | wc -l) == 2 ]] || bad "patches: $(ls "$fr/patches/v0.1")"
! grep -q mm/b.c "$fr/series/v0.1/base" || bad 'base still has mm/b.c'

# a test source changes: the commit that brings it changes, dates stay
touch -d '2001-01-01' "$b"/linux/mm/*.c
k update-index -q --refresh
echo 'test two' >>"$fr/kunit/t.c"
want 1 'mm/t.c in the patches is not kunit/t.c; run: make refresh' "$s/check-series.sh"
dates=$(k log --format=%ad%an v0.1..)
want 0 '' "$s/refresh.sh"
want 0 '' "$s/check-series.sh"
grep -q '^+test two' "$fr/patches/v0.1/0001-mm-add-a-test.patch" || bad 'the patch has not got the new source'
[[ $(k log --format=%ad%an v0.1..) == "$dates" ]] || bad 'authors or dates changed'
[[ $(cd "$b" && find linux -type f -name '*.c' -newermt 2001-01-02) == linux/mm/t.c ]] || bad 'wrote more than the test'
cmp -s "$fr/kunit/t.c" "$b/linux-base/mm/t.c" || bad 'linux-base has not got the new source'

# what is for some pins only is resolved on the way into the patch
cp "$fr/kunit/t.c" "$fr/kunit/t.was"
printf '%s\n' '#ifdef PIN_NEW' new '#if X' both '#else' neither '#endif' '#else' old '#endif' '#ifndef PIN_NEW' 'not new' '#endif' '#ifdef OTHER' \
	other '#endif' >"$fr/kunit/t.c"
want 0 '' "$s/refresh.sh"
printf '%s\n' old 'not new' '#ifdef OTHER' other '#endif' | cmp -s - "$b/linux-base/mm/t.c" || bad "for old: $(cat "$b/linux-base/mm/t.c")"
want 0 '' "$s/check-series.sh"
echo 'define PIN_NEW' >>"$fr/series/v0.1/tests"
want 1 'mm/t.c in the patches is not kunit/t.c; run: make refresh' "$s/check-series.sh"
want 0 '' "$s/refresh.sh"
printf '%s\n' new '#if X' both '#else' neither '#endif' '#ifdef OTHER' other '#endif' | cmp -s - "$b/linux-base/mm/t.c" || bad "for new: $(cat "$b/linux-base/mm/t.c")"
sed -i '$d' "$fr/kunit/t.c"
want 1 'kunit/t.c: its #ifdef and #endif are not balanced' "$s/refresh.sh"
mv "$fr/kunit/t.was" "$fr/kunit/t.c"
sed -i '/define/d' "$fr/series/v0.1/tests"
want 0 '' "$s/refresh.sh"

# the in-tree file was edited: not lost, whatever the source is
echo 'in tree' >>"$b/linux/mm/t.c"
k commit -qam 'mm: edit the test'
want 2 'linux/mm/t.c was edited but kunit/t.c was not; run: cp ' "$s/refresh.sh"
echo 'test three' >>"$fr/kunit/t.c"
want 2 'both .*linux/mm/t.c and kunit/t.c were edited' "$s/refresh.sh"
want 0 '' "$s/refresh.sh" --format
[[ -f $fr/patches/v0.1/0003-mm-edit-the-test.patch ]] || bad '--format did not take the commit'
want 2 'is changed by 0003-mm-edit-the-test.patch, which is not of the tests' "$s/refresh.sh"
k reset -q --hard HEAD^
want 0 '' "$s/refresh.sh" --format
echo 'kunit/u.c mm/u.c' >>"$fr/series/v0.1/tests"
want 2 'tests names kunit/u.c, which is not there' "$s/refresh.sh"
touch "$fr/kunit/u.c"
want 2 'mm/u.c \(of kunit/u.c\) is in no commit' "$s/refresh.sh"
sed -i '/u.c/d' "$fr/series/v0.1/tests"
want 0 '' "$s/refresh.sh"

# a test after the flip
k commit -q --allow-empty -m 'empty'
want 1 'empty' "$s/refresh.sh"
k reset -q --hard v0.1
git -C "$b/linux" cherry-pick 'refs/made/series' >/dev/null
git -C "$b/linux" cherry-pick 'refs/made/series^' >/dev/null
want 2 "is of 'tests' but comes after a patch of 'the flip'" "$s/refresh.sh"
k checkout -q --detach
want 2 'is not on its branch' "$s/refresh.sh"
end
