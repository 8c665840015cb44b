#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a user did in the trees is never lost.
. "$(dirname "$0")/lib/fake.bash"

two_patches
p=$fr/patches/v0.1/0001-mm-change-a.patch
base=$b/linux-base
change() { sed -i "s/^+a line .*/+a line $1/" "$p"; }

# nothing to apply: edits are nobody's business
echo edit >>"$b/linux/mm/b.c"
want 0 '' "$s/series/tree.sh"

# not committed, staged, untracked, committed, on another branch
change one
want 2 'has changes of yours; run: make refresh \(keep them\) or make tree FORCE=1' "$s/series/tree.sh"
k add -A
want 2 'has changes of yours' "$s/series/tree.sh"
k reset -q --hard
echo new >"$b/linux/mm/new.c"
want 2 'has changes of yours' "$s/series/tree.sh"
k add -A
k commit -qm 'mm: new'
rm -f "$b/tree.stamp"
want 2 'has changes of yours' "$s/series/tree.sh"
mine=$(k rev-parse HEAD)
k checkout -q -b wip
want 2 'has changes of yours' "$s/series/tree.sh"
[[ $(k rev-parse HEAD) == "$mine" && -f $b/linux/mm/new.c ]] || bad 'a refusal changed the tree'

# dropped when told so, and even then commits can be had back
FORCE=1 want 0 '' "$s/series/tree.sh"
[[ $(k symbolic-ref HEAD) == refs/heads/series && -z $(k status --porcelain) ]] || bad 'FORCE=1 did not put the series there'
grep -q 'a line one' "$b/linux/mm/a.c" || bad 'FORCE=1 did not apply the series'
[[ $(k rev-parse refs/dropped/series) == "$mine" ]] || bad 'the dropped commits are gone'

# the same for linux-base
echo edit >>"$base/mm/b.c"
change two
want 2 'linux-base has changes of yours' "$s/series/tree.sh"
grep -q edit "$base/mm/b.c" || bad 'an edit in linux-base is lost'
FORCE=1 want 0 '' "$s/series/tree.sh"
grep -q edit "$base/mm/b.c" && bad 'FORCE=1 kept an edit in linux-base'

# refresh keeps what is committed, and refuses what is not
echo edit >>"$b/linux/mm/b.c"
want 2 'mm/b.c is not committed' "$s/series/refresh.sh"
k commit -qam 'mm: edit b'
change three
want 2 'both patches/v0.1 and .*linux changed' "$s/series/refresh.sh"
FORCE=1 want 0 '' "$s/series/refresh.sh"
[[ -f $fr/patches/v0.1/0003-mm-edit-b.patch ]] || bad 'the commit did not become a patch'
grep -q 'a line two' "$p" || bad 'FORCE=1: the tree did not win'
want 0 '' "$s/series/tree.sh"
grep -q edit "$b/linux/mm/b.c" || bad 'the edit is gone from the tree'
change four
want 2 'patches/v0.1 changed since the tree was made; run: make tree' "$s/series/refresh.sh"
want 0 '' "$s/series/tree.sh"
end
