#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The series goes on the tree, only what changed is written, and errors name the place.
. "$(dirname "$0")/lib/fake.bash"

"$s/series/source.sh" >/dev/null
want 0 '' "$s/series/tree.sh"
[[ $(k rev-parse base series) == "$(k rev-parse v0.1 v0.1)" ]] || bad 'an empty series is not the tag'
two_patches
[[ $(k rev-list --count v0.1..base) == 1 && $(k rev-list --count v0.1..series) == 2 ]] || bad 'wrong branches'
[[ -f $b/linux-base/mm/t.c ]] || bad 'no test in linux-base'
grep -q 'line 20$' "$b/linux-base/mm/a.c" || bad 'more than the tests in linux-base'
grep -q twenty "$b/linux/mm/a.c" || bad 'the change is not in linux'

# nothing to do: silent, quick
want 0 '' "$s/series/tree.sh"
[[ ! -s $tmp/out ]] || bad "said: $(cat "$tmp/out")"

# another patch changes: files that stay the same keep their times
touch -d '2001-01-01' "$b"/linux/mm/*.c "$b"/linux-base/mm/*.c
k update-index -q --refresh
git -C "$b/linux-base" update-index -q --refresh
sed -i 's/twenty/20 and more/' "$fr/patches/v0.1/0001-mm-change-a.patch"
want 0 '' "$s/series/tree.sh"
new=$(cd "$b" && find linux linux-base -type f -name '*.c' -newermt 2001-01-02)
[[ $new == linux/mm/a.c ]] || bad "written: $new"
ids=$(k rev-parse base series)

# the same ids on any machine, any user
rm -rf "$b/linux-base" "$b/tree.stamp"
GIT_COMMITTER_NAME=other want 0 '' "$s/series/tree.sh"
[[ $(k rev-parse base series) == "$ids" ]] || bad 'commit ids are not reproducible'
# the build folder moves
mv "$b" "$tmp/moved" && mkdir -p "$tmp/b2" && mv "$tmp/moved" "$tmp/b2/v0.1"
rm "$tmp/b2/v0.1/tree.stamp"
BUILD=$tmp/b2 want 0 '' "$s/series/tree.sh"
mv "$tmp/b2/v0.1" "$b" && rm "$b/tree.stamp"
want 0 '' "$s/series/tree.sh"
# or is copied: the original is left alone
cp -a "$b" "$tmp/b2/v0.1" && rm "$tmp/b2/v0.1/tree.stamp"
BUILD=$tmp/b2 want 0 '' "$s/series/tree.sh"
[[ $(git -C "$tmp/b2/v0.1/linux-base" rev-parse --git-common-dir) == "$tmp/b2/v0.1/linux/.git" ]] || bad 'a copy works on the original'
[[ $(git -C "$b/linux-base" rev-parse --git-common-dir) == "$b/linux/.git" ]] || bad 'the original works on its copy'
rm -rf "$tmp/b2"

# does not apply: context is another line
cp -r "$fr/patches" "$tmp/patches"
sed -i 's/^ a line 18/ a line eighteen/' "$fr/patches/v0.1/0001-mm-change-a.patch"
want 1 'patches/v0.1/0001-mm-change-a.patch: mm/a.c: Hunk #1 FAILED at 17' "$s/series/tree.sh"
# needs a file that is not there
sed 's@mm/a.c@mm/none.c@g' "$tmp/patches/v0.1/0001-mm-change-a.patch" >"$fr/patches/v0.1/0001-mm-change-a.patch"
want 1 "patches/v0.1/0001-mm-change-a.patch: mm/none.c: .*find file to patch" "$s/series/tree.sh"
# creates a file that is there
cp "$tmp/patches/v0.1/0002-mm-add-a-test.patch" "$fr/patches/v0.1/0001-mm-change-a.patch"
want 1 'patches/v0.1/0002-mm-add-a-test.patch: mm/t.c' "$s/series/tree.sh"
[[ $(k rev-parse base series) == "$ids" && -z $(k status --porcelain) && ! -e $b/apply.tmp ]] || bad 'a failed run changed the tree'
[[ $(k worktree list | wc -l) == 2 ]] || bad "worktrees: $(k worktree list)"
rm -r "$fr/patches/v0.1" && cp -r "$tmp/patches/v0.1" "$fr/patches"

# quilt and git do not agree: a patch that writes more than it should
real=$(command -v quilt)
printf '#!/bin/bash\n%s "$@"\necho more >>mm/a.c\n' "$real" >"$tmp/bin/quilt"
chmod +x "$tmp/bin/quilt"
rm "$b/tree.stamp"
PATH=$tmp/bin:$PATH want 1 'quilt push and git am disagree on series in: mm/a.c' "$s/series/tree.sh" --check

# settings of others do not matter, and what can't be read is no empty series
JOBS=0 FLAVOUR=nosuch want 0 '' "$s/series/tree.sh" --check
cp "$fr/series/v0.1/series" "$tmp/series"
echo '# set:' >>"$fr/series/v0.1/series"
want 2 "'# set:' is not '# set: NAME .needs: OTHERS. .guards: CASES.'" "$s/series/tree.sh"
[[ $(k rev-parse base series) == "$ids" ]] || bad 'a series that cannot be read changed the tree'
echo '# set: one needs: two' >"$fr/series/v0.1/series"
want 2 "set one needs 'two', which is not a set" "$s/series/tree.sh"
cp "$tmp/series" "$fr/series/v0.1/series"

# series that cannot be
echo nosuch.patch >>"$fr/series/v0.1/series"
want 2 'series names nosuch.patch, which is not in patches/v0.1' "$s/series/tree.sh"
# a test that needs what it tests is no patch for base
sed -i '/nosuch/d' "$fr/series/v0.1/series"
printf '%s\n' 0002-mm-add-a-test.patch '0001-mm-change-a.patch # test of: mm-add-a-test' >"$fr/series/v0.1/series"
sed 's/^+a line/+ a line/; s@mm/a.c@mm/t.c@g; /^ a line/d; /^-a line/s/.*/-test one/; s/^@@.*/@@ -1 +1 @@/' \
	"$tmp/patches/v0.1/0001-mm-change-a.patch" >"$fr/patches/v0.1/0001-mm-change-a.patch"
want 1 'patches/v0.1/0001-mm-change-a.patch: mm/t.c: ' "$s/series/tree.sh"
end
