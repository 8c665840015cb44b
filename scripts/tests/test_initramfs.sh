#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# initramfs.sh with tests, modules and tools that are stand-ins: what is packed, when it is
# packed again, and what is missing.
. "$(dirname "$0")/lib/toy.bash"

two_patches
out=$b/series-default
mkdir -p "$out/usr" "$out/mm/tests" "$fr/selftests/dax" "$b/linux/tools/testing/selftests"
touch "$b"/linux/tools/testing/selftests/{kselftest.h,lib.mk}
# shellcheck disable=SC2016  # of the stand-in
printf '#!/bin/sh\ncat "$1"\n' >"$out/usr/gen_init_cpio"
printf '#!/bin/sh\n' >"$s/kernel/test-module.sh"
for tool in ndctl daxctl mke2fs makedumpfile; do
	printf '#!/bin/sh\n' >"$tmp/bin/$tool"
done
printf '#!/bin/sh\nprintf "%%s\\n" busybox cat ls\n' >"$tmp/bin/busybox"
chmod +x "$out/usr/gen_init_cpio" "$s/kernel/test-module.sh" "$tmp"/bin/*
cat >"$fr/selftests/Makefile" <<'EOF'
all: $(OUTPUT)/init $(OUTPUT)/memmap_one
$(OUTPUT)/init: init.c
	cp $< $@
$(OUTPUT)/memmap_one: dax/memmap_one.c
	@! grep -n wrong $< || { echo "$<:1: error: wrong" >&2; exit 1; }
	cp $< $@; chmod +x $@
EOF
echo 'int init;' >"$fr/selftests/init.c"
echo '#!/bin/sh' >"$fr/selftests/dax/memmap_one.c"
echo suite >"$out/mm/tests/x_kunit.ko"
pack() { want "$1" "$2" "$s/kernel/initramfs.sh" series; }

pack 2 'no kernel in .*series-default; run: make kernel VARIANT=series'
touch "$out/kernel.stamp"
pack 0 ''
grep -q 'series-default: .* packed' "$tmp/out" || bad "$(<"$tmp/out")"
for line in "file /init .*/selftests/init 0755 0 0" "file /tests/memmap_one .*" "file /tests/x_kunit.ko .*/mm/tests/x_kunit.ko .*" \
	"file /bin/ndctl .*" "file /bin/bash .*" "slink /bin/ls busybox 0777 0 0" "dir /tests 0755 0 0" "nod /dev/console .*"; do
	grep -qx "$line" "$out/guest.cpio" || bad "not packed: $line"
done
[[ $(sort "$out/guest.cpio" | uniq -d) == '' ]] || bad 'something is there twice'
ldd "$(type -P bash)" | grep -q libc && { grep -q '^file /.*libc\.so' "$out/guest.cpio" || bad 'bash has no libc'; }
[[ $(cut -c67- "$out/guest.sums" | paste -sd ' ') == 'init memmap_one mm/tests/x_kunit.ko' ]] || bad "sums: $(<"$out/guest.sums")"
pack 0 ''
[[ ! -s $tmp/out ]] || bad "packed twice: $(<"$tmp/out")"

# an edit of a test, a module, a tool; a test that goes
echo '# edited' >>"$fr/selftests/dax/memmap_one.c"
before=$(<"$out/guest.sums")
pack 0 ''
[[ $(diff <(echo "$before") "$out/guest.sums" | grep -c '^>') == 1 ]] || bad 'an edit of one test changes other sums'
echo more >>"$out/mm/tests/x_kunit.ko"
pack 0 ''
grep -q packed "$tmp/out" || bad 'a new module is not packed'
echo '# another' >>"$tmp/bin/ndctl"
pack 0 ''
grep -q packed "$tmp/out" || bad 'a new tool is not packed'
rm "$out/mm/tests/x_kunit.ko"
pack 0 ''
! grep -q x_kunit "$out/guest.cpio" || bad 'a module that is gone is packed'

# what does not compile, and what is not there
echo 'wrong' >>"$fr/selftests/dax/memmap_one.c"
"$s/kernel/initramfs.sh" series >"$tmp/out" 2>"$tmp/err" && bad 'a test that does not compile was packed'
grep -q '^initramfs: the tests of selftests/ do not compile for v0.1, see ' "$tmp/err" || bad "$(<"$tmp/err")"
sed -i /wrong/d "$fr/selftests/dax/memmap_one.c"
PATH=${PATH/"$tmp/bin:"/} type -P daxctl >/dev/null || { rm "$tmp/bin/daxctl"; pack 2 'no daxctl on this machine; run: make deps'; }
end
