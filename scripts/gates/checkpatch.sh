#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the tree's own checkpatch.pl, strict and with codespell, over all patches.
#
#   checkpatch.sh          patches/PIN, which nobody has signed off
#   checkpatch.sh MAILS    the same patches as they go out, in the folder MAILS;
#                                  with SET=NAME in the environment, those of that set
#
# No error, warning or check is left. An exception is a line of
# series/PIN/checkpatch, `<patch without number> <TYPE>: <reason>`; one that
# is of no use any more is refused, too. Not asked for: in patches/PIN a Signed-off-by,
# which the sender of the patches adds, and commits that are in this tree, which has
# no history: changelogs.py does.
#
# Exit codes: 0 clean, 1 not, 2 bad input, 125 checkpatch.pl did not run.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"

checkpatch=$tree/scripts/checkpatch.pl
[[ -f $checkpatch ]] || die 2 "no $checkpatch; run: make tree"
options=(--strict --color=never --show-types --ignore UNKNOWN_COMMIT_ID)
# where checkpatch.pl looks for the words is not where Debian has them
for words in /usr/lib/python3/dist-packages/codespell_lib/data/dictionary.txt /usr/share/codespell/dictionary.txt; do
	[[ ! -f $words ]] || break
done
[[ -f $words ]] || die 2 "no dictionary of codespell; run: make deps"
options+=(--codespell --codespellfile "$words")

mails=() strangers=
if [[ -n ${1:-} ]]; then
	# a trailer that is younger than the tree is no mistake
	while IFS=: read -r name value; do
		[[ -z $value ]] || grep -q -i -F -e "$name" "$checkpatch" || strangers+=${strangers:+$'\n'}$name:$value
	done < <(tr ';' '\n' <<<"${TRAILERS:-}" | sed -E 's/^[[:space:]]+|[[:space:]]+$//g')
	mapfile -t mails < <(find "$1" -name '[0-9]*.patch' ! -name '0000-*' | sort)
else
	options+=(--no-signoff)
fi

exceptions=$series_d/checkpatch
declare -A excepted=() used=()
number=0
exception='^([^ ]+) ([A-Z_]+): +[^ ]' finding='^([0-9]*): [A-Z]+:([A-Z_]+): '
while IFS= read -r line; do
	number=$((number + 1))
	[[ $line =~ ^[[:space:]]*(#|$) ]] && continue
	[[ $line =~ $exception ]] ||
		die 2 "series/$PIN/checkpatch:$number: not '<patch without number> <TYPE>: <reason>'"
	excepted["${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"]=$number
done < <(cat "$exceptions" 2>/dev/null || :)

# those to look at, in order
patches=()
list_series patches ${SET:+own} "${SET:-patches}"
bad=0 number=0
for patch in "${patches[@]}"; do
	file=$patches_d/$patch shown=patches/$PIN/$patch
	if [[ -n ${1:-} ]]; then
		file=${mails[number]:-/dev/null} shown=$file
		number=$((number + 1))
	fi
	mail=$(grep -v -x -F -e "${strangers:-no such line}" "$file")
	# it takes seconds: what it said once is kept. No two mails have one id
	said=$build_d/checkpatch/$( (echo "${options[@]}"; grep -v -E '^(Message-I[dD]|In-Reply-To|References): ' <<<"$mail"; cat "$checkpatch" "$words") | sha256sum | cut -d' ' -f1)
	if [[ ! -f $said ]]; then
		# from stdin: a file that git knows would be taken for source code
		# not with the .checkpatch.conf of a user
		out=$(cd "$tree" && HOME=/nonexistent perl "$checkpatch" "${options[@]}" - <<<"$mail" 2>/dev/null) || :
		grep -q '^total: .* lines checked' <<<"$out" || die 125 "checkpatch.pl did not read $patch: ${out:-no output}"
		mkdir -p "${said%/*}"
		# a finding, and in the line after it where: one line of both
		awk '/^(ERROR|WARNING|CHECK):[A-Z_]+: / { if (f) print ": " f; f = $0; next }
			f { print (/^#[0-9]+:/ ? substr($1, 2) : ":") " " f; f = "" }
			END { if (f) print ": " f }' <<<"$out" >"$said.tmp"
		mv "$said.tmp" "$said"
	fi
	while IFS= read -r line; do
		[[ $line =~ $finding ]] || continue
		key="$(slug "$patch") ${BASH_REMATCH[2]}"
		used[$key]=1
		[[ -z ${excepted[$key]:-} ]] || continue
		echo "checkpatch: $shown:$line" >&2
		bad=1
	done <"$said"
done
for key in "${!excepted[@]}"; do
	# of one set, the exceptions of the others are not used
	[[ -z ${used[$key]:-}${SET:-} ]] || continue
	echo "checkpatch: series/$PIN/checkpatch:${excepted[$key]}: $key is not found any more; run: sed -i ${excepted[$key]}d $exceptions" >&2
	bad=1
done
exit "$bad"
