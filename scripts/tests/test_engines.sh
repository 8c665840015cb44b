#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# one and export, with kernels and a QEMU that are stand-ins: what an engine sees of a guest, and
# the files that tell it what to run.
. "$(dirname "$0")/lib/guest.bash"

make_case one memmap_zones 20 64M
make_case two hang 1 64M
export QEMU=$tmp/qemu ACCEL=tcg
cp "$root"/qemu-configs/splat.* qemu-configs
cat >qemu <<'E2'
#!/bin/bash
case "$*" in *--version*) echo "QEMU emulator version 0.0"; exit ;; *hang*) sleep 61.8 & echo $! >pid; wait ;; esac
printf '%s\n' 'TAP version 14' '1..1' '    # Subtest: memmap_zones' '    1..2' '    not ok 1 - a' '    ok 2 - b # SKIP it is not allowed to' \
	'not ok 1 - memmap_zones' '# end of run' >result.ktap
printf '[    0.00000%s\n' '0] Linux version 5.10' '1] Run /init as init process' '2] init: start' '3] init: end of run' \
	'4] reboot: Power down' | tee console.log
printf 'no end of line'
E2
chmod +x qemu
check "export: no kernel" fails 2 "run: make kernel" python3 scripts export lava
kernels
initramfs
check "one: two variants" fails 2 "say CASE=<one> VARIANT=<one>" env CASE=one python3 scripts one
check "one: two cases" fails 2 "say CASE=<one> VARIANT=<one>" env VARIANT=base python3 scripts one
check "one guest" to said env CASE=one VARIANT=base python3 scripts one -kernel x
check "its console" grep -q 'init: end of run$' said
check "its tests on lines of their own" [ "$(grep '^result ' said | tr '\n' ,)" = 'result memmap_zones.a fail,result memmap_zones.b fail,result verdict fail,' ]
check "and then the end" [ "$(tail -n1 said)" = 'end of guest' ]
check "the result is stored" [ -s results/v5.10.223/default/base/one/verdict.json ]
check "one that hangs" to said env CASE=two VARIANT=series python3 scripts one
check "is a timeout" grep -qx 'result verdict timeout' said
check "and leaves no process" [ -z "$(ps -o stat= -p "$(cat results/v5.10.223/default/series/two/pid)" | grep -v '^Z')" ]

check "export: no such engine" fails 2 "ENGINE=cron is not one of: lava" python3 scripts export cron
check "export" to said env TIMEOUT_SCALE=3 python3 scripts export lava
lava=build/lava-v5.10.223-default
check "two files a guest, and two for a server" [ "$(find $lava -type f | wc -l)" = 10 ]
check "device and job" python3 - "$lava" <<'E2'
import json, re, sys
name = sys.argv[1] + "/series-one."
device, job = (json.load(open(name + what + ".yaml")) for what in ("device", "job"))
qemu = device["actions"]["boot"]["methods"]["qemu"]["parameters"]
assert qemu["command"] == "env" and {"VARIANT=series", "CASE=one", "PIN=v5.10.223"} < set(qemu["options"]), qemu
assert qemu["options"][-1] == "one", qemu
monitor = job["actions"][2]["test"]["monitors"][0]
text = "console\nresult verdict lostandfound\nresult a.b fail\r\nresult verdict lost\nresult un"
found = [(m["test_case_id"], monitor["fixupdict"][m["result"]]) for m in re.finditer(monitor["pattern"], text)]
assert found == [("a.b", "fail"), ("verdict", "fail")], found
assert job["timeouts"]["job"] == {"seconds": 120}, job
assert "TIMEOUT_SCALE=3" in qemu["options"], qemu
E2
# what the server renders for a job is the device of that guest
sed 's/{% for .* endfor %}/"VARIANT=series", "CASE=one", /' $lava/memmap.jinja2 | python3 -m json.tool --sort-keys >rendered
check "the device type gives the same" cmp rendered <(python3 -m json.tool --sort-keys $lava/series-one.device.yaml)
check "and is valid without a job" to said python3 -m json.tool <(sed 's/{% for .* endfor %}//' $lava/memmap.jinja2)
check "of what the job says" grep -q '"VARIANT=series",' $lava/series-one.job.yaml
exit $((failures > 0))
