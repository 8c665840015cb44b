#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prove with a build and guests that are stand-ins: what counts as shown, what
# is named when it is not, and what is done again when something changes.
. "$(dirname "$0")/lib/fake.bash"

mkdir -p "$fr/qemu-configs/arch"
printf 'qemu = none\nappend = x\nimage = bzImage\ncpu-tcg = max\n' >"$fr/qemu-configs/arch/x86_64.conf"
for name in one two; do
	printf '# shows %s\nmachine = q35\nmem = 1G\ntests = t\ntimeout = 9\n' $name >"$fr/qemu-configs/$name.conf"
done
two_patches
sed -i 's/a line twenty$/a line 20, again/' "$b/linux/mm/a.c"
k commit -qam 'mm: change a again'
sed -i 's/b line 5$/b line five/' "$b/linux/mm/b.c"
k commit -qam 'mm: change b'
"$s/series/refresh.sh" >/dev/null
# the stand-ins: a build that fails as $tmp/error says, guests as $tmp/guests does
cat >"$s/kernel/kernel.sh" <<EOF
#!/bin/bash
echo "kernel \$1" >>$tmp/did
[[ ! -f $tmp/error ]] && exit
mkdir -p $b/drop/build-default && cp $tmp/error $b/drop/build-default/build.log
echo 'kernel: does not build' >&2; exit 1
EOF
printf '#!/bin/bash\n' >"$s/kernel/initramfs.sh"
cat >"$s/guests/boot.py" <<EOF
import json
def boot(cases, variants, place):
    [variant] = variants
    for case in cases:
        with open("$tmp/did", "a") as did:
            did.write(f"boot {variant} {case.name}\\n")
        folder = place / variant / case.name
        folder.mkdir(parents=True, exist_ok=True)
        told = dict(line.rsplit(" ", 1) for line in open("$tmp/guests").read().splitlines())
        verdict = told.get(f"{variant} {case.name}", "pass")
        (folder / "verdict.json").write_text(json.dumps({"verdict": verdict, "reason": "why", "failed": ["t.x", "t.y"] if
            verdict == "fail" else [], "tests": [], "seconds": 1, "meta": json.load(open("$b/series-default/build.json"))}))
EOF
chmod +x "$s"/kernel/{kernel.sh,initramfs.sh}
echo 'drop/mm-change-b one fail' >"$tmp/guests"
mkdir -p "$b/series-default" && echo '{"config": "1"}' >"$b/series-default/build.json"
line() { sed -i -E "s@^($1-[^ ]*).*@\1 $2@" "$fr/series/v0.1/series" && "$s/series/tree.sh" >/dev/null; }
proof() { python3 "$s" prove "$@" >"$tmp/out" 2>"$tmp/err" || return $?; }
# want_row RC REGEX [PATCH]: the end of prove, and a line of its table
want_row() {
	local rc=0
	: >"$tmp/did"
	proof "${@:3}" || rc=$?
	((rc == $1)) || bad "prove ended with $rc, not $1: $(cat "$tmp/out" "$tmp/err")"
	grep -q -E -e "$2" "$tmp/out" || bad "no '$2' in: $(cat "$tmp/out" "$tmp/err")"
}

# the lines
rc=0; proof || rc=$?
[[ $rc == 2 && $(grep -c 'says nothing; append' "$tmp/err") == 3 ]] || bad "no claims: $rc $(<"$tmp/err")"
line 0001 '# not shown: no machine of ours has it'
line 0003 '# not shown: x'
line 0004 '# cases: on*'
want 1 "proof is of another series .line '0001 mm-change-a'.; run: make prove" python3 "$s" prove --check
line 0003 '# cases: three'
want 1 "0003-mm-change-a-again.patch: no case matches 'three'" python3 "$s" prove --check
line 0003 '# needed by: mm-change-a'
want 1 "no patch after it is 'mm-change-a'" python3 "$s" prove --check
line 0003 '# not shown: x'
mkdir "$fr/series/v0.1/drop" && touch "$fr/series/v0.1/drop/mm-gone.patch"
want 1 'drop/mm-gone.patch is for no patch of the series' python3 "$s" prove --check
rm -r "$fr/series/v0.1/drop"
sed -i '1i # set: x guards: one three' "$fr/series/v0.1/series"
want 1 "set x: no case is called 'three'" python3 "$s" prove --check
sed -i 1d "$fr/series/v0.1/series"
sed -i 's/test of: mm-change-a/& mm-change-b/' "$fr/series/v0.1/series"
want 1 "0002-mm-add-a-test.patch: no patch before it is 'mm-change-b'" python3 "$s" prove --check
sed -i 's/test of: mm-change-a mm-change-b/test of: mm-change-a/' "$fr/series/v0.1/series"
want 2 "no patch 'nosuch' to drop" python3 "$s" prove nosuch

# shown by a case; done once
want_row 0 '^0004 mm-change-b +one: fail t.x and 1 more +yes$'
grep -q '^0001 mm-change-a +no machine of ours has it +not shown$' -E "$tmp/out" || bad "not shown: $(<"$tmp/out")"
[[ $(paste -sd, "$tmp/did") == 'boot series one,kernel drop/mm-change-b,boot drop/mm-change-b one' ]] || bad "did: $(<"$tmp/did")"
want 0 '' python3 "$s" prove --check
grep -q '1 shown by cases, 0 by the build, 2 not shown, 0 not' "$fr/results/v0.1/prove.txt" || bad 'no prove.txt'
python3 -m json.tool "$fr/results/v0.1/prove.json" >/dev/null || bad 'no prove.json'
want_row 0 '^0004 .* yes$'
[[ ! -s $tmp/did ]] || bad "done again: $(<"$tmp/did")"
# another changelog or group changes nothing; another case does
echo 'group = quick' >>"$fr/qemu-configs/one.conf"
sed -i 's/^Subject: .*again/&, and again/' "$fr/patches/v0.1/0003-mm-change-a-again.patch"
"$s/series/tree.sh" >/dev/null
want_row 0 '^0004 .* yes$'
[[ ! -s $tmp/did ]] || bad "a changelog, a group: done again: $(<"$tmp/did")"
echo 'append = x' >>"$fr/qemu-configs/one.conf"
want_row 0 '^0004 .* yes$'
grep -q 'boot drop/mm-change-b one' "$tmp/did" || bad 'a case that changed was not run again'
echo '{"config": "2"}' >"$b/series-default/build.json"
want_row 0 '^0004 .* yes$'
grep -q 'boot drop/mm-change-b one' "$tmp/did" || bad 'another configuration, and it was not run again'
mkdir -p "$fr/selftests/module" && echo 1 >"$fr/selftests/module/main.c"
want_row 0 '^0004 .* yes$'
[[ -s $tmp/did ]] || bad 'another module, and it was not run again'
echo '# x' >>"$s/guests/hotplug.py"
want_row 0 '^0004 .* yes$'
[[ -s $tmp/did ]] || bad "another host's side of hot-plug, and it was not run again"
printf '1  t\n' >"$b/series-default/guest.sums"
want_row 0 '^0004 .* yes$'
[[ -s $tmp/did ]] || bad 'another test program, and it was not run again'
echo '# x' >>"$s/guests/judge.py"
want_row 0 '^0004 .* yes$'
[[ ! -s $tmp/did ]] || bad 'another judge, and it was run again'
FORCE=1 want_row 0 '^0004 .* yes$'
[[ -s $tmp/did ]] || bad 'FORCE=1 did nothing'

# a case that stays green, dies, times out, can't be judged
line 0004 '# cases: one two'
want_row 1 '^0004 .* NO: not red: two$'
echo 'drop/mm-change-b two lost' >>"$tmp/guests"
FORCE=1 want_row 0 'two: lost why'
sed -i 's/two lost/two timeout/' "$tmp/guests"
FORCE=1 want_row 1 'two: timeout why'
sed -i 's/two timeout/two broken/' "$tmp/guests"
FORCE=1 want 125 '^prove: two: broken: why$' python3 "$s" prove
rm -r "$fr/results"
echo 'series two fail' >>"$tmp/guests"
want 125 'the series does not pass two; run: make CASE=' python3 "$s" prove
line 0004 '# cases: one'

# needed to apply, and to build
line 0001 '# needed by: mm-change-a-again'
want_row 0 '^0001 mm-change-a +does not apply: mm-change-a-again \(mm/a.c\) +yes, to build$' 0001
line 0001 '# needed by: mm-change-b'
want_row 1 'NO: that is not about' 0001
line 0001 '# cases: one'
want_row 1 'NO: write the drop as a' 0001
line 0003 '# needed by: mm-change-b'
want_row 1 '^0003 mm-change-a-again +builds +NO: mm-change-b builds' 0003
echo "$b/drop/linux/mm/b.c:5:1: error: implicit declaration of function ‘f’" >"$tmp/error"
FORCE=1 want_row 0 '^0003 mm-change-a-again +does not build: mm/b.c:5:1: error: .* yes, to build$' 0003
echo "mm/c.c:5:1: error: implicit declaration of function ‘f’" >"$tmp/error"
FORCE=1 want_row 1 'NO: that is not about' 0003
FORCE=1 want_row 1 'NO: does not build without' 0004
end
