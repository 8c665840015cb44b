#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What checkpatch.sh, changelogs.py, bisect.sh and cross.sh find in the series of a tiny kernel.
. "$(dirname "$0")/fake.bash"

# a kernel that has a checkpatch.pl, a configuration, and a build that warns of
# the word "warn", in files that are newer than their objects
u=$tmp/src/linux-0.1
cp -a "$tmp/unpacked" "$u"
mkdir -p "$u/scripts/kconfig" "$fr"/qemu-configs/{arch,kernel/flavour} "$fr/selftests"
echo 'image = arch/x86/boot/bzImage' >"$fr/qemu-configs/arch/x86_64.conf"
touch "$fr"/qemu-configs/kernel/{common,x86_64,flavour/default}.config "$fr"/{selftests/config,kunit/kunitconfig}
cat >"$u/scripts/checkpatch.pl" <<'EOF'
my $n = 0;
while (<STDIN>) {
	$n++;
	print "WARNING:BAD_WORD: foo\n#$n: FILE: a:1:\n+foo\n\n" if /^\+.*foo/;
}
print "total: 0 errors, 0 warnings, 0 checks, $n lines checked\n" if $n != 1;
EOF
printf '#!/bin/sh\ntrue\n' >"$u/scripts/kconfig/merge_config.sh"
chmod +x "$u/scripts/kconfig/merge_config.sh"
cat >"$u/Makefile" <<'EOF'
obj := $(patsubst %.c,$(O)/%.o,$(wildcard mm/*.c))
bzImage vmlinux: $(obj)
modules:
$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $@'; ! grep -n 'not C' $< || { echo "$<:1:1: error: not C"; exit 1; }
	@grep -n warn $< | sed -E 's@^([0-9]+):@../linux/$<:\1:2: warning: @' >&2; touch $@
EOF
sed -i 's/line 3$/warn old/' "$u/mm/b.c"
tar -C "$tmp/src" -cJf "$tmp/src/linux-0.1.tar.xz" linux-0.1
rm -rf "$tmp/unpacked" && mv "$u" "$tmp/unpacked"
write_base
printf '#!/bin/sh\necho 1\n' >"$tmp/bin/sparse"
chmod +x "$tmp/bin/sparse"
export PATH=$tmp/bin:$PATH POLL=0.05 JOBS=1
two_patches

if [[ -f /usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt ]]; then
	want 0 '' "$s/checkpatch.sh"
	echo foo >>"$b/linux/mm/a.c"
	k commit -qam 'mm: foo'
	"$s/refresh.sh" >/dev/null
	want 1 'patches/v0.1/0003-mm-foo.patch:[0-9]+: WARNING:BAD_WORD: foo' "$s/checkpatch.sh"
	want 1 'patches/v0.1/0003-mm-foo.patch:[0-9]+: WARNING:BAD_WORD: foo' "$s/checkpatch.sh"
	echo 'mm-foo BAD_WORD: it is the name' >"$fr/series/v0.1/checkpatch"
	want 0 '' "$s/checkpatch.sh"
	echo 'mm-change-a BAD_WORD: it was' >>"$fr/series/v0.1/checkpatch"
	want 1 'series/v0.1/checkpatch:2: mm-change-a BAD_WORD is not found any more' "$s/checkpatch.sh"
	echo 'mm-change-a BAD_WORD' >"$fr/series/v0.1/checkpatch"
	want 2 "series/v0.1/checkpatch:1: not '<patch without number> <TYPE>: <reason>'" "$s/checkpatch.sh"
	k reset -q --hard HEAD^
	"$s/refresh.sh" >/dev/null
	rm "$fr/series/v0.1/checkpatch"
fi

# the cover letter
cover=$fr/series/v0.1/cover-letter
touch "$fr/qemu-configs/a-case.conf"
cat >"$cover" <<'EOF'
Subject: a series

  patch  mm: add a test
  patch  mm: change
         a
  patch  none: it is there
  case   a-case
EOF
want 0 '' "$s/changelogs.py"
sed -i 's/a-case/a-case, b-case/' "$cover"
want 1 "cover-letter: there is no case 'b-case'" "$s/changelogs.py"
sed -i 's/, b-case//; /add a test/d' "$cover"
want 1 "cover-letter: does not name the patch 'mm: add a test'" "$s/changelogs.py"
sed -i 's/^  case/  patch  mm: add a test\n  patch  mm: other\n  case/' "$cover"
want 1 "cover-letter: there is no patch 'mm: other'" "$s/changelogs.py"
rm "$cover"

# changelogs: try REGEX TEXT, or an empty REGEX where all is right
id=0123456789abcdef0123456789abcdef01234567
echo "$id mm: some old commit" >"$fr/series/v0.1/commits"
try() {
	git -C "$b/linux" commit -q --amend -m "mm: change a

See commit ${id:0:12} (\"mm: some
old commit\").

$2"
	"$s/refresh.sh" >/dev/null
	want $((${#1} > 0)) "$1" "$s/changelogs.py"
}
try '' 'No trailers: fine.'
try '' "Fixes: ${id:0:12} (\"mm: some old commit\")
Link: https://localhost/r/1"
try 'trailers are not in the order Fixes, Link' "Link: https://localhost/r/1
Fixes: ${id:0:12} (\"mm: some old commit\")"
try "its subject is 'mm: some old commit', not 'mm: other'" "Fixes: ${id:0:12} (\"mm: other\")"
try 'commit 0123456: fewer than 12 digits' 'Fixes: 0123456 ("mm: some old commit")'
try 'commit fedcba987654: unknown; look it up' 'Fixes: fedcba987654 ("mm: new")'
try "unknown trailer 'Signed-off-by'" 'Signed-off-by: Z <z@localhost>'
try "'Link:' is not in the last paragraph" 'Link: https://localhost/r/1

The end.'
echo "fedcba9876543210fedcba9876543210fedcba98 mm: new" >>"$fr/series/v0.1/commits"
try 'no patch names fedcba987654' 'The end.'
echo "fedc mm: new" >"$fr/series/v0.1/commits"
want 2 "series/v0.1/commits:1: not '<id> <subject>'" "$s/changelogs.py"
rm "$fr/series/v0.1/commits"

# bisect: a warning that the tag has is none of ours
out=$b/bisect/default/build
want 0 '' "$s/bisect.sh"
grep -q '3 commits build, without a new warning' "$tmp/out" || bad "$(<"$tmp/out")"
want 0 '' "$s/bisect.sh"
grep -q 'all of 3 commits are known to build' "$tmp/out" || bad "not known: $(<"$tmp/out")"
sed -i 's/b line 9$/warn new/' "$b/linux/mm/b.c"
k commit -qam 'mm: a new warning'
sed -i 's/c line 9$/c line nine/' "$b/linux/mm/c.c"
k commit -qam 'mm: nothing to do with it'
"$s/refresh.sh" >/dev/null
rm -f "$out"/mm/c.o	# stays: what was done is not done again
"$s/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a new warning passed'
grep -q '1/2 mm: a new warning' "$tmp/out" || bad "$(<"$tmp/out")"
grep -q 'bisect: mm: a new warning: mm/b.c: warn new' "$tmp/err" || bad "$(<"$tmp/err")"
! grep -q 'warn old' "$tmp/err" || bad 'the warning of the tag is said to be new'
"$s/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a new warning passed the second time'
sed -i 's/warn new/fine/' "$b/linux/mm/b.c"
k commit -qam 'mm: mend it'
k reset -q --soft HEAD~3
sed -i 's/warn old/b line 3/' "$b/linux/mm/b.c"
k commit -qam 'mm: all in one'
"$s/refresh.sh" >/dev/null
want 0 '' "$s/bisect.sh"
echo 'not C' >>"$b/linux/mm/c.c"
k commit -qam 'mm: breaks'
sed -i '/not C/d' "$b/linux/mm/c.c"
k commit -qam 'mm: mends'
"$s/refresh.sh" >/dev/null
"$s/bisect.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a commit that does not build passed'
grep -q '^bisect: mm: breaks does not build, see ' "$tmp/err" || bad "$(<"$tmp/err")"

# cross: the last commit, and with `commits` each that touches the path
mkdir "$fr/qemu-configs/kernel/build-only"
toy=$fr/qemu-configs/kernel/build-only/toy.config
printf '# %s\n' 'make: ARCH=toy' 'commits: mm/c.c' 'vouches: mm/a.o' >"$toy"
"$s/cross.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a commit in between that does not build passed'
grep -q '^cross: toy mm: breaks does not build, see ' "$tmp/err" || bad "$(<"$tmp/err")"
sed -i /commits/d "$toy"
want 0 '' "$s/cross.sh"
grep -q 'cross: 1 builds, each .c file' "$tmp/out" || bad "$(<"$tmp/out")"
want 0 '' "$s/cross.sh"
! grep -q compiled "$tmp/out" || bad 'what was built is built again'
mkdir -p "$b/cross/gone/mm"
mv "$b/cross/toy/mm/t.o" "$b/cross/gone/mm/"	# of a build that there is no more
want 1 'cross: no build compiles mm/t.c|add what is missing' bash -c "$s/cross.sh 2>&1 | grep 'no build' >&2; exit 1"
sed -i 's@vouches: .*@vouches: mm/z.o@' "$toy"
touch "$b/cross/toy/mm/z.o"	# left over
want 1 'toy mm: mends: no mm/z.o came out of it' "$s/cross.sh"
sed -i 's/ARCH=toy/ARCH=toy CROSS_COMPILE=nosuch-/' "$toy"
want 2 'no nosuch-gcc on this machine; run: make deps ALL=1' "$s/cross.sh"
want 2 "no build 'none'; there are: toy" "$s/cross.sh" none
sed -i 's/b line 7$/warn new/' "$b/linux/mm/b.c"
k commit -qam 'mm: warns'
"$s/refresh.sh" >/dev/null
printf '# %s\n' 'make: ARCH=toy' >"$toy"
"$s/cross.sh" >"$tmp/out" 2>"$tmp/err" && bad 'a warning passed'
grep -q 'mm/b.c:.*warn new' "$tmp/err" || bad "$(<"$tmp/err")"
end
