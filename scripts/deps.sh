#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install the packages of scripts/deps.list that are missing.
#
#   deps.sh            install them
#   deps.sh --check    only name those that are missing, and end with 2; where there is no
#                      dpkg to ask, all is taken to be there
#
# Does nothing when all are there. Installs through apt as root or through
# `sudo -n`; otherwise prints the command to run and ends with 2. The package
# lists are updated only when apt does not find what it should install.
#
#   DRY=1    only print the command
#   ALL=1    the optional packages too
#   DEPS=f   another list (tests)

set -euo pipefail
check=
case ${1:-} in
--check) check=1 ;;
-h|--help) sed -n '3,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
# not settings.sh: this must work for a pin that is not known and on any system
die() { echo "deps: $2" >&2; exit "$1"; }
list=${DEPS:-$(dirname "${BASH_SOURCE[0]}")/deps.list}

mapfile -t want < <(awk -v all="${ALL:-}" '!/^#|^ *$/ && (all || !/# *optional:/) { print $1 }' "$list")

if ! command -v dpkg-query >/dev/null; then
	[[ -z $check ]] || exit 0
	die 2 "this is not Debian; install what these packages hold: ${want[*]}"
fi
mapfile -t missing < <(printf '%s\n' "${want[@]}" | grep -vxFf <(
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${want[@]}" 2>/dev/null | sed -n 's/^installed //p'))
((${#missing[@]})) || exit 0
[[ -z $check ]] || die 2 "missing packages: ${missing[*]}; run: make deps"

apt=(apt-get install -y --no-install-recommends "${missing[@]}")
if [[ -n ${DRY:-} ]]; then
	echo "sudo ${apt[*]}"
	exit 0
fi
as=(env DEBIAN_FRONTEND=noninteractive)
((EUID == 0)) || as=(sudo -n "${as[@]}")
"${as[@]}" true 2>/dev/null || die 2 "missing packages: ${missing[*]}; run: sudo ${apt[*]}"

echo "deps: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${as[@]}" "${apt[@]}" >"$log" 2>&1 && exit 0
# no lists yet, or lists so old that the mirror dropped what they name
"${as[@]}" apt-get update >"$log" 2>&1 && "${as[@]}" "${apt[@]}" >"$log" 2>&1 && exit 0
why=$(grep -m1 '^E: ' "$log" || tail -n1 "$log")
die 1 "cannot install ${missing[*]} (${why#E: }); run: sudo ${apt[*]}"
