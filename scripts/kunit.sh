#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the KUnit suite in the guest of its own case, and let the tree's own
# kunit.py read what it says.
#
# kunit.py of v5.10 can only start User Mode Linux, which has no ZONE_DEVICE:
# the guest is ours, the reading is its. For series its verdict must be the one
# of the judge and "pass"; base is shown for comparison. Environment: PIN
# VARIANT FLAVOUR ACCEL.
#
# Exit codes: 0 as expected, 1 not, 125 the result could not be judged.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bad=0
name=$("$root/scripts/case.py" list '*kunit' | cut -d' ' -f1)
CASE=$name VARIANT=$VARIANT "$root/scripts/boot.py"
for variant in $VARIANT; do
	result=$RESULTS/$PIN/$label/$variant/$name
	verdict=$(sed -nE 's/^ *"verdict": "([a-z]+)".*/\1/p' "$result/verdict.json")
	printf '\n%s, as %s reads %s:\n' "$variant" tools/testing/kunit/kunit.py "${result#"$root/"}/result.ktap"
	read=pass
	python3 "$tree/tools/testing/kunit/kunit.py" parse "$result/result.ktap" || read=fail
	[[ $read == "$verdict" ]] || die 125 "$variant: kunit.py says $read, the judge says $verdict: see $result"
	[[ $variant != series || $read == pass ]] || bad=1
done
exit "$bad"
