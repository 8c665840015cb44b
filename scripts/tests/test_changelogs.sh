#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What checkpatch.sh and changelogs.py find in the patches of a tiny kernel.
. "$(dirname "$0")/lib/toy.bash"

two_patches

if [[ -f /usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt ]]; then
	want 0 '' "$s/gates/checkpatch.sh"
	echo foo >>"$b/linux/mm/a.c"
	k commit -qam 'mm: foo'
	"$s/series/refresh.sh" >/dev/null
	want 1 'patches/v0.1/0003-mm-foo.patch:[0-9]+: WARNING:BAD_WORD: foo' "$s/gates/checkpatch.sh"
	want 1 'patches/v0.1/0003-mm-foo.patch:[0-9]+: WARNING:BAD_WORD: foo' "$s/gates/checkpatch.sh"
	echo 'mm-foo BAD_WORD: it is the name' >"$fr/series/v0.1/checkpatch"
	want 0 '' "$s/gates/checkpatch.sh"
	echo 'mm-change-a BAD_WORD: it was' >>"$fr/series/v0.1/checkpatch"
	want 1 'series/v0.1/checkpatch:2: mm-change-a BAD_WORD is not found any more' "$s/gates/checkpatch.sh"
	echo 'mm-change-a BAD_WORD' >"$fr/series/v0.1/checkpatch"
	want 2 "series/v0.1/checkpatch:1: not '<patch without number> <TYPE>: <reason>'" "$s/gates/checkpatch.sh"
	k reset -q --hard HEAD^
	"$s/series/refresh.sh" >/dev/null
	rm "$fr/series/v0.1/checkpatch"
fi

# the cover letter
cover=$fr/series/v0.1/cover-letter
case=$fr/qemu-configs/a-case.conf
printf '%s\n' '# a case' 'machine = q35' 'mem = 1G' 'tests = one' 'timeout = 9' >"$case"
cat >"$cover" <<'EOF'
Subject: a series

  patch  mm: add a test
  patch  mm: change
         a
  patch  none: it is there
  case   a-case
EOF
want 0 '' python3 "$s" changelogs
sed -i 's/a-case/a-case, b-case/' "$cover"
want 1 "cover-letter: there is no case 'b-case'" python3 "$s" changelogs
sed -i 's/, b-case//; /add a test/d' "$cover"
want 1 "cover-letter: does not name the patch 'mm: add a test'" python3 "$s" changelogs
sed -i 's/^  case/  patch  mm: add a test\n  patch  mm: other\n  case/' "$cover"
want 1 "cover-letter: there is no patch 'mm: other'" python3 "$s" changelogs
rm "$cover"
mkdir "$fr/series/v0.1/cover"
echo 'Subject: x' >"$fr/series/v0.1/cover/nix"
want 1 'series/v0.1/cover: nix: is of no set' python3 "$s" changelogs
rm "$fr/series/v0.1/cover/nix"

# a set of two patches has a letter, that of one has none
list=$fr/series/v0.1/series
cp "$list" "$tmp/series"
cp "$fr/patches/v0.1/0001-mm-change-a.patch" "$fr/patches/v0.1/0003-mm-more.patch"
printf '%s\n' '# set: two' 0001-mm-change-a.patch 0002-mm-add-a-test.patch '# set: one' 0003-mm-more.patch >"$list"
want 1 'series/v0.1/cover: no two, for the set of that name' python3 "$s" changelogs
touch "$fr/series/v0.1/cover/two"
want 1 'series/v0.1/cover: no two, for the set of that name' python3 "$s" changelogs
echo 'Subject: x' >"$fr/series/v0.1/cover/two"
want 0 '' python3 "$s" changelogs
cp "$tmp/series" "$list"
rm "$fr/patches/v0.1/0003-mm-more.patch"
rm -r "$fr/series/v0.1/cover"

# a report and its case name each other
report=$fr/series/v0.1/reports/a-bug
echo 'report = a-bug' >>"$case"
want 1 "reports: there is no report 'a-bug', for the case a-case" python3 "$s" changelogs
mkdir "${report%/*}"
printf 'Subject: a bug\n\nSee a-case.\n' >"$report"
want 0 '' python3 "$s" changelogs
sed -i 's/Subject/Title/' "$report"
want 1 'reports: a-bug: the first line is no subject' python3 "$s" changelogs
sed -i 's/Title/Subject/; s/a-case/b-case/' "$report"
want 1 'reports: a-bug: does not name the case a-case' python3 "$s" changelogs
sed -i '$d' "$case"
want 1 "reports: a-bug: no case says 'report = a-bug'" python3 "$s" changelogs
rm -r "${report%/*}"

# changelogs: try REGEX TEXT, or an empty REGEX where all is right
id=0123456789abcdef0123456789abcdef01234567
echo "$id mm: some old commit" >"$fr/series/v0.1/commits"
patch=$fr/patches/v0.1/0001-mm-change-a.patch
cp "$patch" "$tmp/patch"
try() {
	{
		sed '/^$/q' "$tmp/patch"
		printf 'See commit %s ("mm: some\nold commit").\n\n%s\n' "${id:0:12}" "$2"
		sed -n '/^---$/,$p' "$tmp/patch"
	} >"$patch"
	want $((${#1} > 0)) "$1" python3 "$s" changelogs
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
want 2 "series/v0.1/commits:1: not '<id> <subject>'" python3 "$s" changelogs
rm "$fr/series/v0.1/commits"
end
