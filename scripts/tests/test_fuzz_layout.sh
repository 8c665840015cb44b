#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests fuzz-layout: what the layouts are, and, with a QEMU and a kernel that are
# stand-ins, what becomes of those that are right, wrong, or neither.
#
# usage: scripts/tests/test_fuzz_layout.sh

# shellcheck disable=SC2317 # check() runs has()

. "$(dirname "$0")/lib/guest.bash"

unset SEED ONLY MINUTES
cp "$root"/qemu-configs/splat.* qemu-configs/
fuzz=(python3 scripts fuzz-layout)
has() { grep -qE -- "$1" "${2:-out}"; }

# the layouts
cat >look.py <<'E2'
import re
import sys
from pathlib import Path
sys.path.insert(0, "scripts")
from guests.case import load
from guests.machine import size
from guests.fuzz_layout import ACPI, KEEP, LEAST, PAGE, Layout
seen = {"numa": set(), "mem=": 0, "$0x0": 0, "!": 0, "pc-dimm": 0, "nvdimm,": 0, "kernelcore": 0, "numa=off": 0}
for number in range(1, 601):
    layout = Layout("a.b", number)
    Path("one.conf").write_text(layout.text())
    case = load("one.conf")
    words, devices = " ".join(case.append).split(), " ".join(case.devices)
    nodes = [size(s) for s in re.findall(r"id=ram\d,size=(\w+)", devices)]
    assert not nodes or sum(nodes) == size(case.mem.split(",")[0]), number
    assert all(n % PAGE == 0 for n in nodes) and size(case.mem.split(",")[0]) % (2 * PAGE) == 0, number
    assert LEAST <= layout.pages and (layout.cut or LEAST) >= LEAST, number
    for word in words:
        if found := re.fullmatch(r"memmap=\w+[$!](0x\w+)", word):
            start = int(found[1], 16)
            assert start == 0 or KEEP * PAGE <= start < layout.top * PAGE and start % PAGE == 0, (number, word)
    assert not ("pc-dimm" in devices and re.search("mem=|numa=off|kernelcore", " ".join(words[1:]).replace("memmap=", ""))), number
    seen["numa"].add(len(nodes))
    for key in list(seen)[1:]:
        seen[key] += f" {key}" in " ".join(words) or (key[0] in "$!pn" and key in layout.text())
assert seen["numa"] == {0, 2, 4} and all(list(seen.values())[1:]), seen
E2
check "600 layouts are good cases, with all that there is" python3 look.py
DRY=1 SEED=7 "${fuzz[@]}" 40 >first
PYTHONHASHSEED=1 DRY=1 SEED=7 "${fuzz[@]}" 40 >second
check "the same seed is the same layouts" cmp first second
check "another is others" bash -c "! DRY=1 SEED=8 ${fuzz[*]} 40 | cmp -s - first"
DRY=1 SEED=7 ONLY='12 3' "${fuzz[@]}" 1 >some
check "ONLY are those" [ "$(grep -A1 '^# layout-7-12.conf' first | tail -n1)$(grep -c '^machine' some)" = "# layout 12 of seed 72" ]
third='/^# layout-7-3.conf/,/^timeout/p'
check "and what they are" cmp <(sed -n "$third" first) <(sed -n "$third" some)
check "DRY leaves nothing" [ ! -e results ]

# bad input
check "no N" fails 2 "fuzz-layout: N=0 is not a number of layouts" "${fuzz[@]}" 0
check "a seed that is no word" fails 2 "SEED=a/b is not a word" env SEED=a/b "${fuzz[@]}" 1
check "a bad ONLY" fails 2 "ONLY=0 is not numbers of layouts" env ONLY=0 "${fuzz[@]}" 1
check "bad MINUTES" fails 2 "MINUTES=soon is not a number of minutes" env MINUTES=soon "${fuzz[@]}" 1
check "another architecture" fails 2 "ARCH=ppc64le" env ARCH=ppc64le "${fuzz[@]}" 1

# runs: wrong is what is named in odd, with what it does
cat >qemu <<E2
#!/bin/bash
[[ \$* != *--version* ]] || { echo "QEMU emulator version 0.0"; exit; }
what=\$(sed -n "s/^\$(basename "\$PWD") //p" $tmp/odd)
printf '[    0.000000] %s\n' 'Linux version 5' 'init: start' 'init: a word' >console.log
printf 'TAP version 14\n1..1\n    # Subtest: memmap_zones\n    1..1\n' >result.ktap
case \$what in
die) exit 1 ;;
fail) printf '    # why it is so\n    not ok 1 - zone_spans\nnot ok 1 - memmap_zones\n' ;;
*) printf '    ok 1 - zone_spans\nok 1 - memmap_zones\n' ;;
esac >>result.ktap
echo '# end of run' >>result.ktap
echo '[    0.100000] init: end of run' >>console.log
E2
chmod +x qemu
export QEMU=$tmp/qemu ACCEL=tcg JOBS=2 VARIANT=series
: >odd
check "no kernel" fails 2 "run: make kernel" "${fuzz[@]}" 1
kernels
check "no initramfs" fails 2 "run: make guest" "${fuzz[@]}" 1
initramfs
ran() {	# exit code, arguments of env...; stdout in out
	local want=$1 code=0
	shift
	env "$@" >out 2>err || code=$?
	[ "$code" = "$want" ] || { cat out err; false; }
}
check "none is wrong: 0" ran 0 "${fuzz[@]}" 3
check "it says so" has '^3 layouts, 0 wrong$'
check "a line a guest" [ "$(grep -cE '^\[ *[0-9]+ s\] [1-3]/3 layout-1-[1-3] series pass' out)" = 3 ]
check "and keeps nothing" [ -z "$(ls results/fuzz)" ]
echo "layout-1-2 fail" >odd
check "one is wrong: 1" ran 1 "${fuzz[@]}" 3
check "which" has '^3 layouts, 1 wrong: 2; in .*/results/fuzz/1$'
check "what fails" has '^layout-1-2 series: fail memmap_zones.zone_spans$'
check "how to repeat it" has '^    again:  make fuzz-layout SEED=1 ONLY=2$'
check "its case and its result are kept, and no other" [ "$(cd results/fuzz/1 && echo * v*/*/*/*)" = \
	"layout-1-2.conf v5.10.223 v5.10.223/default/series/layout-1-2" ]
check "its cmd.sh, too" [ -x results/fuzz/1/v5.10.223/default/series/layout-1-2/cmd.sh ]
check "base says VARIANT" ran 1 VARIANT=base "${fuzz[@]}" 2
check "how" has 'again:  make fuzz-layout SEED=1 ONLY=2 VARIANT=base$'
echo "layout-1-3 die" >odd
check "who died is not judged: 125" ran 125 "${fuzz[@]}" 3
check "and is told of" has '^layout-1-3 series: lost$'
check "in the end, too" has '^3 layouts, 0 wrong, 1 not judged; in '
printf '%s\n' "layout-1-3 die" "layout-1-1 fail" >odd
check "wrong is worse: 1" ran 1 "${fuzz[@]}" 3
check "both are told of" has '^3 layouts, 1 wrong, 1 not judged: 1; in '
: >odd
check "the time is over: 125" ran 125 JOBS=1 MINUTES=0 "${fuzz[@]}" 3
check "what has not run is no pass" has '^3 layouts, 0 wrong, 2 not judged$'

# and by make
cp "$root/Makefile" .
make_case one memmap_zones 20 64M
mkdir -p scripts/kernel
for stage in deps series/source series/tree kernel/kernel kernel/initramfs; do
	printf '#!/bin/sh\n' >scripts/$stage.sh
	chmod +x scripts/$stage.sh
done
echo "layout-x-2 fail" >odd
check "make: the variant is series, and SEED and N arrive" ran 2 make -s fuzz-layout N=2 SEED=x
check "make says which" has '^2 layouts, 1 wrong: 2; in '
check "make: the command that repeats it" ran 2 make -s fuzz-layout SEED=x ONLY=2
check "does" has '^1 layouts, 1 wrong: 2; in '
check "make: 50 of them" ran 0 make -s fuzz-layout DRY=1
check "as it says" [ "$(grep -c ^machine out)" = 50 ]

exit $((failures > 0))
