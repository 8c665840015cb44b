#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Make what could be mailed: out/PIN/vN/, from committed patches and stored results; or,
# of one set of patches, out/PIN/SET-vN/.
#
#   submission.sh      nothing is ever sent, and nothing is asked of the network
#
# The patches of PIN with the sender's sign-off, a cover letter with the testing
# section (testing.py), recipients (recipients.py), one mbox, and `next`: the
# commands that send it. A pin that carries a set (series/PIN/base) is for a stable
# tree: each patch of that set begins with `commit ID upstream.`, as series/PIN/upstream
# says. A patch of another set has no such commit: its changelog has to say why mainline
# does not need it.
# Subjects name the release, unless series/PIN/base says `for = mainline`.
# What comes out was applied to the tag by git am and by b4 am, gave the tree id of
# the series both times, and is clean for checkpatch. The sender is who runs this,
# as git knows him or her. Environment:
#
#   SET=NAME      only the patches of this set, with series/PIN/cover/NAME as its cover
#                 letter; a set of one patch has none
#   VERSION=N     the version; without it, one after the last in series/PIN/sent/
#   RFC=1         [RFC PATCH]
#   RESEND=1      [RESEND PATCH]: the last version once more, unchanged
#   TRAILERS=     more trailers for each patch, separated by ';'
#   FLAVOURS=     whose results are told (testing.py)
#   KERNEL_GIT=   a git tree that has the tag: its commit goes into base-commit
#
# Exit codes: 0 made, 1 a row, checkpatch or a tree id is not as it must be, 2 no
# identity, a dirty tree, other bad input, 125 results are missing or stale.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"
. "$root/scripts/mail/mail.sh"

tg() { g -C "$tree" "$@"; }

# who signs: a person whom answers reach
ident=$(git -C "$root" -c user.useConfigOnly=true var GIT_COMMITTER_IDENT 2>/dev/null) ||
	die 2 "no identity to sign off with; run: git config --global user.name 'Your Name'; git config --global user.email you@example.org"
sender=${ident%>*}\>
name=${sender% <*} email=${sender##*<}
email=${email%>}
[[ $email != *@users.noreply.* ]] ||
	die 2 "$sender cannot sign off: it is no person's address; set user.name and user.email to yours"
trailers=()
while IFS= read -r line; do
	[[ -n $line ]] || continue
	[[ $line =~ ^[A-Z][A-Za-z]*(-[A-Za-z]+)*:\ [^\ ] ]] || die 2 "TRAILERS: '$line' is not 'Name: value'"
	[[ $line != Signed-off-by:* ]] || die 2 "TRAILERS: '$line': only who signs off can say so, by running this"
	trailers+=(--trailer "$line")
done < <(tr ';' '\n' <<<"${TRAILERS:-}" | sed -E 's/^[[:space:]]+|[[:space:]]+$//g')

# what is sent is what is committed, here and in the tree
letter=$series_d/cover-letter
prefix=
if [[ -n ${SET:-} ]]; then
	letter=$series_d/cover/$SET prefix=$SET-
	own=()
	list_series own own "$SET"
	((${#own[@]} > 1)) || letter=
fi
[[ -z $letter || -s $letter ]] || die 2 "no ${letter#"$root/"}"
commit=$(git -C "$root" rev-parse -q --verify HEAD 2>/dev/null) || die 2 "$root has no commit; run: git commit"
dirty=$(git -C "$root" -c status.showUntrackedFiles=all status --porcelain --no-renames -- "$series_d" "$patches_d")
[[ -z $dirty ]] || die 2 "dirty: $(head -n1 <<<"$dirty" | cut -c4-) is not committed; run: git commit"
made >/dev/null
! user_changes "$tree" series || die 2 "dirty: $tree has changes that are not in patches/$PIN; run: make refresh"
[[ $(series_id) == "$(head -n1 "$tree_stamp" 2>/dev/null)" ]] || die 2 "$tree is not of patches/$PIN; run: make tree"
start=$PIN head=series
if [[ -n ${SET:-} ]]; then
	head=$("$root/scripts/series/set.sh" --check "$SET") || exit
	start=$(tg rev-parse "$head~${#own[@]}")
	[[ $(in_series 'set' "$SET" | tail -n "${#own[@]}") == "$(in_series own "$SET")" ]] ||
		die 2 "series/$PIN/series: set $SET needs a set that comes after it"
fi
want=$(tg rev-parse "$head^{tree}")
mapfile -t commits < <(tg rev-list --reverse "$start..$head")
((${#commits[@]})) || die 2 "series/$PIN/series is empty"

# a pin that carries a set is for a stable tree: the patches of that set name the mainline commits
carries=$(base_key carries)
upstream=() names=() carried=()
if [[ -n $carries ]]; then
	list_series names ${SET:+own} "${SET:-patches}"
	list_series carried own "${carries%% *}"
	for patch in "${names[@]}"; do
		[[ " ${carried[*]} " == *" $patch "* ]] || { upstream+=(""); continue; }
		patch=$(slug "$patch")
		upstream+=("$(upstream_of "$patch")")
		[[ -n ${upstream[-1]} ]] || die 2 "series/$PIN/upstream: no commit of $patch in mainline; once it is there, add the line: $patch <its 40 digits>"
	done
fi

# the version
last=$(sent_versions | tail -n1)
version=${VERSION:-$((${last:-0} + 1))}
[[ -z ${RESEND:-} || -n ${VERSION:-} ]] || version=${last:-0}
[[ $version =~ ^[1-9][0-9]*$ ]] || die 2 "VERSION=$version is no version${RESEND:+: nothing was sent that could be sent again}"
if [[ -n ${RESEND:-} ]]; then
	[[ $version == "$last" ]] || die 2 "RESEND: the last version sent is '${last:-none}', not $version"
	[[ $(sent_key "$last" tree) == "$want" ]] || die 2 "RESEND: v$last had another tree than the series has now; make it VERSION=$((last + 1))"
elif ((version > 1)); then
	[[ -f $series_d/sent/${prefix}v$((version - 1)) ]] || die 2 "no series/$PIN/sent/${prefix}v$((version - 1)); nothing to compare v$version with"
fi
subject_prefix="${RFC:+RFC }${RESEND:+RESEND }PATCH"
[[ $(base_key for) == mainline || ! $PIN =~ ^v([0-9]+\.[0-9]+)(\.[0-9]+)?$ ]] || subject_prefix+=" ${BASH_REMATCH[1]}"
((version == 1)) || subject_prefix+=" v$version"

base=$(base_commit)
if [[ -n ${SET:-} ]]; then
	needs=$(in_series needs "$SET" | paste -sd ' ')
	[[ -z $needs ]] || base+=$'\n'"Needs, in this order: the sets $needs"
fi
build_folder
scratch submission
python3 "$root/scripts" testing >"$work/testing" || exit
stage "v$version of ${#commits[@]} patches by $sender"

# the same commits, signed off. Who has no name of his own gets the sender's
parent=$(tg rev-parse "$start^{commit}")
for i in "${!commits[@]}"; do
	c=${commits[i]}
	mapfile -t author < <(tg log -1 --format='%an%n%ae%n%ad' --date=raw "$c")
	[[ ${author[1]} != *@users.noreply.* ]] || author=("$name" "$email" "${author[2]}")
	parent=$(tg log -1 --format=%B "$c" | sed "${upstream[i]:+1s/\$/\n\ncommit ${upstream[i]} upstream./}" |
		g interpret-trailers --no-divider --if-exists addIfDifferent "${trailers[@]}" --trailer "Signed-off-by: $sender" |
		GIT_AUTHOR_NAME=${author[0]} GIT_AUTHOR_EMAIL=${author[1]} GIT_AUTHOR_DATE="@${author[2]}" \
			GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email GIT_COMMITTER_DATE="@${author[2]}" \
			tg commit-tree -p "$parent" "$c^{tree}")
done
[[ $(tg rev-parse "$parent^{tree}") == "$want" ]] || die 1 "the signed commits have another tree"
mails=$work/mails
GIT_COMMITTER_NAME=$name GIT_COMMITTER_EMAIL=$email tg format-patch -q -o "$mails" ${letter:+--cover-letter} --from="$sender" \
	--subject-prefix="$subject_prefix" --thread=shallow ${letter:+--numbered} --no-signature --zero-commit --always --no-base --abbrev=12 \
	--no-renames --no-ext-diff --no-textconv --diff-algorithm=myers -U3 --stat=72 --no-notes "$start..$parent"
# b4 of Debian 12 gives up on a subject that is folded
sed -i -E '1,/^$/{/^Subject: /{:a;N;s/\n[ \t]+/ /;ta;P;D}}' "$mails"/*.patch

# the cover letter; a range-diff that is long goes beside it
options=(--version "$version" --changelog "$series_d/${prefix}changelog" --base "$base")
for v in $(sent_versions); do
	id=$(sent_key "$v" message-id)
	[[ -z $id ]] || options+=(--link "$v=https://lore.kernel.org/r/$id")
done
if ((version > 1)) && [[ -z ${RESEND:-} ]]; then
	range_diff "$((version - 1))" >"$work/range-diff"
	cp "$work/range-diff" "$work/short"
	(($(wc -l <"$work/short") <= 400)) || grep -E '^ *([0-9]+|-+): ' "$work/range-diff" >"$work/short"
	options+=(--range-diff "$work/short")
fi
first=$(find "$mails" -name '*.patch' | sort | sed -n 1p)
python3 "$root/scripts" cover "$first" "${letter:--}" --testing "$work/testing" "${options[@]}"
python3 "$root/scripts" recipients ${carries:+--stable} "$tree" "$mails"/*.patch >"$work/recipients"
stage 'checkpatch.pl --strict'
"$root/scripts/gates/checkpatch.sh" "$mails"

# one mbox, and does it give back the tree?
box=$PIN-${prefix}v$version.mbox
cat "$mails"/*.patch >"$work/$box"
stage 'applying it to the tag'
applies "$work/$box" "$want"

out=$root/out/$PIN/${prefix}v$version
rm -rf "$out"
mkdir -p "$out"
cp "$mails"/*.patch "$work/$box" "$work/recipients" "$out"
[[ ! -f $work/range-diff ]] || cp "$work/range-diff" "$out"
cat >"$out/sent" <<EOT
# SPDX-License-Identifier: GPL-2.0
# ${prefix}v$version as it was sent: the patches are patches/$PIN of this repository's commit.
pin = $PIN
commit = $commit
tree = $want
message-id = $(sed -nE 's/^Message-I[dD]: <(.*)>$/\1/p' "$first")
EOT
next_steps "$out" "$box" >"$out/next"
stage "$(realpath --relative-to="$PWD" "$out")/next says how it could be sent; nothing was"
