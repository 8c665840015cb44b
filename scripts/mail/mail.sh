# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154  # what git.sh and submission.sh set
# What submission.sh is made of: versions, the base, applying a mbox, b4. Sourced
# after git.sh, does nothing by itself.

# sent_versions: the numbers of series/PIN/sent/vN, or SET-vN, in order
sent_versions() {
	local f
	for f in "$series_d/sent/${prefix}v"[1-9]*; do
		[[ ! -f $f ]] || echo "${f##*v}"
	done | sort -n
}
sent_key() { sed -n "s/^$2 = //p" "$series_d/sent/${prefix}v$1"; }

# upstream_of SLUG: what series/PIN/upstream says, `SLUG ID` a line, of a patch
upstream_of() {
	[[ ! -f $series_d/upstream ]] || awk -v slug="$1" '$1 == slug && length($2) == 40 && $2 ~ /^[0-9a-f]+$/ && !n++ { print $2 }' "$series_d/upstream"
}

# base_commit: the last line of the cover letter
base_commit() {
	local id
	if [[ -z ${KERNEL_GIT:-} ]]; then
		echo "Applies to: tag $PIN"
		return
	fi
	id=$(git -C "$KERNEL_GIT" rev-parse -q --verify "refs/tags/$PIN^{commit}") ||
		die 2 "KERNEL_GIT=$KERNEL_GIT has no tag $PIN; run: git -C $KERNEL_GIT fetch --tags"
	base_key blob | while read -r blob path; do
		[[ $(git -C "$KERNEL_GIT" rev-parse -q --verify "$id:$path") == "$blob" ]] ||
			die 2 "KERNEL_GIT=$KERNEL_GIT: $path of $PIN is not what series/$PIN/base says"
	done || exit
	echo "base-commit: $id"
}

# spread DIR COMMIT MAIL...: a work tree of $tree with only what the mails touch
spread() {
	local dir=$1 commit=$2 list
	shift 2
	g -C "$tree" worktree add -q --no-checkout --detach "$dir" "$commit"
	list=$(g -C "$dir" rev-parse --path-format=absolute --git-path info/sparse-checkout)
	mkdir -p "${list%/*}"
	patch_files "$@" | sed 's@^@/@' >"$list"
	sparse g -C "$dir" read-tree -m -u HEAD
}
# sparse COMMAND...: run it where git knows that a work tree is not whole
sparse() {
	local GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.sparseCheckout GIT_CONFIG_VALUE_0=true
	export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
	"$@"
}
# am DIR MAIL...: apply, and print the tree id
am() {
	local dir=$1 out
	shift
	out=$(GIT_COMMITTER_NAME=am GIT_COMMITTER_EMAIL=am@localhost sparse g -C "$dir" am -q --no-gpg-sign "$@" 2>&1) ||
		die 1 "git am refuses ${1##*/}: $(sed -nE 's/^Patch failed at (.*)/\1: /p' <<<"$out")$(why "$out")"
	g -C "$dir" rev-parse 'HEAD^{tree}'
}

# range_diff N: from vN, as it was sent, to the series. Neither is signed off here, or
# that would be all that one sees
range_diff() (
	old=$work/old
	pin=$(sent_key "$1" pin) commit=$(sent_key "$1" commit)
	mkdir "$old"
	git -C "$root" -c core.autocrlf=false archive "$commit" "series/$pin/base" "series/$pin/series" "patches/$pin" 2>/dev/null | tar -x -C "$old" 2>/dev/null ||
		die 2 "series/$PIN/sent/${prefix}v$1: commit $commit is not in this repository; run: git fetch --unshallow"
	list=() own=()
	PIN=$pin SERIES_DIR=$old/series list_series list ${SET:+set} "${SET:-patches}"
	PIN=$pin SERIES_DIR=$old/series list_series own ${SET:+own} "${SET:-patches}"
	if [[ $pin != "$PIN" ]]; then	# sent on another tag
		[[ -d $BUILD/$pin/linux/.git ]] || die 2 "v$1 was sent for $pin; run: make tree PIN=$pin"
		GIT_ALTERNATE_OBJECT_DIRECTORIES=$(g -C "$BUILD/$pin/linux" rev-parse --path-format=absolute --git-path objects)
		export GIT_ALTERNATE_OBJECT_DIRECTORIES
		from=$(g -C "$BUILD/$pin/linux" rev-parse "refs/tags/$pin^{commit}")
	else
		from=$(g -C "$tree" rev-parse "$PIN^{commit}")
	fi
	spread "$old/linux" "$from" "${list[@]/#/$old/patches/$pin/}"
	[[ $(am "$old/linux" "${list[@]/#/$old/patches/$pin/}") == "$(sent_key "$1" tree)" ]] ||
		die 1 "series/$PIN/sent/${prefix}v$1: its patches do not give its tree id"
	last=$(g -C "$old/linux" rev-parse HEAD)
	g -C "$tree" range-diff --no-color --creation-factor=80 "$last~${#own[@]}..$last" "$start..$head"
)

# applies MBOX TREE: git am and b4 am give the tree id on the tag
applies() {
	local box=$1 want=$2 got
	spread "$work/am" "$start" "$box"
	# the cover letter is the first mail and no patch
	g mailsplit -o"$work" "$box" >/dev/null
	[[ -z $letter ]] || rm "$work/0001"
	got=$(am "$work/am" "$work"/[0-9][0-9][0-9][0-9]) || exit
	[[ $got == "$want" ]] || die 1 "git am of ${box##*/} gives tree $got, not $want"
	if ! command -v b4 >/dev/null; then
		stage 'no b4 here (make deps ALL=1): b4 am is not tried'
		return
	fi
	printf '[user]\n\tname = %s\n\temail = %s\n' "$name" "$email" >"$work/gitconfig"
	spread "$work/b4" "$start" "$box"
	mkdir "$work/b4-am"
	# with no settings and no network
	(cd "$work/b4" && XDG_CACHE_HOME=$work/cache XDG_DATA_HOME=$work/data GIT_CONFIG_GLOBAL=$work/gitconfig \
		sparse b4 --offline-mode --no-stdin -n am -m "$box" -o "$work/b4-am" >"$work/b4.log" 2>&1) ||
		die 1 "b4 am: $(tail -n1 "$work/b4.log")"
	got=$(am "$work/b4" "$work"/b4-am/*.mbx) || exit
	[[ $got == "$want" ]] || die 1 "b4 am of ${box##*/} gives tree $got, not $want"
}

# next_steps OUT MBOX
next_steps() {
	local out=$1 box=$2 id
	id=$(sed -nE 's/^message-id = //p' "$out/sent")
	cat <<-EOT
	v$version of ${SET:+set $SET of }the series for $PIN, signed off by $sender.
	Nothing has been sent. Read it first, as its readers will: each changelog, and
	$out/${first##*/}
	$out/recipients

	Your Signed-off-by certifies the whole of the Developer Certificate of Origin
	(Documentation/process/submitting-patches.rst), also for what a tool wrote; say
	so with TRAILERS='Assisted-by: ...' where that applies (coding-assistants.rst).

	Does it apply, in a tree of yours that has the tag?

	    cd <linux> && git checkout -b memmap $PIN
	    b4 shazam -m $out/$box
	    ls $out/0*.patch | grep -v /0000- | xargs git am        # or so, without b4

	Send it with git send-email (Debian: apt-get install git-email). It takes To: and Cc:
	of each mail from its file. --dry-run prints what it would do; without it, it asks
	before each mail:

	    git send-email --no-thread --confirm=always --dry-run $out/*.patch

	--no-thread, because the mails hold their Message-Id and In-Reply-To already.

	Afterwards keep what was sent, so that v$((version + 1)) can say what changed:

	    mkdir -p $series_d/sent && cp $out/sent $series_d/sent/${prefix}v$version
	    git -C $root add $series_d/sent/${prefix}v$version && git -C $root commit -m '$PIN: ${prefix}v$version was sent'

	The archive will have it at https://lore.kernel.org/r/$id
	EOT
}
