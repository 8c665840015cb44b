#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The tests of the project itself, one line each; nothing is built or booted.
#
# Every executable in scripts/tests/ is one test (exit code 0 pass, 77 skip),
# and so are the checks of scripts and series listed below. The log of a test
# that fails is shown. The last line counts them.
#
# Exit codes: 0 all pass, 1 not.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

# check NAME COMMAND...
check() {
	local name=$1 start=$EPOCHREALTIME status=0 verdict
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) verdict=pass; ((++passed)) ;;
	77) verdict=skip; ((++skipped)) ;;
	*) verdict=FAIL; ((++failed)) ;;
	esac
	printf '%-5s %-28s %6.1f s\n' "$verdict" "$name" "$(bc <<<"$EPOCHREALTIME - $start")"
	[[ $verdict == pass ]] || tail -n 20 "$log" | sed 's/^/      /'
}

# every file that can hold a comment says what its licence is
spdx() {
	local file files bad=0
	files=$(g -C "$root" ls-files -co --exclude-standard) && [[ -n $files ]] || return
	while read -r file; do
		case $file in
		LICENSE | *.patch | series/*/series | series/*/cover-letter | series/*/cover/* | series/*/proof | series/*/hunks | scripts/tests/*/*) continue ;;
		esac
		head -n 3 "$root/$file" | grep -q SPDX-License-Identifier && continue
		echo "$file: no SPDX line"
		bad=1
	done <<<"$files"
	return $bad
}

# the patches are for somebody who has nothing else from here
bare_am() (
	dir=$(mktemp -d -p "$build_d" am.XXXXXX)
	trap 'g -C "$tree" worktree remove --force "$dir"' EXIT
	cd "$patches_d" && on_tag "$dir" ./*.patch && diff <(g -C "$dir" rev-parse 'HEAD^{tree}') <(g -C "$tree" rev-parse 'series^{tree}')
)

# each set applies to the tag, with those that it needs; one of several patches has a cover letter
sets() {
	local set file bad=0
	while read -r set; do
		"$root/scripts/set.sh" --check "$set" || bad=1
		[[ $(set_lines "$set" | wc -l) == 1 || -s $series_d/cover/$set ]] || { echo "set $set: no series/$PIN/cover/$set"; bad=1; }
	done < <(set_names)
	for file in "$series_d"/cover/*; do
		[[ ! -f $file || $(set_lines "${file##*/}" | wc -l) -gt 1 ]] || { echo "$file is of no set"; bad=1; }
	done
	return $bad
}

mapfile -t shell < <(cd "$root" && grep -lE '^#!/bin/(ba)?sh' scripts/*.sh scripts/tests/*.sh .ci/*)
cd "$root"
check shellcheck shellcheck -x "${shell[@]}"
check spdx spdx
for pin in $(known_pins); do
	check "series-$pin" env PIN="$pin" "$root/scripts/check-series.sh"
	check "changelogs-$pin" env PIN="$pin" "$root/scripts/changelogs.py"
done
check audit "$root/scripts/audit.py"
check proof-of-each-patch "$root/scripts/prove.py" --check
check checkpatch "$root/scripts/checkpatch.sh"
check quilt-and-git-am "$root/scripts/tree.sh" --check
check git-am-on-bare-tag bare_am
check sets sets
for test in "$root"/scripts/tests/*; do
	[[ -f $test && -x $test ]] && check "${test##*/}" "$test"
done
[[ $skipped == 0 ]] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
