#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Commits become patches: stable, with what the series says of them, and the copies in kunit/.
. "$(dirname "$0")/lib/fake.bash"

two_patches
sum() { (cd "$fr" && find series patches -type f -print0 | sort -z | xargs -0 sha256sum); }

# nothing changed: not a byte
before=$(sum)
want 0 '' "$s/series/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a refresh without a change changed files'
rm -rf "$b/linux-base" "$b/tree.stamp"
"$s/series/tree.sh" >/dev/null
COLUMNS=200 GIT_CONFIG_GLOBAL=$tmp/cfg want 0 '' "$s/series/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a refresh of a new tree changed files'
want 0 '' "$s/gates/check-series.sh"

# a new commit; base learns its files
echo more >>"$b/linux/mm/b.c"
GIT_AUTHOR_DATE='@1500000000 +0200' k commit -qam 'mm: a subject that is so long that the mail header has to be folded into two lines, at least'
want 0 '' "$s/series/refresh.sh"
grep -v '^#' "$fr/series/v0.1/series" | tail -n1 | grep -q ^0003-mm-a-subject || bad "series: $(cat "$fr/series/v0.1/series")"
grep -q '^blob = .* mm/b.c$' "$fr/series/v0.1/base" || bad 'base does not know mm/b.c'
want 0 '' "$s/gates/check-series.sh"
before=$(sum)
want 0 '' "$s/series/refresh.sh"
[[ $(sum) == "$before" ]] || bad 'a long subject is not stable'

# reworded, and a commit less
k reset -q --hard HEAD^
GIT_SEQUENCE_EDITOR=: GIT_EDITOR="sed -i '1s/.*/mm: change a, said better/'" k rebase -q -i --exec 'git commit -q --amend' v0.1 HEAD^ >/dev/null 2>&1
k cherry-pick refs/made/series^ >/dev/null 2>&1
k branch -f series HEAD && k checkout -q series
want 0 '' "$s/series/refresh.sh"
printf '%s\n' '# the flip' '# a remark' 0001-mm-change-a-said-better.patch \
	'0002-mm-add-a-test.patch  # test of: mm-change-a' '# after' |
	cmp -s - "$fr/series/v0.1/series" || bad "reworded: $(cat "$fr/series/v0.1/series")"
[[ $(find "$fr/patches/v0.1" -type f | wc -l) == 2 ]] || bad "patches: $(ls "$fr/patches/v0.1")"
! grep -q mm/b.c "$fr/series/v0.1/base" || bad 'base still has mm/b.c'

# a KUnit source changes: its copy follows, dates stay
touch -d '2001-01-01' "$b"/linux/mm/*.c
k update-index -q --refresh
echo 'test two' >>"$b/linux/mm/t.c"
dates=$(k log --format=%ad%an v0.1..)
k commit -qa --amend --no-edit
want 0 '' "$s/series/refresh.sh"
want 0 '' "$s/gates/check-series.sh"
grep -q '^+test two' "$fr/patches/v0.1/0002-mm-add-a-test.patch" || bad 'the patch has not got the new source'
[[ $(k log --format=%ad%an v0.1..) == "$dates" ]] || bad 'authors or dates changed'
cmp -s "$fr/kunit/v0/t.c" "$b/linux-base/mm/t.c" || bad 'linux-base or the copy has not got the new source'

# a copy that was edited: not lost
echo mine >>"$fr/kunit/v0/t.c"
want 2 'kunit/v0/t.c was edited; edit mm/t.c in .*linux instead' "$s/series/refresh.sh"
grep -q mine "$fr/kunit/v0/t.c" || bad 'the edit is lost'
FORCE=1 want 0 '' "$s/series/refresh.sh"
! grep -q mine "$fr/kunit/v0/t.c" || bad 'FORCE=1 kept the edit'
echo 'kunit = mm/u.c' >>"$fr/series/v0.1/base"
want 2 'base names mm/u.c .kunit., which is in no commit' "$s/series/refresh.sh"
sed -i '/u.c/d' "$fr/series/v0.1/base"
"$s/series/tree.sh" >/dev/null
want 0 '' "$s/series/refresh.sh"

# what is said above a patch that goes is said above the next
k reset -q --hard v0.1
git -C "$b/linux" cherry-pick refs/made/series >/dev/null
want 0 '' "$s/series/refresh.sh"
printf '%s\n' '# the flip' '# a remark' '0001-mm-add-a-test.patch  # test of: mm-change-a' '# after' |
	cmp -s - "$fr/series/v0.1/series" || bad "a patch less: $(cat "$fr/series/v0.1/series")"
# the line of a new patch can be written in advance
echo '9999-mm-told-in-advance.patch  # cases: kunit' >>"$fr/series/v0.1/series"
echo again >>"$b/linux/mm/t.c"
k commit -qam 'mm: told in advance'
FORCE=1 want 0 '' "$s/series/refresh.sh"
grep -qx '0002-mm-told-in-advance.patch  # cases: kunit' "$fr/series/v0.1/series" || bad "in advance: $(cat "$fr/series/v0.1/series")"
# an empty commit is no patch
k commit -q --allow-empty -m 'empty'
want 1 'empty' "$s/series/refresh.sh"
k checkout -q --detach
want 2 'is not on its branch' "$s/series/refresh.sh"
end
