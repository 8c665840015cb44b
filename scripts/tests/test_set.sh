#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Sets of patches: which are in one, alone and with what it needs, on a tree of their own.
. "$(dirname "$0")/lib/fake.bash"

four_patches
d=$b/set/linux
cat >"$fr/series/v0.1/series" <<'EOF'
# set: one
0001-mm-change-a.patch  # cases: y x
0002-mm-add-a-test.patch  # test of: mm-change-a
# set: other
0003-mm-change-b.patch  # not shown: why
# set: third needs: one guards: w z
0004-mm-change-a-again.patch  # cases: x z
EOF
"$s/series/tree.sh" >/dev/null

want 0 '' python3 "$s" series sets
[[ $(paste -sd ' ' "$tmp/out") == 'one other third' ]] || bad "names: $(<"$tmp/out")"
want 0 '' python3 "$s" series cases one
[[ $(paste -sd ' ' "$tmp/out") == 'x y' ]] || bad "cases: $(<"$tmp/out")"
want 0 '' python3 "$s" series cases other
[[ -z $(<"$tmp/out") ]] || bad "cases: $(<"$tmp/out")"
want 0 '' python3 "$s" series cases third
[[ $(paste -sd ' ' "$tmp/out") == 'w x z' ]] || bad "guards: $(<"$tmp/out")"
want 2 "no set 'nix' in series/v0.1/series; sets: one other third" "$s/series/set.sh" nix
want 2 "no set ''" "$s/series/set.sh"

want 0 '' "$s/series/set.sh" one
grep -q twenty "$d/mm/a.c" || bad 'not the set'
grep -q 'b line 5$' "$d/mm/b.c" || bad 'another set, too'
[[ -f $d/mm/t.c ]] || bad 'not all of the set'
want 0 '' "$s/series/set.sh" set/other
[[ $(grep -c 'a line 20$' "$d/mm/a.c") == 1 && $(grep -c five "$d/mm/b.c") == 1 ]] || bad 'not the other set alone'
want 0 '' "$s/series/set.sh" third
[[ $(grep -c 'line 20, again' "$d/mm/a.c") == 1 && $(grep -c 'b line 5$' "$d/mm/b.c") == 1 ]] || bad 'not the third set with what it needs'
want 0 '' "$s/series/set.sh" --check third
[[ $(<"$tmp/out") == "$(git -C "$d" rev-parse HEAD)" && $(<"$tmp/out") == "$(k rev-parse refs/sets/third)" ]] || bad 'not the same commit'
[[ $(k rev-parse series) == "$(k rev-parse refs/made/series)" && -z $(k status --porcelain) ]] || bad 'the series was changed'

# while another run is there, it says so, but not where the commit is printed
exec 8>"$b/.lock"
flock 8
(sleep 1; flock -u 8) &
want 0 'waiting for another run' "$s/series/set.sh" --check third
[[ $(<"$tmp/out") == "$(k rev-parse refs/sets/third)" ]] || bad "waiting: $(<"$tmp/out")"
wait
exec 8>&-

# it does not stand on the tag
sed -i 's/ needs: one//' "$fr/series/v0.1/series"
"$s/series/tree.sh" >/dev/null
want 1 'set third does not apply to v0.1: 0001 mm: change a again: ' "$s/series/set.sh" third
grep -q 'line 20, again' "$d/mm/a.c" || bad 'a set that failed changed the tree'
end
