#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The very guest of a case, by hand: same machine, memory and kernel, a shell as its test.
#
# usage: scripts/shell.sh [--debug] CASE [QEMU argument...]
#
# Without --debug: a busybox shell on this terminal; Ctrl-A X ends QEMU, Ctrl-A C is its
# monitor. With --debug: the case's own tests, QEMU halted before the first instruction
# with a gdb stub on GDB_PORT (1234); the gdb command is printed, and run when gdb
# and a terminal are there (console is then in console.log of the directory it names).
# Environment: PIN, VARIANT (series), FLAVOUR, ARCH, ACCEL, TESTS (instead of shell), DRY=1.
# Exit code: that of QEMU or gdb; 2 bad input.

set -euo pipefail

usage() { sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; }
die() { echo "shell.sh: $*" >&2; exit 2; }

here=$(cd "$(dirname "$0")" && pwd)
debug=
case "${1-}" in
-h|--help) usage; exit 0 ;;
--debug) debug=1; shift ;;
esac
case "${1-}" in
''|-*) usage >&2; exit 2 ;;
esac
name=$1
shift

variant=${VARIANT:-series}
variant=${variant##* }	# of make's "base series" the latter
pin=${PIN:-v5.10.223} flavour=${FLAVOUR:-default} arch=${ARCH:-x86_64}
configs=${CONFIGS:-$here/../qemu-configs}
conf=$configs/arch/$arch.conf
label=$flavour
[ "$arch" = x86_64 ] || label+=-$arch
[ -r "$conf" ] || die "no $conf; ARCH= must be one of those beside it"
value() { sed -n "s/^$1 *= *//p" "$conf"; }
out=$(realpath -m "${BUILD:-$here/../build}/$pin/$variant-$label")

# A terminal waits for nobody to measure it: a remembered accelerator will do, else ask.
accel=${ACCEL:-auto}
if [ "$accel" = auto ] && [ -z "${DRY-}" ]; then accel=$("$here/accel.sh"); fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/memmap-shell.XXXXXX")
qemu=
trap '[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true; rm -rf "$dir"' EXIT
DRY=1 ACCEL=$accel "$here/boot.py" --case "$name" --variant "$variant" --flavour "$flavour" >"$dir/cmd.sh"
[ "$(grep -c '^#!' "$dir/cmd.sh")" = 1 ] || die "'$name' is more than one case"
chmod +x "$dir/cmd.sh"
cp "$configs/$name.conf" "$dir/case.conf" 2>/dev/null || die "'$name' must be the whole name of a case"

if [ -z "$debug" ]; then
	export TESTS=${TESTS-shell} CONSOLE=stdio,mux=on,signal=off
	set -- -mon chardev=console "$@"
else
	port=${GDB_PORT:-1234}
	gdb=(gdb -iex "add-auto-load-safe-path $out" -ex "target remote 127.0.0.1:$port" -ex 'hbreak start_kernel' -ex continue "$out/vmlinux")
	# not -s, which listens on every interface
	set -- -gdb "tcp:127.0.0.1:$port" -S "$@"
	printf '%q ' "${gdb[@]}"
	echo
fi

if [ -n "${DRY-}" ] && [ "$DRY" != 0 ]; then
	cat "$dir/cmd.sh"
	echo "# with TESTS=${TESTS-} CONSOLE=${CONSOLE-} and the arguments: $*"
	exit 0
fi
for file in "$out/$(value image)" "$out/guest.cpio"; do
	[ -e "$file" ] || die "no $file; run: make kernel guest PIN=$pin VARIANT=$variant FLAVOUR=$flavour ARCH=$arch"
done

if [ -z "$debug" ] || [ ! -t 0 ] || [ ! -t 1 ] || ! command -v gdb >/dev/null; then
	status=0
	"$dir/cmd.sh" "$@" || status=$?
	exit "$status"
fi
echo "shell.sh: console in $dir/console.log"
CONSOLE=null setpriv --pdeathsig KILL setsid "$dir/cmd.sh" "$@" </dev/null &
qemu=$!
"${gdb[@]}"
