#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bisect.sh and cross.sh on a tiny kernel: warnings, commits that do not build, what is built once.
. "$(dirname "$0")/lib/toy.bash"

two_patches

# bisect: a warning that the tag has, too, is not new
out=$b/bisect/default/build
want 0 '' "$s/kernel/bisect.sh"
grep -q '3 commits build, without a new warning' "$tmp/out" || bad "$(<"$tmp/out")"
want 0 '' "$s/kernel/bisect.sh"
grep -q 'all of 3 commits are known to build' "$tmp/out" || bad "not known: $(<"$tmp/out")"
sed -i 's/b line 9$/warn new/' "$b/linux/mm/b.c"
k commit -qam 'mm: a new warning'
sed -i 's/c line 9$/c line nine/' "$b/linux/mm/c.c"
k commit -qam 'mm: nothing to do with it'
"$s/series/refresh.sh" >/dev/null
rm -f "$out"/mm/c.o	# stays: what was done is not done again
"$s/kernel/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a new warning passed'
grep -q '1/2 mm: a new warning' "$tmp/out" || bad "$(<"$tmp/out")"
grep -q 'bisect: mm: a new warning: mm/b.c: warn new' "$tmp/err" || bad "$(<"$tmp/err")"
! grep -q 'warn old' "$tmp/err" || bad 'the warning of the tag is said to be new'
"$s/kernel/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a new warning passed the second time'
sed -i 's/warn new/fine/' "$b/linux/mm/b.c"
k commit -qam 'mm: repair it'
k reset -q --soft HEAD~3
sed -i 's/warn old/b line 3/' "$b/linux/mm/b.c"
k commit -qam 'mm: all in one'
"$s/series/refresh.sh" >/dev/null
want 0 '' "$s/kernel/bisect.sh"
echo 'not C' >>"$b/linux/mm/c.c"
k commit -qam 'mm: breaks'
sed -i '/not C/d' "$b/linux/mm/c.c"
k commit -qam 'mm: repairs'
"$s/series/refresh.sh" >/dev/null
"$s/kernel/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a commit that does not build passed'
grep -q '^bisect: mm: breaks does not build, see ' "$tmp/err" || bad "$(<"$tmp/err")"

# cross: the last commit, and with `commits` each that touches the path
mkdir "$fr/qemu-configs/kernel/build-only"
toy=$fr/qemu-configs/kernel/build-only/toy.config
printf '# %s\n' 'make: ARCH=toy' 'commits: mm/c.c' 'vouches: mm/a.o' >"$toy"
"$s/kernel/cross.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a commit in between that does not build passed'
grep -q '^cross: toy mm: breaks does not build, see ' "$tmp/err" || bad "$(<"$tmp/err")"
sed -i /commits/d "$toy"
want 0 '' "$s/kernel/cross.sh"
grep -q 'cross: 1 builds, each .c file' "$tmp/out" || bad "$(<"$tmp/out")"
want 0 '' "$s/kernel/cross.sh"
! grep -q compiled "$tmp/out" || bad 'what was built is built again'
mkdir -p "$b/cross/gone/mm"
mv "$b/cross/toy/mm/t.o" "$b/cross/gone/mm/"	# of a build that there is no more
want 1 'cross: no build compiles mm/t.c|add what is missing' bash -c "$s/kernel/cross.sh 2>&1 | grep 'no build' >&2; exit 1"
sed -i 's@vouches: .*@vouches: mm/z.o@' "$toy"
touch "$b/cross/toy/mm/z.o"	# left over
want 1 'toy mm: repairs: no mm/z.o came out of it' "$s/kernel/cross.sh"
sed -i 's/ARCH=toy/ARCH=toy CROSS_COMPILE=nosuch-/' "$toy"
want 2 'no nosuch-gcc on this machine; run: make deps ALL=1' "$s/kernel/cross.sh"
want 2 "no build 'none'; there are: toy" "$s/kernel/cross.sh" none
sed -i 's/b line 7$/warn new/' "$b/linux/mm/b.c"
k commit -qam 'mm: warns'
"$s/series/refresh.sh" >/dev/null
printf '# %s\n' 'make: ARCH=toy' >"$toy"
"$s/kernel/cross.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a warning passed'
grep -q 'mm/b.c:.*warn new' "$tmp/err" || bad "$(<"$tmp/err")"
end
