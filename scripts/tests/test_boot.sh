#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests boot with a QEMU, a judge and a kernel that are stand-ins:
# what is left behind, what a bad input says, and that nothing outlives its run.
#
# usage: scripts/tests/test_boot.sh

# shellcheck disable=SC2016 # a $ of the kernel's command line

. "$(dirname "$0")/lib/guest.bash"

make_case good 'memmap_zones kunit,memremap' 20 64M 'append = memmap=1M$4M' 'files = nv0 4M' \
	'devices = -object memory-backend-file,id=nv,mem-path={out}/nv0,size=4M' \
	'devices = -drive file={kernel},format=raw -drive file={initrd},format=raw'
make_case exits exit3 20 64M
make_case hangs hang 1 64M
make_case twice resumes 20 64M 'boots = 3'
make_case dies exit3 20 64M 'boots = 2'
make_case stays hang 1 64M 'boots = 2'
make_case big memmap_zones 20 1000T

cat >qemu <<'E2'
#!/bin/bash
case "$*" in *--version*) echo "QEMU emulator version 0.0"; exit ;; esac
echo >>starts
ls >"seen"; printf '%s\n' "$@" >args; echo noise >&2
case "$*" in
*exit3*) exit 3 ;;
*resumes*) echo "boot $(wc -l <starts)" >>result.ktap
	[ ! -e out/disk ] || echo "# end of run" >>result.ktap
	touch out/disk ;;
*hang*) sleep 61.7 & echo "$! $$" >pids; wait ;;
esac
E2
cat >scripts/guests/judge.py <<'E2'
import json, os
def store(result):
    verdict = {"verdict": "broken" if os.path.exists("broken") else "pass", "reason": "stub"}
    (result / "verdict.json").write_text(json.dumps(verdict))
    return verdict
E2
chmod +x qemu
boot=(python3 scripts boot)

check "dry needs neither kernel nor QEMU" to dry.txt env DRY=1 QEMU=none CASE=good "${boot[@]}"
check "dry shows base and series" [ "$(grep -c '^#!/bin/bash' dry.txt)" = 2 ]
check "dry leaves nothing" [ ! -e results ]
make_case sized memmap_zones 20 64M 'hotplug = dimm0 128M'
check "a control port for what can be plugged" to dry.txt env DRY=1 CASE=sized VARIANT=base "${boot[@]}"
check "and a host behind it" [ "$(grep -cE 'name=memmap.control|scripts hotplug' dry.txt)" = 2 ]
rm qemu-configs/sized.conf
if command -v shellcheck >/dev/null; then
	for name in good twice; do
		DRY=1 CASE=$name VARIANT=base "${boot[@]}" >cmd.sh
		check "cmd.sh of $name is clean" shellcheck cmd.sh
	done
fi

make_case arm t 20 64M 'arch = arm64'
check "firmware of an architecture" to dry.txt env DRY=1 ARCH=arm64 CASE=arm VARIANT=base "${boot[@]}"
check "is QEMU's" grep -q -- '-bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd' dry.txt
sed -i 's@^firmware = .*@firmware = /none@' qemu-configs/arch/arm64.conf

export QEMU=$tmp/qemu ACCEL=tcg
check "which has to be there" fails 2 "no /none; run: make deps ALL=1" env ARCH=arm64 CASE=arm "${boot[@]}"
check "no kernel" fails 2 "run: make kernel" "${boot[@]}"
kernels
check "no initramfs" fails 2 "run: make guest" "${boot[@]}"
initramfs
check "no QEMU" fails 2 "run: make deps" env QEMU=none "${boot[@]}"
check "no such case" fails 2 "the cases are: big dies exits good hangs stays twice" env CASE='x*' "${boot[@]}"
check "bad ACCEL" fails 2 "ACCEL=magic" env ACCEL=magic "${boot[@]}"
check "KVM forced where there is none" fails 2 "ACCEL=kvm, but there is no" \
	env ACCEL=kvm KVM_DEV=/nonexistent "${boot[@]}"
check "bad JOBS" fails 2 "JOBS=0" env JOBS=0 "${boot[@]}"
check "bad TIMEOUT_SCALE" fails 2 "TIMEOUT_SCALE=much" env TIMEOUT_SCALE=much "${boot[@]}"
check "no such architecture" fails 2 "unknown ARCH 'vax'" env ARCH=vax "${boot[@]}"
make_case bad memmap_zones 20 64M 'foo = bar'
check "bad case" fails 2 "qemu-configs/bad.conf:6: unknown key 'foo'" "${boot[@]}"
rm qemu-configs/bad.conf

r=results/v5.10.223/default/base
printf '%s\n' '11  init' '22  memmap_zones' '33  memmap_other' '44  test_memmap/test_memmap.ko' >build/v5.10.223/base-default/guest.sums
mkdir -p $r/good
touch $r/good/stale
check "a run" to run.txt env TESTS=other VARIANT=base "${boot[@]}"
check "a line a guest" [ "$(grep -c '^\[ *[0-9]* s\] [1-7]/7 [a-z]* base pass [0-9.]* s' run.txt)" = 7 ]
check "an old result goes" [ ! -e $r/good/stale ]
check "cmd.sh was there before QEMU" grep -qx cmd.sh $r/good/seen
check "meta.json was not" [ "$(grep -c json $r/good/seen)" = 0 ]
check "tests and append arrive" grep -qF "memmap=1M\$4M tests=\"memmap_zones kunit,memremap\"" $r/good/args
check "{out} is expanded" grep -qF "mem-path=out/nv0" $r/good/args
check "{kernel} is what is booted" grep -qxF "file=$(grep -A1 -x -e -kernel $r/good/args | tail -n1),format=raw" $r/good/args
check "{initrd}, too" grep -qxF "file=$(grep -A1 -x -e -initrd $r/good/args | tail -n1),format=raw" $r/good/args
check "no control port without hot-plug" [ "$(grep -c control $r/good/args)" = 0 ]
check "stderr is in host.log" grep -qx noise $r/good/host.log
check "meta.json knows the build" grep -q '"kernel": "k1"' $r/good/meta.json
check "and the sums of what the case runs" [ "$(sed -n '/"sums"/,/}/p' $r/good/meta.json | tr -d ' \n')" = \
	'"sums":{"init":"11","memmap_zones":"22","test_memmap/test_memmap.ko":"44"}' ]
check "status 0" grep -qx 0 $r/good/qemu.exit
check "status 3" grep -qx 3 $r/exits/qemu.exit
check "timeout" grep -qx timeout $r/hangs/qemu.exit
check "the timeout left nobody" bash -c "! ps -o stat= -p \$(tr ' ' , <$r/hangs/pids) | grep -v Z"
check "one QEMU" [ "$(wc -l <$r/good/starts)" = 1 ]
check "boots: until the end of the run" [ "$(wc -l <$r/twice/starts)" = 2 ]
check "boots: result.ktap is kept" [ "$(head -n1 $r/twice/result.ktap)" = "boot 1" ]
check "boots: status 0" grep -qx 0 $r/twice/qemu.exit
check "boots: not after a failure" [ "$(wc -l <$r/dies/starts)" = 1 ]
check "boots: and its status" grep -qx 3 $r/dies/qemu.exit
check "boots: one timeout" grep -qx timeout $r/stays/qemu.exit
check "boots: the timeout left nobody" bash -c "! ps -o stat= -p \$(tr ' ' , <$r/stays/pids) | grep -v Z"
check "too big to start" grep -qx missing $r/big/qemu.exit
check "and says why" grep -q "MiB, the host has" $r/big/host.log

mkdir -p qemu-configs/kernel/flavour
touch qemu-configs/kernel/flavour/default.config
echo "# timeout-scale: 1.5" >qemu-configs/kernel/flavour/slow.config
cp -r build/v5.10.223/base-default build/v5.10.223/base-slow
check "a run of a slow flavour" to run.txt env VARIANT=base CASE=hangs FLAVOUR=slow "${boot[@]}"
check "has more time" grep -qE '"seconds": 1\.[5-9]' results/v5.10.223/slow/base/hangs/meta.json

make_case other memmap_zones 20 64M 'arch = ppc64le'
check "another architecture: no kernel" fails 2 "series-default-ppc64le/vmlinux; run: make kernel .* ARCH=ppc64le" \
	env ARCH=ppc64le VARIANT=series "${boot[@]}"
mkdir -p build/v5.10.223/series-default-ppc64le
touch build/v5.10.223/series-default-ppc64le/{vmlinux,guest.cpio}
check "its cases, and no others" to run.txt env ARCH=ppc64le VARIANT=series "${boot[@]}"
check "one" grep -q '\] 1/1 other series pass' run.txt
check "its results are apart" [ "$(ls results/v5.10.223/default-ppc64le/series)" = other ]
check "its command line" grep -qE '^console=hvc0 .*tests="memmap_zones"' results/v5.10.223/default-ppc64le/series/other/args
check "it is in meta.json" grep -q '"arch": "ppc64le"' results/v5.10.223/default-ppc64le/series/other/meta.json
check "none of the others has changed" bash -c "! grep -rq ppc64le results/v5.10.223/default"
rm qemu-configs/other.conf

touch broken
check "broken is 125" bash -c "VARIANT=base CASE=good python3 scripts boot >out; [ \$? = 125 ]"
rm broken

for signal in TERM KILL; do for name in hangs stays; do
	rm -rf "${r:?}/$name"
	TIMEOUT_SCALE=30 VARIANT=base CASE=$name "${boot[@]}" >out 2>&1 &
	pid=$!
	for _ in {1..100}; do [ ! -s $r/$name/pids ] || break; sleep 0.05; done
	disown
	kill -$signal $pid
	sleep 0.4
	check "SIG$signal takes QEMU of $name along" bash -c "! ps -o stat= -p \$(cut -d' ' -f2 $r/$name/pids) | grep -v Z"
	kill "$(cut -d' ' -f1 $r/$name/pids)" 2>/dev/null || true	# the stand-in's own child
done; done

exit $((failures > 0))
