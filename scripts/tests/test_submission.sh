#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# submission.sh on a tiny kernel with results that are made up: what is refused, and
# what comes out.
top=$(cd "$(dirname "$0")/../.." && pwd)
real=${BUILD:-$top/build}/${PIN:-v5.10.223}/linux/scripts/get_maintainer.pl
. "$(dirname "$0")/lib/fake.bash"

[[ -f $real ]] || { echo "skip: ${0##*/}: no $real; run: make tree"; exit 77; }
[[ -f /usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt ]] || { echo "skip: ${0##*/}: no codespell"; exit 77; }

# a kernel with maintainers, and a checkpatch.pl that wants a sign-off
u=$tmp/src/linux-0.1
cp -a "$tmp/unpacked" "$u"
mkdir -p "$u"/{scripts,Documentation,arch,include,drivers,fs,init,ipc,kernel,lib}
touch "$u"/{COPYING,CREDITS,Kbuild,README} "$u"/{Documentation,arch,include,drivers,fs,init,ipc,kernel,lib}/x
cp "$real" "$u/scripts/get_maintainer.pl"
cat >"$u/MAINTAINERS" <<'EOF'
List of maintainers
===================

MEMORY MANAGEMENT
M:	Ada Keeper <ada@example.org>
R:	"Rita R. Reader" <rita@example.org>
L:	linux-mm@example.org
S:	Maintained
F:	mm/a.c

TESTS
M:	Tom Tester <tom@example.org>
L:	tests@example.org
S:	Supported
F:	mm/t.c

THE REST
M:	Linus Torvalds <torvalds@linux-foundation.org>
L:	everybody@example.org
S:	Buried alive in reporters
F:	*
F:	*/
EOF
cat >"$u/scripts/checkpatch.pl" <<'EOF'
my ($n, $s) = (0, 0);
while (<STDIN>) {
	$n++;
	$s = 1 if /^Signed-off-by: /;
	print "WARNING:BAD_WORD: foo\n#$n: FILE: a:1:\n+foo\n\n" if /^\+.*foo/;
	print "WARNING:BAD_SIGN_OFF: what\n#$n:\n+x\n\n" if /^Assist[e]d-by: /;
}
print "ERROR:MISSING_SIGN_OFF: none\n\n" if !$s && "@ARGV" !~ /--no-signoff/;
print "total: 0 errors, 0 warnings, 0 checks, $n lines checked\n" if $n > 1;
EOF
tar -C "$tmp/src" -cJf "$tmp/src/linux-0.1.tar.xz" linux-0.1
rm -rf "$tmp/unpacked" && mv "$u" "$tmp/unpacked"
write_base
echo 'for = mainline' >>"$fr/series/v0.1/base"
printf '%s\n' build/ results/ out/ __pycache__/ >"$fr/.gitignore"
mkdir -p "$fr/qemu-configs"
printf '# shows a\nmachine = q35\nmem = 1G\ntests = t\ntimeout = 9\nbase_fails = t.x\n' >"$fr/qemu-configs/red.conf"
printf '# shows b\nmachine = q35\nmem = 1G\ntests = t\ntimeout = 9\n' >"$fr/qemu-configs/green.conf"
export GIT_AUTHOR_NAME='Our Maintainers' GIT_AUTHOR_EMAIL=maintainers@users.noreply.h.example
two_patches
# the test first, as number 1
k reset -q --hard v0.1
k cherry-pick refs/made/series refs/made/series^ >/dev/null 2>&1
k commit -q --amend -m 'mm: change a, and say so in a subject that git has to fold in the header of a mail

This is why. There is a word — dash — that is no ASCII.

Reported-by: Rob Finder <rob@example.org>
Cc: stable@vger.kernel.org # 0.1'
"$s/series/refresh.sh" >/dev/null
printf 'Subject: mm: a series\n\nThe text.\n\n*** TESTING ***\n\n[1] a note\n' >"$fr/series/v0.1/cover-letter"
ci() { git -C "$fr" add -A && git -C "$fr" commit -q --allow-empty -m "$1"; }
ci start

# result VARIANT CASE VERDICT [FAILED]: of the kernel that is there now
result() {
	local d=$fr/results/v0.1/default/$1/$2 branch=$1
	mkdir -p "$d"
	printf '{"verdict": "%s", "reason": "why", "failed": [%s], "tests": [], "seconds": 1, "meta": {"kernel": "%s", "qemu": "QEMU 0.0", "compiler": "cc 0.0", "accel": "tcg", "started": "2026-01-02"}}' \
		"$3" "${4:+\"$4\"}" "$(k rev-parse "$branch")" >"$d/verdict.json"
}
results() {
	result base red fail t.x
	result series red pass
	result base green pass
	result series green pass
}
me=(env GIT_COMMITTER_NAME='Sam Söndør' GIT_COMMITTER_EMAIL=sam@example.org)
make_() { want "$1" "$2" "${me[@]}" "${@:3}" "$s/mail/submission.sh"; }

# who
nobody=(env -u GIT_COMMITTER_NAME -u GIT_COMMITTER_EMAIL -u GIT_AUTHOR_NAME -u GIT_AUTHOR_EMAIL -u EMAIL)
want 2 'no identity to sign off with; run: git config' "${nobody[@]}" "$s/mail/submission.sh"
me=(env GIT_COMMITTER_NAME='Our Maintainers' GIT_COMMITTER_EMAIL=maintainers@users.noreply.h.example)
make_ 2 'Our Maintainers <maintainers@users.noreply.h.example> cannot sign off'
me=(env GIT_COMMITTER_NAME='Sam Söndør' GIT_COMMITTER_EMAIL=sam@example.org)
make_ 2 "TRAILERS: 'nonsense' is not 'Name: value'" TRAILERS='Tested-by: A <a@b>; nonsense'
make_ 2 "TRAILERS: 'Signed-off-by: A <a@b>': only who signs off" TRAILERS='Signed-off-by: A <a@b>'

# results
make_ 125 'testing: no results in .*; run: make$'
results
rm -r "$fr/results/v0.1/default/base/green"
make_ 125 "1 missing, green base: no verdict.json; run: make CASE='green'$"
results
result series red fail t.x
make_ 1 'results of default: 1 rows not as expected, red: NO: series: fail t.x; run: make'
results
sed -i "s/$(k rev-parse series)/$(k rev-parse series^)/" "$fr/results/v0.1/default/series/green/verdict.json"
make_ 125 "1 stale, green series: of tree $(k rev-parse --short=12 'series^^{tree}'), series is $(k rev-parse --short=12 'series^{tree}')"
sed -i "s/$(k rev-parse series^)/0123456789abcdef/" "$fr/results/v0.1/default/series/green/verdict.json"
make_ 125 '1 stale, green series: of unknown kernel 0123456789ab'
cp -r "$fr/results/v0.1/default" "$fr/results/v0.1/kasan"
results
make_ 125 "results of kasan: 1 stale.*run: make FLAVOUR=kasan CASE='green', or name flavours that are whole: FLAVOURS='default'"

# dirty
echo '# x' >>"$fr/series/v0.1/series"
make_ 2 'dirty: series/v0.1/series is not committed'
git -C "$fr" checkout -q series
echo x >>"$b/linux/mm/a.c"
make_ 2 'dirty: .*/linux has changes that are not in patches/v0.1; run: make refresh'
k checkout -q mm/a.c
echo x >"$fr/patches/v0.1/x"
make_ 2 'dirty: patches/v0.1/x is not committed'
rm "$fr/patches/v0.1/x"
[[ ! -e $fr/out ]] || bad 'something came out of what was refused'

# v1
make_ 0 '' FLAVOURS=default TRAILERS='Assisted-by: LLM sparse;'
o=$fr/out/v0.1/v1
cover=$o/0000-cover-letter.patch
has() { grep -q -E -e "$1" "$2" || bad "no '$1' in ${2##*/}: $(<"$2")"; }
has '^Subject: \[PATCH 0/2\] mm: a series$' "$cover"
has '^  default +2 +1 +1 +0$' "$cover"
has '^  red +fails 1: t.x$' "$cover"
has "^Of exactly this series \(tree $(k rev-parse --short=12 'series^{tree}')\)" "$cover"
has '^  qemu +QEMU 0.0$' "$cover"
has '^ 2 files changed, 2 insertions' "$cover"
has '^Applies to: tag v0.1$' "$cover"
[[ $(grep -n -E '^(The text|Testing|\[1\] a note|Our Maintainers|Sam .*\(2\):|Applies)' "$cover" | cut -d: -f2 | cut -c1-4 | paste -sd,) == 'The ,Test,[1] ,Sam ,Appl' ]] ||
	bad "order of the cover letter: $(<"$cover")"
one=$(echo "$o"/0002-mm-change-a*.patch)
[[ $(sed -n '/^Reported-by/,/^---$/p' "$one") == $'Reported-by: Rob Finder <rob@example.org>\nCc: stable@vger.kernel.org # 0.1\nAssisted-by: LLM sparse\nSigned-off-by: Sam Söndør <sam@example.org>\n---' ]] ||
	bad "trailers: $(<"$one")"
has '^From: =\?UTF-8\?q\?Sam=20S=C3=B6nd=C3=B8r\?= <sam@example.org>$' "$one"
! grep -r -q noreply "$o"/*.patch || bad 'our own address goes out'
# recipients: of each patch, the maintainers and lists of each of its files
[[ $(sed -n '/^To:/,/^$/p' "$one") == $'To: Ada Keeper <ada@example.org>\nCc: "Rita R. Reader" <rita@example.org>, everybody@example.org,\n linux-mm@example.org, Rob Finder <rob@example.org>' ]] ||
	bad "recipients: $(sed -n '/^To:/,/^$/p' "$one")"
[[ $(sed -n '/^To:/,/^$/p' "$o"/0001-*) == $'To: Tom Tester <tom@example.org>\nCc: everybody@example.org, tests@example.org' ]] ||
	bad "recipients: $(sed -n '/^To:/,/^$/p' "$o"/0001-*)"
[[ $(sed -n '/^To:/,/^$/p' "$cover") == $'To: Tom Tester <tom@example.org>, Ada Keeper <ada@example.org>\nCc: everybody@example.org, linux-mm@example.org, tests@example.org' ]] ||
	bad "recipients: $(sed -n '/^To:/,/^$/p' "$cover")"
# the mbox, by somebody who has nothing else from here
vanilla() {
	rm -rf "$tmp/vanilla"
	cp -a "$tmp/unpacked" "$tmp/vanilla"
	git -C "$tmp/vanilla" init -q
	# b4 gives up without a word when it can't tell who runs it
	git -C "$tmp/vanilla" config user.name v && git -C "$tmp/vanilla" config user.email v@localhost
	git -C "$tmp/vanilla" add -Af . && git -C "$tmp/vanilla" commit -qm 0.1 && git -C "$tmp/vanilla" tag v0.1
}
same() { [[ $(git -C "$tmp/vanilla" rev-parse 'HEAD^{tree}') == "$(k rev-parse 'series^{tree}')" ]] || bad "$1 gives another tree"; }
vanilla
find "$o" -name '000[1-9]-*.patch' | sort | xargs git -C "$tmp/vanilla" am -q || bad 'git am'
same 'git am'
if command -v b4 >/dev/null; then
	b4_() { (cd "$tmp/vanilla" && b4 --offline-mode --no-stdin -n "$@" >"$tmp/log" 2>&1) || bad "b4 $*: $(<"$tmp/log")"; }
	git -C "$tmp/vanilla" reset -q --hard v0.1
	mkdir "$tmp/am"
	b4_ am -m "$o/v0.1-v1.mbox" -o "$tmp/am"
	git -C "$tmp/vanilla" am -q "$tmp"/am/*.mbx || bad 'git am of what b4 am made'
	same 'b4 am'
	git -C "$tmp/vanilla" reset -q --hard v0.1
	b4_ shazam -m "$o/v0.1-v1.mbox"
	same 'b4 shazam'
fi
has 'git send-email --no-thread --confirm=always --dry-run ' "$o/next"

# on a real tree
git -C "$tmp/vanilla" tag -d v0.1 >/dev/null
rm -r "$fr/results/v0.1/kasan"
make_ 2 'KERNEL_GIT=.* has no tag v0.1' KERNEL_GIT="$tmp/vanilla"
vanilla
make_ 0 '' KERNEL_GIT="$tmp/vanilla"
has "^base-commit: $(git -C "$tmp/vanilla" rev-parse v0.1)$" "$cover"

# v2; a set whose name begins with v has versions of its own
mkdir "$fr/series/v0.1/sent"
touch "$fr/series/v0.1/sent/vfio-v1"
ci 'a set was sent'
make_ 2 'VERSION=0 is no version: nothing was sent' RESEND=1
make_ 2 'no series/v0.1/sent/v1; nothing to compare v2 with' VERSION=2
cp "$o/sent" "$fr/series/v0.1/sent/v1"
ci 'v1 was sent'
make_ 0 '' RESEND=1
has '^Subject: \[RESEND PATCH 0/2\]' "$cover"
sed -i 's/a line twenty$/a line 20, said better/' "$b/linux/mm/a.c"
k commit -q --amend -a --no-edit
"$s/series/refresh.sh" >/dev/null
ci change
make_ 125 '1 stale, red series|2 stale'
results
make_ 2 'RESEND: v1 had another tree' RESEND=1
make_ 2 "changelog has no section 'v2:' that says what changed since v1"
printf '# SPDX-License-Identifier: GPL-2.0\nv2:\n- a line says it better\n' >"$fr/series/v0.1/changelog"
ci changelog
make_ 0 '' RFC=1
o=$fr/out/v0.1/v2 cover=$fr/out/v0.1/v2/0000-cover-letter.patch
has '^Subject: \[RFC PATCH v2 0/2\]' "$cover"
has '^Changes since v1:$' "$cover"
has '^\(https://lore.kernel.org/r/cover\..*\)$' "$cover"
has '^- a line says it better$' "$cover"
has '^Range-diff against v1:$' "$cover"
has '^1: +[0-9a-f]+ = 1: ' "$cover"
has '^2: +[0-9a-f]+ ! 2: .*mm: change a, ' "$cover"
has '^    -\+a line twenty$' "$cover"
sed -i 's/^commit = .*/commit = 0123456789012345678901234567890123456789/' "$fr/series/v0.1/sent/v1"
ci 'a shallow clone'
make_ 2 'commit 0123456789012345678901234567890123456789 is not in this repository; run: git fetch --unshallow'
git -C "$fr" revert --no-edit HEAD >/dev/null

# checkpatch
sed -i 's/a line 20, said better$/a foo/' "$b/linux/mm/a.c"
k commit -q --amend -a --no-edit
"$s/series/refresh.sh" >/dev/null
ci foo
results
make_ 1 '0002-mm-change-a.*patch:[0-9]+: WARNING:BAD_WORD: foo'
# a set: only its patches, on top of what it needs; one patch needs no cover letter
sed -i 's/a foo$/a line 20, once more/' "$b/linux/mm/a.c"
k commit -q --amend -a --no-edit
sed -i 's/b line 5$/b line five/' "$b/linux/mm/b.c"
k commit -qam 'mm: change b

Why.'
"$s/series/refresh.sh" >/dev/null
mapfile -t names < <(sed '/^#/d' "$fr/series/v0.1/series")
printf '%s\n' '# set: test' "${names[0]%% *}" '# set: rest needs: test' "${names[1]%% *}  # cases: red" "${names[2]%% *}" \
	>"$fr/series/v0.1/series"
"$s/series/tree.sh" >/dev/null
mkdir "$fr/series/v0.1/cover"
ci sets
make_ 2 "no set 'nix' in series/v0.1/series; sets: test rest" SET=nix
make_ 2 'no series/v0.1/cover/rest' SET=rest
printf 'Subject: mm: the rest\n\nIts text.\n' >"$fr/series/v0.1/cover/rest"
ci letter
make_ 125 'no results in .*; run: make SET=rest' SET=rest
"$s/series/set.sh" --check rest >/dev/null
mkdir -p "$fr/results/v0.1/default/set"
k branch -f set/rest refs/sets/rest
result set/rest red pass
result base red fail t.x
make_ 0 '' SET=rest
o=$fr/out/v0.1/rest-v1 cover=$fr/out/v0.1/rest-v1/0000-cover-letter.patch
has '^Subject: \[PATCH 0/2\] mm: the rest$' "$cover"
has '^Needs, in this order: the sets test$' "$cover"
has '^  red +fails 1: t.x$' "$cover"
! grep -q "^  green " "$cover" || bad 'a case that is not of the set'
[[ $(find "$o" -name '0*.patch' | wc -l) == 3 ]] || bad "mails: $(ls "$o")"
has 'sent/rest-v1' "$o/next"
make_ 125 'set test is not built; run: make kernel PIN=v0.1 SET=test' SET=test
mkdir -p "$b/set/test-default"
printf '{"kernel": "%s", "compiler": "cc 0.0"}' "$("$s/series/set.sh" --check test)" >"$b/set/test-default/build.json"
make_ 0 '' SET=test
one=$(echo "$fr/out/v0.1/test-v1"/0*.patch)
has '^Subject: \[PATCH\] mm: add a test$' "$one"
[[ $(grep -n -E '^(---$|Built|Applies|diff)' "$one" | cut -d: -f2 | cut -c1-4 | paste -sd,) == '---,Buil,Appl,diff' ]] || bad "alone: $(<"$one")"

# for a stable tree
sed -i 's/^for = mainline/carries = nix of v0.2/' "$fr/series/v0.1/base"
ci typo
make_ 2 "no set 'nix' in series/v0.1/series; sets: test rest" SET=test
# a patch of another set than the one that is carried has no commit in mainline
sed -i 's/^carries = nix/carries = rest/' "$fr/series/v0.1/base"
ci another
make_ 0 '' SET=test
! grep -q ' upstream\.$' "$one" || bad "another set: $(<"$one")"
has '^Subject: \[PATCH 0.1\] mm: add a test$' "$one"
has '^To: stable@vger.kernel.org$' "$one"
sed -i 's/^carries = rest/carries = test/' "$fr/series/v0.1/base"
ci carries
slug=$(sed -E 's/^0001-//; s/\.patch .*|\.patch$//' <<<"${names[0]}")
make_ 2 "series/v0.1/upstream: no commit of $slug in mainline; once it is there, add the line: $slug <its 40 digits>" SET=test
echo "$slug 123456789012" >"$fr/series/v0.1/upstream"
ci short
make_ 2 "series/v0.1/upstream: no commit of $slug in mainline" SET=test
id=$(printf '%040d' 7)
echo "$slug $id" >"$fr/series/v0.1/upstream"
ci upstream
make_ 0 '' SET=test
[[ $(sed -n '/^$/{n;p;q}' "$one") == "commit $id upstream." ]] || bad "stable: $(<"$one")"
has '^To: stable@vger.kernel.org$' "$one"
has '^Cc: Tom Tester <tom@example.org>' "$one"
k branch -D set/rest >/dev/null
[[ -z $(find "$b" -name '*.tmp') && $(k worktree list | wc -l) == 2 ]] || bad 'scratch is left'
end
