#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tests check.sh: what a pipeline sets for its guests changes no test of it.
#
# usage: scripts/tests/test_check.sh

set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
said=$(mktemp)
trap 'rm -f "$said"' EXIT

CASE=@quick VARIANT=base FLAVOUR=kasan ARCH=ppc64le SIZE=1G APPEND=x "$root/scripts/check.sh" --scripts case >"$said" || :
grep -q '^1 passed, 0 failed' "$said" || { cat "$said"; exit 1; }
