#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh on a tiny kernel: what is built again and what it is called, and what is refused.
. "$(dirname "$0")/lib/toy.bash"

two_patches
out=$b/series-default
kernel() { want "$1" "$2" "$s/kernel/kernel.sh" "${3-series}"; }
id() { sed -E 's/.*"kernel": "([^"]*)".*/\1/' "$out/build.json"; }

kernel 0 ''
grep -q 'series-default: built' "$tmp/out" || bad "$(<"$tmp/out")"
[[ $(id) == "$(k rev-parse HEAD)" ]] || bad "called $(id)"
kernel 0 ''
grep -q 'series-default is up to date' "$tmp/out" || bad "built twice: $(<"$tmp/out")"
# the same source with another message
was=$(k rev-parse HEAD)
k commit -q --amend -m 'another message'
kernel 0 ''
grep -q 'series-default is up to date' "$tmp/out" || bad "built for a message: $(<"$tmp/out")"
[[ $(id) == "$was" ]] || bad "called $(id) for a message"
k reset -q --soft "$was"

# what is not committed has a name of its own, each edit another one
sed -i 's/c line 5$/c line five/' "$b/linux/mm/c.c"
kernel 0 ''
one=$(id)
[[ $one == "$(k rev-parse HEAD)"-dirty-* ]] || bad "an edit is called $one"
sed -i 's/c line five$/c line 5, again/' "$b/linux/mm/c.c"
kernel 0 ''
[[ $(id) != "$one" ]] || bad "two edits are both called $one"
k checkout -q mm/c.c
# a file that git does not know yet is built, too
echo 'new line 1' >"$b/linux/mm/new.c"
kernel 0 ''
grep -q 'new line 1' "$out/arch/x86/boot/bzImage" || bad 'the new file is not in it'
one=$(id)
echo 'new line 2' >"$b/linux/mm/new.c"
kernel 0 ''
grep -q 'new line 2' "$out/arch/x86/boot/bzImage" || bad 'an edit of the new file is not in it'
[[ $(id) != "$one" ]] || bad "two states of the new file are both called $one"
rm "$b/linux/mm/new.c"
kernel 0 ''
[[ $(id) == "$(k rev-parse HEAD)" ]] || bad "called $(id)"

# a fragment, an option that gets lost, a warning, an error
echo 'CONFIG_A=y' >>"$fr/selftests/config"
kernel 0 ''
grep -qx 'CONFIG_A=y' "$out/.config" || bad 'the fragment is not in it'
echo 'CONFIG_OF_BOTH=y' >"$fr/qemu-configs/kernel/x86_64-default.config"
echo 'CONFIG_OF_KASAN=y' >"$fr/qemu-configs/kernel/x86_64-kasan.config"
kernel 0 ''
grep -qx 'CONFIG_OF_BOTH=y' "$out/.config" || bad 'the fragment of this architecture in this flavour is not in it'
! grep -q 'OF_KASAN' "$out/.config" || bad 'that of another flavour is in it'
echo 'CONFIG_B_LOST=y' >>"$fr/selftests/config"
kernel 2 'options of default that did not survive: CONFIG_B_LOST; correct '
[[ ! -e $out/build.json ]] || bad 'a kernel that failed has a build.json'
sed -i /LOST/d "$fr/selftests/config"
sed -i 's/a line 30$/warn new/' "$b/linux/mm/a.c"
"$s/kernel/kernel.sh" series >"$tmp/out" 2>"$tmp/err" && bad 'a warning in a file of the series passed'
grep -q 'mm/a.c:30:2: warning: ' "$tmp/err" || bad "$(<"$tmp/err")"
k checkout -q mm/a.c
echo 'not C' >>"$b/linux/mm/c.c"
"$s/kernel/kernel.sh" series >"$tmp/out" 2>"$tmp/err" && bad 'what does not build passed'
grep -q '^kernel: series-default does not build, see ' "$tmp/err" || bad "$(<"$tmp/err")"
k checkout -q mm/c.c
kernel 0 '' base
grep -q 'a line 20$' "$b/base-default/arch/x86/boot/bzImage" || bad 'base has the change'

# without a patch, the files of the others are compiled first
dropped=$b/drop/build-default
mkdir -p "$fr/selftests/module" "$dropped/usr"
touch "$fr/selftests/module/x" "$dropped/usr/gen_init_cpio"
printf '#!/bin/bash\n' >"$s/kernel/test-module.sh"
for i in 1 2; do
	sed -i "s/c line ${i}0\$/c changed/" "$b/linux/mm/c.c"
	k commit -qam "mm: change c $i"
done
"$s/series/refresh.sh" >/dev/null
kernel 0 '' drop/mm-change-c-1
[[ $(wc -l <"$dropped/build.cmd") == 2 ]] || bad "not first in an empty folder: $(<"$dropped/build.cmd")"
touch "$b/drop/linux/mm/b.c"	# no file of the series, and older in the alphabet than mm/c.c
kernel 0 '' drop/mm-change-c-2
[[ $(sed -n 's/^ *CC *//p' "$dropped/build.log" | tr '\n' ' ') == 'mm/c.c mm/b.c ' ]] || bad "compiled: $(<"$dropped/build.log")"
[[ $(wc -l <"$dropped/build.cmd") == 2 ]] || bad "$(<"$dropped/build.cmd")"
grep -q '^make .* mm/a.o mm/c.o mm/t.o$' "$dropped/build.cmd" || bad "not first: $(<"$dropped/build.cmd")"

# bad input
kernel 2 "unknown VARIANT 'x'; known variants: base series drop/PATCH set/SET" x
FLAVOUR=x kernel 2 "unknown FLAVOUR 'x'; known flavours: default"
ARCH=vax kernel 2 'unknown FLAVOUR|no .*arch/vax.conf; ARCH must be one of the files beside it'
for folder in 'with blank' 'with:colon' 'R&D'; do
	BUILD="$tmp/$folder" kernel 2 "kernels cannot be built in .*$folder, for the blank, colon or ampersand"
done
end
