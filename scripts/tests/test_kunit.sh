#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kunit.sh with a kunit.py, a QEMU and guests that are stand-ins: what it runs and how that is read.
. "$(dirname "$0")/lib/fake.bash"

series=$b/linux base=$b/linux-base
mkdir -p {"$series","$base"}/tools/testing/kunit "$fr/qemu-configs/arch" "$fr/kunit/v0"
touch "$fr/kunit/v0/kunitconfig"
printf 'qemu = none\n' >"$fr/qemu-configs/arch/x86_64.conf"
# QEMU tells what it was asked for; kunit.py fails where there is a file that says so
printf '#!/bin/bash\necho "qemu: $*"\n' >"$tmp/bin/qemu-system-x86_64"
chmod +x "$tmp/bin/qemu-system-x86_64"
export PATH=$tmp/bin:$PATH ACCEL=tcg VARIANT='base series'
cat >"$tmp/kunit.py" <<EOF2
import os, subprocess, sys     # has --qemu_args
print("kunit.py:", *sys.argv[1:], flush=True)
subprocess.run(["qemu-system-x86_64", "-accel", "kvm", "-accel", "tcg", "-m", "1G"], check=True)
sys.exit(os.path.exists("$tmp/fails-" + os.path.basename(os.getcwd())))
EOF2
cp "$tmp/kunit.py" "$series/tools/testing/kunit" && cp "$tmp/kunit.py" "$base/tools/testing/kunit"
kunit() { want "$1" "$2" "$s/guests/kunit.sh"; }

touch "$tmp/fails-linux-base"
kunit 0 ''
grep -q "^kunit.py: run .*--kunitconfig=$fr/kunit/v0/kunitconfig --build_dir=$b/kunit-series .* memremap$" "$tmp/out" || bad "$(<"$tmp/out")"
grep -qx 'qemu: -accel tcg -m 1G' "$tmp/out" || bad "QEMU is asked for KVM: $(<"$tmp/out")"
grep -q "kunit.py' 'run'" "$b/kunit-series/kunit.cmd" || bad 'the command is not kept'
touch "$tmp/fails-linux"
kunit 1 ''
rm "$tmp"/fails-*
kunit 1 '^kunit: base passes, and should fail$'
VARIANT=series kunit 0 ''

# a kunit.py that can't run QEMU reads what a guest said
sed -i 's/ *# has .*//; /subprocess.run/d' "$series/tools/testing/kunit/kunit.py"
printf '# shows a\nmachine = q35\nmem = 1G\ntests = t\ntimeout = 9\n' >"$fr/qemu-configs/kunit.conf"
cat >"$s/guests/boot.py" <<EOF2
from settings import get
def main():
    for variant in get().variants:
        folder = get().place / variant / "kunit"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "verdict.json").write_text(' "verdict": "pass"\n')
    return 0
EOF2
export VARIANT=series
kunit 0 ''
grep -q "^kunit.py: parse $fr/results/v0.1/default/series/kunit/result.ktap$" "$tmp/out" || bad "$(<"$tmp/out")"
touch "$tmp/fails-root"
cd "$fr"
kunit 125 "^kunit: series: kunit.py says fail, the judge says pass: see $fr/results/"
end
