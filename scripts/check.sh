#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The checks of the project, one more at a time than there are CPUs; nothing is booted.
#
#   check.sh                     all
#   check.sh --scripts [TEST]    only what needs no kernel source; only this test
#
# Every file scripts/tests/test_* is a test (exit code 0 pass, 77 skip), and so are the
# checks of scripts and series listed below. The log of one that fails is shown. The last
# line counts them.
#
# Exit codes: 0 all pass, 1 not, 2 bad input.

set -euo pipefail
# what a pipeline wants of guests and mails is nothing to the tests: they choose their own
unset VARIANT FLAVOUR ARCH CASE ACCEL RESULTS DRY FORCE SET SIZE APPEND SEED ONLY MINUTES
unset VERSION RFC RESEND TRAILERS FLAVOURS TREES
. "$(dirname "${BASH_SOURCE[0]}")/series/git.sh"

scripts='' only=''
if [[ ${1:-} == --scripts ]]; then scripts=1 only=${2:-}; fi
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
running=0 jobs=$((${JOBS:-$(nproc)} + 1))	# some wait for a moment

# check NAME COMMAND...: in the background; a line when it has ended
check() {
	[[ -z $only || $1 == "$only" || $1 == "test_$only".* ]] || return 0
	if ((running == jobs)); then
		wait -n || :
		running=$((running - 1))
	fi
	running=$((running + 1))
	one "$@" &
}
one() {
	local name=$1 start=$EPOCHREALTIME status=0 verdict said log=$logs/$1
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) verdict=pass ;;
	77) verdict=skip ;;
	*) verdict=FAIL ;;
	esac
	echo "$verdict" >"$log.verdict"
	said=$([[ $verdict == pass ]] || tail -n 20 "$log" | sed 's/^/      /')
	printf '%-5s %-28s %6.1f s\n%s' "$verdict" "$name" "$(bc <<<"$EPOCHREALTIME - $start")" "${said:+$said$'\n'}"
}

# every file that can hold a comment says what its licence is
spdx() {
	local not='^LICENSE$|\.(patch|json)$|^series/(default|.*/(series|cover-letter|cover/.*|reports/.*|proof|hunks))$|^scripts/tests/fixtures/'
	local missing
	missing=$(g ls-files -co --exclude-standard | grep -v -E "$not" | xargs -d '\n' awk '
		FNR <= 3 && /SPDX-License-Identifier/ { says[FILENAME] }
		END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in says)) print ARGV[i] ": no SPDX line" }') || return
	[[ -z $missing ]] || { echo "$missing"; return 1; }
}

# the patches are for somebody who has nothing else from here
bare_am() (
	dir=$(mktemp -d -p "$build_d" am.XXXXXX)
	trap 'g -C "$tree" worktree remove --force "$dir"' EXIT
	cd "$patches_d" && on_tag "$dir" ./*.patch && diff <(g -C "$dir" rev-parse 'HEAD^{tree}') <(g -C "$tree" rev-parse 'series^{tree}')
)

# each set applies to the tag, with those that it needs
sets() {
	local names set bad=0
	names=$(in_series sets) || return
	for set in $names; do
		"$root/scripts/series/set.sh" --check "$set" || bad=1
	done
	return $bad
}

# the Python of scripts/ and its tests
python() {
	local file
	local -a modules=()
	cd "$root/scripts"
	for file in *.py */*.py; do
		file=${file%.py}
		[[ $file == tests/* || $file == *__init__ ]] || modules+=(-m "${file//\//.}")
	done
	pyflakes3 . && mypy --namespace-packages --explicit-package-bases --no-strict-optional \
		--disable-error-code var-annotated --no-error-summary --cache-dir=/dev/null "${modules[@]}"
}

# python itself: a wrapper in front of it, as version managers have, takes as long again
mkdir "$logs/bin" && ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$logs/bin/python3" && PATH=$logs/bin:$PATH
cd "$root"
mapfile -t shell < <(grep -lE '^#!/bin/(ba)?sh' scripts/*.sh scripts/*/*.sh .ci/*)
check shellcheck shellcheck -x "${shell[@]}"
check python python
check spdx spdx
for pin in $(known_pins); do
	check "series-$pin" env PIN="$pin" "$root/scripts/gates/check-series.sh"
	check "changelogs-$pin" env PIN="$pin" python3 "$root/scripts" changelogs
	check "proof-$pin" env PIN="$pin" python3 "$root/scripts" prove --check
done
for test in "$root"/scripts/tests/test_*; do
	[[ -n $scripts && $test == */test_submission.sh ]] || check "${test##*/}" "$test"
done
if [[ -z $scripts ]]; then
	for pin in $(known_pins); do	# these need the tree: checkpatch.pl is that of the tree
		[[ $pin == "$PIN" || -d $BUILD/$pin/linux ]] || continue
		check "checkpatch-$pin" env PIN="$pin" "$root/scripts/gates/checkpatch.sh"
		[[ ! -f $root/series/$pin/audit ]] || check "audit-$pin" env PIN="$pin" python3 "$root/scripts" audit
	done
	check quilt-and-git-am "$root/scripts/series/tree.sh" --check
	check git-am-on-bare-tag bare_am
	check sets sets
fi
wait
verdicts=$(cat "$logs"/*.verdict 2>/dev/null) || die 2 "no test '$only'; run: ls scripts/tests"
skipped=$(grep -c skip <<<"$verdicts") || :
failed=$(grep -c FAIL <<<"$verdicts") || :
[[ $skipped == 0 ]] || echo "$skipped skipped"
echo "$(grep -c pass <<<"$verdicts" || :) passed, $failed failed"
[[ $failed == 0 ]]
