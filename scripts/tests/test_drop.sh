#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The series without one patch: named in any way, on a tree of its own, in which
# only what differs is written; a patch that can't go alone is named.
. "$(dirname "$0")/lib/fake.bash"

four_patches
d=$b/drop/linux

want 0 '' "$s/series/drop.sh" --name base drop/3 series drop/change-b drop/mm-change-a drop/0004-mm-change-a-again.patch
[[ $(<"$tmp/out") == 'base drop/mm-change-b series drop/mm-change-b drop/mm-change-a drop/mm-change-a-again' ]] || bad "names: $(<"$tmp/out")"
want 2 "no patch 'nosuch' in series/v0.1/series" "$s/series/drop.sh" --name drop/nosuch
want 2 "'change-a' may be any of 0001-mm-change-a.patch 0004-mm-change-a-again.patch" "$s/series/drop.sh" change-a
want 2 '0002-mm-add-a-test.patch is a test' "$s/series/drop.sh" 2
want 2 'no patch named' "$s/series/drop.sh"

want 0 '' "$s/series/drop.sh" drop/3
grep -q 'b line 5$' "$d/mm/b.c" || bad 'the patch is still there'
grep -q 'line 20, again' "$d/mm/a.c" || bad 'others are gone, too'
id=$(git -C "$d" rev-parse HEAD)
touch -d '2001-01-01' "$d"/mm/*.c
git -C "$d" update-index -q --refresh
want 0 '' "$s/series/drop.sh" 4
grep -q twenty "$d/mm/a.c" || bad 'the patch before it is gone'
new=$(cd "$d" && find . -type f -name '*.c' -newermt 2001-01-02 | sort | paste -sd ' ')
[[ $new == './mm/a.c ./mm/b.c' ]] || bad "written: $new"
GIT_COMMITTER_NAME=other want 0 '' "$s/series/drop.sh" 3
[[ $(git -C "$d" rev-parse HEAD) == "$id" ]] || bad 'commit ids are not reproducible'
[[ $(k rev-parse series) == "$(k rev-parse refs/made/series)" && -z $(k status --porcelain) ]] || bad 'the series was changed'

# a later patch changes the same line: named, unless the drop is written down
want 1 '0004-mm-change-a-again.patch does not apply without 0001-mm-change-a.patch: mm/a.c$' "$s/series/drop.sh" 1
[[ $(git -C "$d" rev-parse HEAD) == "$id" && ! -e $b/drop.tmp ]] || bad 'a drop that failed changed the tree'
mkdir "$fr/series/v0.1/drop"
(cd "$b/linux" && sed -i 's/line 20, again/line 20/' mm/a.c && git diff && git checkout -q mm/a.c) >"$fr/series/v0.1/drop/mm-change-a.patch"
want 0 '' "$s/series/drop.sh" 1
[[ $(grep -c again "$d/mm/a.c") == 0 && $(grep -c five "$d/mm/b.c") == 1 ]] || bad 'not the drop that is written down'
sed -i 's/^-a.*/-a line 99/' "$fr/series/v0.1/drop/mm-change-a.patch"
want 2 'series/v0.1/drop/mm-change-a.patch does not apply to the series' "$s/series/drop.sh" 1

# yours is not overwritten; the whole folder may move
echo mine >>"$d/mm/c.c"
want 2 'drop/linux has changes of yours' "$s/series/drop.sh" 3
FORCE=1 want 0 '' "$s/series/drop.sh" 3
mv "$fr/build" "$fr/build2"
BUILD=$fr/build2 want 0 '' "$s/series/drop.sh" 4
mv "$fr/build2" "$fr/build"
echo >>"$fr/series/v0.1/series"
want 2 'patches/v0.1 changed since the tree was made; run: make tree' "$s/series/drop.sh" 3

# what stands behind a name stays with the patch, under a new number, too
"$s/series/tree.sh" >/dev/null
sed -i 's/^0003.*/&  # cases: x-*/; s/^0004.*/& -p1 # not shown: why, really/' "$fr/series/v0.1/series"
want 0 '' "$s/series/tree.sh"
before=$(<"$fr/series/v0.1/series")
want 0 '' "$s/series/refresh.sh"
[[ $(<"$fr/series/v0.1/series") == "$before" ]] || bad "refresh changed comments: $(<"$fr/series/v0.1/series")"
GIT_SEQUENCE_EDITOR="sed -i '/change b/{h;d};\$G'" k rebase -q -i v0.1
k commit -q --amend -m 'mm: change b, reworded'
want 0 '' "$s/series/refresh.sh"
grep -qxF '0003-mm-change-a-again.patch -p1 # not shown: why, really' "$fr/series/v0.1/series" || bad "moved: $(<"$fr/series/v0.1/series")"
grep -qxF '0004-mm-change-b-reworded.patch  # cases: x-*' "$fr/series/v0.1/series" || bad "reworded: $(<"$fr/series/v0.1/series")"
want 0 '' "$s/gates/check-series.sh"

# a hunk of a patch that has two: taken back on top, or left out of the patch
sed -i 's/c line 5$/c line five/; s/c line 30$/c line thirty/' "$b/linux/mm/c.c"
k commit -qam 'mm: change c twice'
"$s/series/refresh.sh" >/dev/null
want 0 '' "$s/series/drop.sh" drop/5@2
[[ $(grep -c five "$d/mm/c.c") == 1 && $(grep -c 'c line 30$' "$d/mm/c.c") == 1 ]] || bad 'not the second hunk alone'
want 0 '' "$s/series/drop.sh" --name drop/5@1
[[ $(<"$tmp/out") == drop/mm-change-c-twice@1 ]] || bad "names: $(<"$tmp/out")"
want 2 'there is no hunk 3, but 2' "$s/series/drop.sh" 5@3
want 2 "'x' is not the number of a hunk" "$s/series/drop.sh" 5@x
want 2 "'' is not the number of a hunk" "$s/series/drop.sh" 5@
want 2 '0001-mm-change-a.patch has no other hunk; drop it as a whole' "$s/series/drop.sh" 1@1

end
