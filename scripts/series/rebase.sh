#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Carry the series of PIN to another tag, with git's three-way merge.
#
#   rebase.sh TO       KERNEL_GIT (or KERNEL_SRC_DIR) has the source of TO, or the Debian
#                      archive, when it is of the line of PIN
#
# It is `git rebase --onto TO PIN` in build/TO/linux, on its branch series. Where git
# stops, so does this: fix the files, `git add -u` and run it again, which goes
# on; FORCE=1 starts over. At the end it writes patches/TO and series/TO (groups, claims,
# cover letter, audit and what else belongs to the series of PIN come along), and shows what
# changed (git range-diff); `make rebase` goes on with `make audit PIN=TO` and `make PIN=TO`.
# With SET, a set of patches and those that it needs alone are carried: TO becomes a pin with
# their cases and no audit.
#
# Exit codes: 0 carried over, 1 stopped at a conflict, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

to=${1:-}
[[ $to =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || die 2 "TO='$to' is no tag; run: make rebase TO=<tag> KERNEL_GIT=<a git tree that has it>"
[[ $to != "$PIN" ]] || die 2 "TO=$to is the pin itself"
new=$BUILD/$to/linux
state=$BUILD/$to/rebase
if [[ -n ${FORCE:-} ]]; then
	rm -rf "$state"
	[[ ! -d $new ]] || g -C "$new" rebase --abort >/dev/null 2>&1 || :
elif [[ -e $SERIES_DIR/$to/series ]]; then
	die 2 "series/$to is there already; FORCE=1 replaces it and patches/$to"
fi
n() { GIT_COMMITTER_NAME=rebase GIT_COMMITTER_EMAIL=rebase@localhost GIT_EDITOR=: g -C "$new" "$@"; }
under_way() { [[ -d $(n rev-parse --absolute-git-dir)/rebase-merge ]]; }

# one_set SERIES PATCHES: of these folders, only what belongs to the patches of SET stays
one_set() {
	local file slugs words
	slugs=$(slug "$patches")
	in_series only "$SET" >"$1/series"
	for file in "$2"/*.patch "$1"/drop/*.patch; do
		[[ ! -f $file ]] || grep -qxF "$(slug "${file##*/}")" <<<"$slugs" || rm "$file"
	done
	rm -f "$1"/{audit,not-run,hunks,hunks-not-shown,cover-letter}
	[[ ! -f $1/cover/$SET ]] || mv "$1/cover/$SET" "$1/cover-letter"
	rm -rf "$1/cover"
	# of exceptions those for its patches, of commits those that they name, and of the tag's
	# own tests those that its cases run
	words=$(
		echo "$slugs"
		grep -ohE '\b[0-9a-f]{12}' "$2"/*.patch
		cd "$root/qemu-configs"
		in_series cases "$SET" | sed 's/$/.conf/' |
			xargs -r -d '\n' sed -n 's/^tests[^=]*=//p' 2>/dev/null | tr ' ,' '\n'
	) || :
	for file in "$1"/{checkpatch,commits,tree-tests}; do
		[[ -f $file ]] || continue
		awk 'NR == FNR { its[$1]; next }
			/^#/ || $1 && ($1 in its || substr($1, 1, 12) in its || $1 "/" $2 in its)' \
			<(echo "$words") "$file" >"$file.new"
		mv "$file.new" "$file"
	done
	[[ ! -f $1/tree-tests ]] || grep -q '^[^#]' "$1/tree-tests" || rm "$1/tree-tests"
}

# stopped: where, and what to do
stopped() {
	local files
	files=$(n diff --name-only --diff-filter=U | tr '\n' ' ')
	[[ -n $files ]] || die 1 "git stopped: $(why "$1"); look into $new"
	die 1 "$(n log -1 --format=%s REBASE_HEAD): conflict in $files; resolve it in $new, git add -u, and run: make rebase TO=$to PIN=$PIN (git rebase --skip drops the patch)"
}

if [[ ! -f $state/from ]]; then
	made >/dev/null
	! user_changes "$tree" series || die 2 "$tree has changes that are not in patches/$PIN; run: make refresh"
	rm -rf "$state"
	mkdir -p "$state/series" "$state/patches"
	cp -r "$series_d" "$state/series/$to"
	cp -r "$patches_d" "$state/patches/$to"
	rm -f "$state/series/$to/proof"		# that was shown of PIN
	from=$(g -C "$tree" rev-parse refs/heads/series)
	if [[ -n ${SET:-} ]]; then
		patches=$(in_series 'set' "$SET") || exit
		from=$("$root/scripts/series/set.sh" --check "$SET") || exit
		one_set "$state/series/$to" "$state/patches/$to"
	fi
	[[ ! -f $state/series/$to/cover-letter ]] || sed -i "s/${PIN//./\\.}/$to/g" "$state/series/$to/cover-letter"
	# a release that the first short name is of takes the place of PIN, in cases and tests, too; others
	# have a name of their own, and are like it
	line=$(grep -oE '^v[0-9]+\.[0-9]+' <<<"$to" || echo "$to")
	to_short=${shorts[*]}
	if [[ $short != "$line" && $short != "${line%%.*}" ]]; then
		if [[ $short == "${line%%.*}".* && ${#shorts[@]} -gt 1 ]]; then
			to_short="$line ${shorts[*]:1}"
		elif [[ -f $root/qemu-configs/kernel/${line%%.*}.config ]]; then
			to_short="$line ${line%%.*} ${shorts[*]}"
		else
			to_short="$line ${shorts[*]}"
		fi
	fi
	cat >"$state/series/$to/base" <<-EOT
	# SPDX-License-Identifier: GPL-2.0
	# The pin: which source, where it comes from, and how it is known to be right.
	# The blob lines are written by \`make refresh\`. The series came from $PIN.
	tag = $to
	short = $to_short
	EOT
	if [[ -z ${SET:-} ]]; then
		grep -E '^(kunit|for|carries|cases) *=' "$series_d/base" >>"$state/series/$to/base" || :
	else
		printf '%s\n' "carries = $SET of $PIN" "cases = $(in_series cases "$SET" | paste -sd ' ')" >>"$state/series/$to/base"
	fi
	[[ $to == *-rc* || ! $to =~ ^v([0-9]+)\. ]] ||
		echo "url = https://cdn.kernel.org/pub/linux/kernel/v${BASH_REMATCH[1]}.x/linux-${to#v}.tar.xz" >>"$state/series/$to/base"
	if [[ ! -d $new && -z ${KERNEL_GIT:-}${KERNEL_SRC_DIR:-} ]]; then
		# the package of a release of the same line differs in its version, most often
		[[ $to != v*.*.* || ${PIN%.*} != "${to%.*}" ]] ||
			grep -E '^debian *=' "$series_d/base" | sed "s/${PIN#v}/${to#v}/" >>"$state/series/$to/base" || :
		grep -q '^debian' "$state/series/$to/base" || die 2 "no source of $to; run: make rebase TO=$to KERNEL_GIT=<a git tree that has it>"
	fi
	PIN=$to SERIES_DIR=$state/series PATCHES_DIR=$state/patches "$root/scripts/series/source.sh" || exit
	# the objects of PIN, for as long as the merge needs them
	g -C "$tree" rev-parse --path-format=absolute --git-path objects >"$new/.git/objects/info/alternates"
	onto=$(g -C "$tree" rev-parse "refs/tags/$PIN^{commit}")
	n checkout -q ${FORCE:+-f} -B series "$to"
	echo "$PIN $onto $from" >"$state/from"
	stage "$(g -C "$tree" rev-list --count "$PIN..$from") patches from $PIN to $to"
	n update-ref refs/rebase/series "$from"
	out=$(n rebase -q --onto "$to" "$onto" "$from" 2>&1 && n checkout -q -B series) || {
		under_way || { rm -f "$state/from"; die 1 "$(why "$out")"; }
		stopped "$out"
	}
else
	read -r pin onto from <"$state/from"
	[[ $pin == "$PIN" ]] || die 2 "a rebase from $pin to $to is under way; run: make rebase TO=$to PIN=$pin, or FORCE=1"
	if under_way; then
		[[ -z $(n diff --name-only --diff-filter=U) ]] || stopped ''
		out=$(n rebase --continue 2>&1) || stopped "$out"
	fi
	n checkout -q -B series
fi

# from commits to patches: each keeps its mark and its claims
FORCE=1 PIN=$to SERIES_DIR=$state/series PATCHES_DIR=$state/patches "$root/scripts/series/refresh.sh" || exit
rm -rf "${SERIES_DIR:?}/$to" "${PATCHES_DIR:?}/$to"
cp -r "$state/series/$to" "$SERIES_DIR/$to"
cp -r "$state/patches/$to" "$PATCHES_DIR/$to"

n range-diff --no-color --creation-factor=80 "$onto..$from" "$to..series" >"$BUILD/$to/range-diff"
stage "what changed, patch by patch; all of it is in ${BUILD#"$PWD"/}/$to/range-diff"
grep -E '^ *([0-9]+|-+): ' "$BUILD/$to/range-diff" | grep -v -E '^ *[0-9]+: +[0-9a-f]+ = ' || echo "all $(n rev-list --count "$to..series") patches are the same"
# what is left of PIN's objects moves in, the others are not needed any more
n update-ref -d refs/rebase/series
n reflog expire --expire=now --all
n rev-list --objects --all --not "refs/tags/$to" | cut -d' ' -f1 | n pack-objects -q "$new/.git/objects/pack/pack" >/dev/null
rm -rf "$state" "$new/.git/objects/info/alternates"
what="series/$to and patches/$to are written. Read them; "
grep -q '^carries' "$SERIES_DIR/$to/base" || what+="complete series/$to/audit; "
grep -q '^debian' "$SERIES_DIR/$to/base" || what+="a line 'debian = ...' in series/$to/base names a package with the source; "
stage "${what}its table: make PIN=$to"
