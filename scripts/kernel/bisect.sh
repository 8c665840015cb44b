#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build every commit of the series, the tag first, and compare what they say.
#
# A series that somebody will bisect has to build at each of its commits. So
# each is built in turn (with W=1, and sparse by C=1) in one folder,
# build/PIN/bisect, and must say nothing that the tag does not say: a new
# warning in any file is an error. A header that changes costs a whole build.
# What was built once is not built again, by the content of the commit, and an
# interrupted run goes on where it was. Environment: PIN FLAVOUR JOBS.
#
# Exit codes: 0 all build and are clean, 1 one is not, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"
. "$root/scripts/kernel/kbuild.sh"

series=$(made)
command -v sparse >/dev/null || die 2 "no sparse on this machine; run: make deps"
kernel_setup
build_folder
src=$bisect_tree
work=$build_d/bisect/$label
out=$work/build
log=$work/build.log
repair
ours "$src" bisect bisect

# Only a build from nothing says all that the tag has to say: other tools or
# another configuration start from scratch
tools=$(cat "${fragments[@]}" <(echo "$compiler $(sparse --version)") | sha256sum | cut -d' ' -f1)
if [[ $tools != "$(cat "$work/tools" 2>/dev/null)" ]]; then
	rm -rf "$work"
	mkdir -p "$out" "$work/done"
	echo "$tools" >"$work/tools"
fi

# said: what the build log complains about, one `file: text` each, no line numbers
said() {
	sed -nE "s@^(\.\./)*([^ :]+):[0-9]+:([0-9]+:)? (warning|error): (.*)@\2: \5@p" "$log" |
		sed -E "s@^(.*/)?bisect/linux/@@; s@^linux/@@" | sort -u
}

# build COMMIT: all output goes to the log, behind what an interrupted build of
# the same content said
build() {
	[[ $(cat "$work/now" 2>/dev/null) == "$content" ]] || rm -f "$log"
	echo "$content" >"$work/now"
	put "$src" bisect "$1"
	# options that come with a later patch are not there yet
	configure "$src" "$out" "$work/config.log" "${fragments[@]}" || die 1 "$what: configuring failed, see $work/config.log"
	compile "$what" "$log" make -C "$src" "O=$out" "CC=$cc" LOCALVERSION=-bisect W=1 C=1 "${image##*/}" modules ||
		die 1 "$what does not build, see $log"
}

mapfile -t commits < <(g -C "$tree" rev-parse "$PIN^{commit}" && g -C "$tree" rev-list --reverse "$PIN..$series")
todo=()
for commit in "${commits[@]}"; do
	content=$(g -C "$tree" rev-parse "$commit^{tree}")
	[[ -f $work/done/$content ]] || todo+=("$commit")
done
if ((${#todo[@]} == 0)); then
	stage "all of ${#commits[@]} commits are known to build"
	exit 0
fi

number=0 bad=0 begin=$EPOCHSECONDS
for commit in "${todo[@]}"; do
	content=$(g -C "$tree" rev-parse "$commit^{tree}")
	what=$(g -C "$tree" log -1 --format=%s "$commit")
	eta=
	((number == 0)) || eta="; about $(((EPOCHSECONDS - begin) * (${#todo[@]} - number) / number / 60)) min to go"
	number=$((number + 1))
	stage "$number/${#todo[@]} $what$eta"
	build "$commit"
	if [[ $commit == "${commits[0]}" ]]; then
		said >"$work/known"
	else
		new=$(comm -13 "$work/known" <(said))
		if [[ -n $new ]]; then
			# its object goes, so that the next build says it again
			while IFS=: read -r file text; do
				echo "bisect: $what: $file:$text" >&2
				[[ ! -f $src/$file ]] || touch "$src/$file"
			done <<<"$new"
			bad=1
			rm -f "$work/now"
			continue
		fi
	fi
	cp "$log" "$work/done/$content"
done
((bad == 0)) || die 1 "warnings that $PIN has not got, see above"
stage "${#commits[@]} commits build, without a new warning"
