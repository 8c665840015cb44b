# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests of what works on patches: a project root in
# $tmp/root (our scripts, pin v0.1) and the source of a tiny kernel in $tmp/src.
#
#   . "$(dirname "$0")/lib/fake.bash"

set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
fr=$tmp/root
s=$fr/scripts
b=$fr/build/v0.1
unset BUILD RESULTS CONFIGS SERIES_DIR PATCHES_DIR VARIANT FLAVOUR CASE ACCEL JOBS SET KERNEL_SRC_DIR KERNEL_GIT FORCE STARTED BUILD_LOCKED
unset MAKEFLAGS DRY ALL DEPS ARCH
export PIN=v0.1 HOME=$tmp GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=Zoë GIT_AUTHOR_EMAIL=z@localhost GIT_COMMITTER_NAME=z GIT_COMMITTER_EMAIL=z@localhost

mkdir -p "$s" "$fr/series/v0.1" "$fr/patches/v0.1" "$fr/kunit" "$tmp/src/linux-0.1/mm" "$tmp/bin"
git init -q "$fr"	# as a user has it: our own repository is around build/
cp -rp "$here"/{*.py,*.sh,deps.list,series,kernel,guests,bench,gates,mail,report} "$s"
mkdir -p "$fr/qemu-configs"
echo v0.1 >"$fr/series/default"
(
	cd "$tmp/src/linux-0.1"
	echo 'VERSION = 0' >Makefile
	for f in a b c; do
		seq -f "$f line %g" 40 >mm/$f.c
	done
	ln -s a.c mm/link.c
	tar -C "$tmp/src" -cJf "$tmp/src/linux-0.1.tar.xz" linux-0.1
)
rm -rf "$tmp/unpacked" && mv "$tmp/src/linux-0.1" "$tmp/unpacked"
write_base() {
	cat >"$fr/series/v0.1/base" <<-EOF
	tag = v0.1
	short = v0
	url = file://$tmp/src/linux-0.1.tar.xz
	sha256 = $(sha256sum <"$tmp/src/linux-0.1.tar.xz" | cut -d' ' -f1) linux-0.1.tar.xz
	blob = $(git hash-object "$tmp/unpacked/mm/a.c") mm/a.c
	EOF
}
write_base

failed=0
bad() { echo "  FAILED: $*"; failed=1; }

# want RC REGEX COMMAND...: the exit code, and one line of stderr that matches
# (an empty REGEX: nothing on stderr). stdout goes to $tmp/out
want() {
	local rc=0 want_rc=$1 re=$2
	shift 2
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null || rc=$?
	((rc == want_rc)) || bad "$*: ended with $rc, not $want_rc: $(cat "$tmp/err")"
	if [[ -z $re ]]; then
		[[ ! -s $tmp/err ]] || bad "$*: said: $(cat "$tmp/err")"
	else
		[[ $(wc -l <"$tmp/err") == 1 ]] || bad "$*: not one line: $(cat "$tmp/err")"
		grep -q -E -e "$re" "$tmp/err" || bad "$*: no '$re' in: $(cat "$tmp/err")"
	fi
}

# no_rest: the build folder holds nothing but downloads
no_rest() {
	local rest
	rest=$(find "$b" -mindepth 1 -maxdepth 1 ! -name download ! -name .lock)
	[[ -z $rest ]] || bad "$1: left in the build folder: $rest"
}

# four_patches: the same, and two patches more, of which the last changes the first one's line
four_patches() {
	two_patches
	sed -i 's/b line 5$/b line five/' "$b/linux/mm/b.c"
	k commit -qam 'mm: change b'
	sed -i 's/a line twenty$/a line 20, again/' "$b/linux/mm/a.c"
	k commit -qam 'mm: change a again'
	"$s/series/refresh.sh" >/dev/null
}

# two_patches: a tree with a change and its test, and a series of them, as refresh.sh would write it
two_patches() {
	"$s/series/source.sh" >/dev/null && "$s/series/tree.sh" >/dev/null
	printf 'kunit = mm/t.c\n' >>"$fr/series/v0.1/base"
	sed -i 's/a line 20$/a line twenty/' "$b/linux/mm/a.c"
	k commit -qam 'mm: change a'
	printf 'test one\n' >"$b/linux/mm/t.c"
	k add mm/t.c
	k commit -qm 'mm: add a test'
	k format-patch -q -o "$fr/patches/v0.1" --no-signature --zero-commit -N --abbrev=12 v0.1..
	mkdir "$fr/kunit/v0" && cp "$b/linux/mm/t.c" "$fr/kunit/v0"
	printf '%s\n' '# the flip' '# a remark' 0001-mm-change-a.patch \
		'0002-mm-add-a-test.patch  # test of: mm-change-a' '# after' >"$fr/series/v0.1/series"
	FORCE=1 "$s/series/tree.sh" >/dev/null
}
k() { git -C "$b/linux" "$@"; }

# done_: the end of a test
end() {
	((failed)) || echo "ok: ${0##*/}"
	exit "$failed"
}
