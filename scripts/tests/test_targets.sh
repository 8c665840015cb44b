#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make list, quick, full, boot, replay and flaky, with a build and a QEMU that are
# stand-ins; the judge and the table are ours.
#
# usage: scripts/tests/test_targets.sh

# shellcheck disable=SC2317 # check() runs has()

. "$(dirname "$0")/lib/guest.bash"

cp "$root/Makefile" .
cp "$root"/qemu-configs/splat.* qemu-configs/
mkdir -p scripts/kernel
for stage in deps series/source series/tree kernel/kernel kernel/initramfs; do
	printf '#!/bin/sh\n' >scripts/$stage.sh
	chmod +x scripts/$stage.sh
done
make_case fast t 20 64M 'group = quick' 'base_fails = t.spans'
make_case slow t 20 64M 'base_fails = t.spans'
kernels
initramfs

# a guest whose only test fails on base, unless odd has a line "VARIANT CASE RUN WHAT"
cat >qemu <<E2
#!/bin/bash
[[ \$* != *--version* ]] || { echo "QEMU emulator version 0.0"; exit; }
name=\$(basename "\$PWD") v=\$(basename "\$(dirname "\$PWD")")
echo >>$tmp/ran-\$v-\$name
what=\$(sed -n "s/^\$v \$name \$(wc -l <$tmp/ran-\$v-\$name) //p" $tmp/odd)
[[ -n \$what || \$v != base ]] || what=fail
printf '[    0.000000] %s\n' 'Linux version 5' 'init: start' 'init: a word' >console.log
printf 'TAP version 14\n1..1\n    # Subtest: t\n    1..1\n' >result.ktap
case \$what in
die) exit 1 ;;
wait) echo \$\$ >$tmp/pid; exec sleep 61.3 ;;
fail) printf '    # why it is so\n    not ok 1 - spans\nnot ok 1 - t\n' ;;
*) printf '    ok 1 - spans\nok 1 - t\n' ;;
esac >>result.ktap
echo '# end of run' >>result.ktap
echo '[    0.100000] init: end of run' >>console.log
E2
chmod +x qemu
export QEMU=$tmp/qemu ACCEL=tcg JOBS=2
has() { grep -qE -- "$1" "${2:-out}"; }
again() { rm -f ran-*; printf '%s\n' "$@" >odd; }	# forget the runs so far; what is odd from now on
run() {	# what, exit code of make, arguments...; stdout in out, stderr in err
	local what=$1 want=$2 code=0
	shift 2
	make -s "$@" >out 2>err || code=$?
	check "$what: exit code" [ $code = "$want" ]
	[ $code = "$want" ] || cat out err
}

# FORCE=1 is for the tree when it is asked for, and for nobody's commits otherwise
printf '%s\n' '#!/bin/sh' "echo tree: \$FORCE" >scripts/series/tree.sh
run "tree FORCE=1" 0 tree FORCE=1
check "it gets it" [ "$(<out)" = "tree: 1" ]
run "kernel FORCE=1" 0 kernel FORCE=1
check "there the tree does not" [ "$(<out)" = "tree:" ]
printf '#!/bin/sh\n' >scripts/series/tree.sh

again
run list 0 list
check "list" [ "$(<out)" = "fast  quick  stands in
slow         stands in" ]
run "list of a group" 0 list CASE=@quick
check "list of a group" [ "$(<out)" = "fast  quick  stands in" ]
run quick 0 quick
check "quick is the group" has '^1 rows as expected, 0 not'
check "and no other ran" [ ! -e ran-base-slow ]
CASE=fast run full 0 full
check "full is all, whatever the environment says" has '^2 rows as expected, 0 not'
again
run "quick with CASE" 0 quick CASE=slow
check "CASE overrules" [ "$(ls ran-*)" = "ran-base-slow
ran-series-slow" ]
run "no such group" 2 quick CASE=@slow
check "no such group" has "no case matches '@slow'; the cases are: fast slow" err

again 'series fast 1 fail'
run "boot, not as expected" 2 boot CASE='f* s*'
check "boot says which" has '^fast: series: fail t.spans$'
check "boot shows what matters" has '^    not ok t.spans$'
check "and how to repeat it" has '^    again:  make boot CASE=fast VARIANT=series$'
check "of the one row" [ "$(grep -c again: out)" = 1 ]
again
run "boot, as expected" 0 boot
check "has nothing to add" [ "$(tail -n1 out | cut -c1-2)" = "[ " ]

# every pin: the table of each, then one of all, of the cases that pins with a single set have
mkdir series/v6.1.9
printf '%s\n' 'tag = v6.1.9' 'short = v6.1' 'cases = fast' 'carries = one of another' >series/v6.1.9/base
cp -r build/v5.10.223 build/v6.1.9
cp -r "$root/scripts/report" scripts
again
run "all pins" 0 PIN=all
check "each has its table" [ "$(grep -c '^1 rows as expected, 0 not' out)" = 2 ]
check "and a name" [ "$(grep '^== ' out | paste -sd ' ')" = "== v5.10.223 == v6.1.9" ]
check "one of all" [ "$(grep -A1 '^case  v5.10.223  ' out | tail -n1)" = "fast  fail 1 > pass  fail 1 > pass" ]
check "a line a pin" has '^v6.1.9: the tag fails 1 of 1 cases; 1 as expected$'
again 'series fast 2 fail'
run "all pins, one not as expected" 2 PIN=all
check "which" has '^fast  fail 1 > pass  NO: fail 1 > fail$'
run "all pins, a case of one" 0 PIN=all CASE=slow
check "the other has no table" [ "$(grep -c '^== ' out)" = 1 ]
check "nor a column" has '^case  v5.10.223$'
rm results/v5.10.223/default/series/slow/verdict.json
run "a result is missing" 2 PIN=all CASE=slow compare
check "by name" has '^v5.10.223: the tag fails 0 of 0 cases; 1 to run: make CASE='
check "in the table, too" has '^slow  missing$'
code=0
CASE=slow python3 scripts pins >out || code=$?
check "its code" [ $code = 125 ]
run "no case of any pin" 2 PIN=all CASE=none
check "no case of any pin" has "pins: no case of any pin matches 'none'" err
run "another target" 0 PIN=all source
check "is for each, too" [ "$(grep -c '^== ' out)" = 2 ]
rm -r series/v6.1.9 build/v6.1.9 results/v6.1.9

# rebase ends in the table of the new pin, if there is one
cat >scripts/series/rebase.sh <<'EOF'
#!/bin/bash
[[ $1 != v6.1.8 ]] || exit 1
cp -r build/v5.10.223 "build/$1"
mkdir "series/$1"
printf '%s\n' "tag = $1" 'short = v6.1' 'cases = fast' >"series/$1/base"
EOF
chmod +x scripts/series/rebase.sh
again
run "rebase stops at a conflict" 2 rebase TO=v6.1.8
check "without a table" [ ! -e ran-base-fast ]
run "rebase without a table" 0 rebase TO=v6.1.9 TABLE=0
check "TABLE=0" [ ! -e results/v6.1.9 ]
rm -r series/v6.1.9 build/v6.1.9
# what is meant for the rebase is not for the table
run "rebase" 0 rebase TO=v6.1.9 FORCE=1 VARIANT=base
check "the table" has '^1 rows as expected, 0 not'
check "is the new pin's" has '^v6.1.9 default: base x series'
rm -r series/v6.1.9 build/v6.1.9 results/v6.1.9 scripts/series/rebase.sh
again
run "boot again" 0 boot

# replay
stored=results/v5.10.223/default
digest() { (cd "$1" && find . -type f -exec sha256sum {} + | sort); }
for v in base series; do digest $stored/$v/fast >$v.was; done
run "replay" 0 replay RESULT=$stored/series/fast
check "both verdicts" [ "$(grep -cE '^(stored|now) +pass +[0-9.]+ s  1 passed$' out)" = 2 ]
check "are the same" [ "$(tail -n1 out)" = "the same" ]
check "a place of its own" grep -q '"variant": "series"' results/replay/1/v5.10.223/default/series/fast/verdict.json
run "replay a failure" 2 replay RESULT="$tmp/$stored/base/fast/"
check "exit code by verdict" has 'Error 1$' err
check "is the same failure" [ "$(tail -n1 out)" = "the same" ]
again 'base fast 1 pass' 'base fast 2 die'
echo '{"kernel": "k2"}' >build/v5.10.223/base-default/build.json
run "replay differs" 0 replay RESULT=$stored/base/fast
check "and it says how" has '^fail then, pass now; fails no longer: t.spans$'
check "another kernel" has '^another kernel: k1 then, k2 now$'
initramfs
run "replay of what dies" 2 replay RESULT=$stored/base/fast
check "and it says of what" has '^now +lost .* QEMU exited 1'
for v in base series; do check "the stored result stays" [ "$(digest $stored/$v/fast)" = "$(<$v.was)" ]; done
check "one folder each" [ "$(ls results/replay)" = "1
2
3
4" ]
cp -r $stored/series/fast half
rm half/{verdict,meta}.json half/qemu.exit
run "replay of half a result" 0 replay RESULT=half
check "says what it lacks" has '^stored  missing .* no verdict.json'
check "without RESULT" fails 2 'replay: RESULT= wants the folder of a result' python3 scripts replay ''
check "no result" fails 2 'no cmd.sh in nowhere; RESULT= wants' python3 scripts replay nowhere
printf '#!/bin/sh\n' >half/cmd.sh
check "not our cmd.sh" fails 2 "half/cmd.sh was not written by make boot" python3 scripts replay half
rm build/v5.10.223/series-default/guest.cpio
check "no kernel any more" fails 2 "guest.cpio, which .* run: make guest PIN=v5.10.223 VARIANT=series" \
	python3 scripts replay $stored/series/fast
check "these leave nothing" [ ! -e results/replay/6 ]

# flaky
initramfs
again
run "flaky, as it should be" 0 flaky N=3
check "each repetition, and the time to go" [ "$(grep -cE 'flaky: [1-3]/3 4 of 4 as expected(, [0-9]+ s to go)?$' out)" = 3 ]
check "rates" has '^fast  3/3   3/3$'
check "12 verdicts" has '^12 verdicts as expected, 0 not$'
check "keeps nothing" [ -z "$(ls results/flaky)" ]
again 'series fast 2 fail' 'base slow 2 pass' 'base slow 3 die'
run "flaky, and not as it should be" 2 flaky N=3
check "rate of fast" has '^fast  3/3   2/3$'
check "rate of slow" has '^slow  1/3   3/3$'
check "a reason" has '^    1 x series: fail t.spans$'
check "another" has '^    1 x base did not fail t.spans$'
check "a third" has '^    1 x base: lost .QEMU exited 1'
check "the lines that matter" has '^    not ok t.spans$'
check "keeps these alone" [ "$(cd results/flaky/1 && echo */v*/*/*/*)" = \
	"2/v5.10.223/default/base/slow 2/v5.10.223/default/series/fast 3/v5.10.223/default/base/slow" ]
check "other results stay" [ "$(digest $stored/series/fast)" = "$(<series.was)" ]
again
run "flaky of one" 0 flaky N=1 CASE=@quick VARIANT=series
check "flaky of one" has '^1 verdicts as expected'
check "no N" fails 2 'flaky: N=many is not a number of repetitions' python3 scripts flaky many
check "no case" fails 2 "flaky: no case matches 'x'" env CASE=x python3 scripts flaky 2
rm build/v5.10.223/base-default/guest.cpio
check "no guest" fails 2 'flaky: no .*guest.cpio; run: make guest' python3 scripts flaky 2
initramfs
for signal in TERM KILL; do
	again 'series fast 1 wait'
	rm -f pid
	CASE=fast python3 scripts flaky 2 >out 2>&1 &
	flaky=$!
	for _ in {1..100}; do [ ! -s pid ] || break; sleep 0.05; done
	disown
	kill -$signal $flaky
	for _ in {1..40}; do [[ $(ps -o stat= -p "$(<pid)") == [^Z]* ]] || break; sleep 0.05; done
	check "SIG$signal takes QEMU along" bash -c "! ps -o stat= -p $(<pid) | grep -v Z"
done
check "an interrupted one is nothing" [ ! -e results/flaky/2/1/v5.10.223/default/series/fast/verdict.json ]

exit $((failures > 0))
