#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Remove what was built for PIN. The downloaded source and results stay, and so do commits
# of yours in build/PIN/linux: they are refused, not dropped.
#
# Exit codes: 0 done, 2 there is work of yours (FORCE=1 drops it).

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/series/git.sh"

if [[ -d $tree && ! ${FORCE:-} ]] && user_changes "$tree" series; then
	die 2 "$tree has changes of yours; run: make refresh (keep them) or make clean FORCE=1 (drop them)"
fi
build_folder
find "$build_d" -mindepth 1 -maxdepth 1 ! -name download ! -name .lock -exec rm -rf {} +
rm -rf "$BUILD"/accel* "$BUILD/memmap-$PIN"-*.tar.gz "$BUILD"/lava-"$PIN"-*
# shellcheck disable=SC2154  # of settings.sh
stage "removed what was built in $build_d; the source in $download_d and the results in $RESULTS/$PIN stay"
