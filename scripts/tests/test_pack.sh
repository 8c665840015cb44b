#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# pack, with kernels and a QEMU that are stand-ins: what it makes runs elsewhere, with nothing
# but Python, bash and QEMU.
. "$(dirname "$0")/lib/guest.bash"

make_case one memmap_zones 20 64M 'group = quick'
make_case two memmap_zones 20 64M 'base_fails.v9 = memmap_zones.a'
mkdir series/v9.1 && printf 'tag = v9.1\nshort = v9\n' >series/v9.1/base
export QEMU=$tmp/qemu ACCEL=tcg
cat >qemu <<'E2'
#!/bin/bash
case "$*" in *--version*) echo "QEMU emulator version 0.0"; exit ;; esac
printf '%s\n' 'TAP version 14' '1..1' '    # Subtest: memmap_zones' '    1..1' '    ok 1 - a' 'ok 1 - memmap_zones' '# end of run' >result.ktap
printf '[    0.00000%s\n' '0] Linux version 5.10' '1] Run /init as init process' '2] init: start' '3] init: end of run' '4] reboot: Power down' >console.log
E2
chmod +x qemu
cp "$root"/qemu-configs/splat.* qemu-configs
kernels
check "no initramfs" fails 2 "run: make guest" python3 scripts pack
initramfs
check "no sums" fails 2 "no .*guest.sums; run: make guest" python3 scripts pack
check "and leaves nothing" [ -z "$(find build -name 'memmap-*')" ]
touch build/v5.10.223/{base,series}-default/guest.sums
check "packs" to said python3 scripts pack
check "says where" grep -q "build/memmap-v5.10.223-default.tar.gz: .* run: memmap-v5.10.223-default/run$" said
mkdir elsewhere bin
for program in bash python3 dirname rm mkdir; do ln -s "$(type -P $program)" bin; done
tar -C elsewhere -xf build/memmap-v5.10.223-default.tar.gz
rm -r scripts qemu-configs series build
there=elsewhere/memmap-v5.10.223-default
check "runs elsewhere" to table env PATH="$tmp/bin" "$there/run"
check "and gives the table" grep -q '^2 rows as expected, 0 not, 0 skipped$' table
check "results are beside it" [ -s "$there/results/v5.10.223/default/series/one/verdict.json" ]
check "a part of the cases" to table env PATH="$tmp/bin" SHARD=1/2 RESULTS=part DRY=1 BUILD=/nowhere CONFIGS=/nowhere "$there/run"
check "results are where the caller is" [ -s part/v5.10.223/default/table.txt ]
check "and its table" grep -q '^1 rows as expected, 0 not, 0 skipped$' table
sed -i 's/ok 1 - a/not &/; s/ok 1 - memmap/not &/' qemu
env PATH="$tmp/bin" CASE=one VARIANT=series "$there/run" >table || code=$?
check "a failure" [ "${code-0}" = 1 ]
check "and how to repeat it" grep -q 'again:  CASE=one VARIANT=series ./run$' table
check "slurm: memory for the guest and QEMU" grep -q '^#SBATCH .*--mem=720M' "$there/slurm.sbatch"
(cd "$there" && env PATH="$tmp/bin" SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_COUNT=2 VARIANT=base bash slurm.sbatch >/dev/null) || :
(cd "$there" && env PATH="$tmp/bin" SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=1 PARTS=2 VARIANT=base bash slurm.sbatch >/dev/null) || :
check "slurm: one part again" [ "$(cd "$there/part-1/v5.10.223/default/base" && echo *)" = one ]
check "slurm: its part" [ "$(cd "$there/part-2/v5.10.223/default/base" && echo *)" = two ]
check "bad input" fails 2 "no case matches 'x'" env PATH="$tmp/bin" CASE=x "$there/run"
exit $((failures > 0))
