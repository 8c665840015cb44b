#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What PID 1 of the guest makes of what tests print: our own, the tag's own with
# kselftest_harness.h, and those that only have an exit code.

set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failures=0

cat >"$tmp/driver.c" <<'C'
#include "program.h"
int main(int argc, char *argv[])
{
	(void)argc;
	run_program(1, argv + 1);
	return 0;
}
C
guest=$root/selftests/guest
gcc -Wall -Wextra "-DTESTS=\"$tmp\"" -I "$guest" -o "$tmp/driver" "$tmp/driver.c" "$guest"/{program,report}.c

program() {	# name: a script from stdin
	mkdir -p "$(dirname "$tmp/$1")"
	{ echo '#!/bin/sh'; cat; } >"$tmp/$1"
	chmod +x "$tmp/$1"
}
check() {	# what, lines that must be there (and as many results), program...
	local what=$1 want=$2
	shift 2
	"$tmp/driver" "$@" | grep -E '^ *(not )?ok ' >"$tmp/got" || :
	if diff <(echo "$want") "$tmp/got"; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		failures=$((failures + 1))
	fi
}

program silent <<<'exit 0'
program vm/plain <<<'pwd; exit 0'
program vm/skips <<<'echo no such thing; exit 4'
program vm/fails <<<'exit 3'
# shellcheck disable=SC2016
program vm/dies <<<'kill -9 $$'
# shellcheck disable=SC2016 # for that shell
program vm/own_place <<<'[ -x ./own_place ] && [ "${0%/*}" = "$PWD" ]'
program vm/stops <<<'echo TAP version 13; echo 1..2; echo ok 1 a.one'
program vm/no_plan <<<'echo TAP version 13'
program vm/harness <<'P'
echo TAP version 13
echo 1..3
echo '#  RUN           a.one ...'
echo '#            OK  a.one'
echo 'ok 1 a.one'
echo '#  RUN           a.two ...'
echo '#      SKIP      no page'
echo 'ok 2 # SKIP no page'
echo '#  RUN           b.three ...'
echo 'not ok 3 b.three'
exit 1
P

check "a test of ours owes a plan" "$(printf '    not ok 1 - missing (status 0 before this)\nnot ok 1 - silent')" silent
check "exit code 0" "$(printf '    ok 1 - exit\nok 1 - plain')" vm/plain
check "arguments are the name" "$(printf '    ok 1 - f_dev_dax0.0_m_16\nok 1 - plain')" vm/plain -f /dev/dax0.0 -m 16
check "exit code 4, with the reason" "$(printf '    ok 1 - exit # SKIP no such thing\nok 1 - skips')" vm/skips
check "exit code 3" "$(printf '    not ok 1 - exit\nnot ok 1 - fails')" vm/fails
check "a signal" "$(printf '    not ok 1 - exit\nnot ok 1 - dies')" vm/dies
check "it runs in its own folder" "$(printf '    ok 1 - exit\nok 1 - own_place')" vm/own_place
check "it is not there" "$(printf '    not ok 1 - exit\nnot ok 1 - nothing')" vm/nothing
check "a plan that is not kept" "$(printf '    ok 1 - a.one\n    not ok 2 - missing (status 0 before this)\nnot ok 1 - stops')" vm/stops
check "TAP without a plan" "$(printf '    not ok 1 - missing (status 0 before this)\nnot ok 1 - no_plan')" vm/no_plan
check "kselftest_harness.h, a skip has its name" "$(printf '    ok 1 - a.one\n    ok 2 - a.two # SKIP no page\n    not ok 3 - b.three\nnot ok 1 - harness')" vm/harness
exit $((failures > 0))
