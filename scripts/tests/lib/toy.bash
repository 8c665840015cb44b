# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For the tests of what builds kernels or reads patches: fake.bash, with a kernel that has a
# checkpatch.pl, a configuration, and a build that is a stand-in.
#
#   . "$(dirname "$0")/lib/toy.bash"

. "$(dirname "$0")/lib/fake.bash"

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
cat >"$u/scripts/kconfig/merge_config.sh" <<'EOF'
#!/bin/bash
# merge_config.sh -n -O OUT FRAGMENT...: an option with LOST in it does not survive
cat "${@:4}" | grep -v LOST >"$3/.config"
cat "${@:4}" | sed -nE 's/^(CONFIG_\w*LOST\w*)=.*/Value requested for \1 not in final .config/p'
EOF
chmod +x "$u/scripts/kconfig/merge_config.sh"
cat >"$u/Makefile" <<'EOF'
MAKEFLAGS += -r
obj := $(patsubst %.c,$(O)/%.o,$(wildcard mm/*.c))
bzImage vmlinux: $(obj)
	@mkdir -p $(O)/arch/x86/boot; cat $(wildcard mm/*.c) >$(O)/arch/x86/boot/bzImage
modules:
mm/%.o: $(O)/mm/%.o ;
$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $<'; ! grep -n 'not C' $< || { echo "$<:1:1: error: not C"; exit 1; }
	@grep -n warn $< | sed -E 's@^([0-9]+):@../linux/$<:\1:2: warning: @' >&2; touch $@
EOF
sed -i 's/line 3$/warn old/' "$u/mm/b.c"
tar -C "$tmp/src" -cJf "$tmp/src/linux-0.1.tar.xz" linux-0.1
rm -rf "$tmp/unpacked" && mv "$u" "$tmp/unpacked"
write_base
printf '#!/bin/sh\necho 1\n' >"$tmp/bin/sparse"
chmod +x "$tmp/bin/sparse"
export PATH=$tmp/bin:$PATH POLL=0.05 JOBS=1
