#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Get the source of the pin, verify it, and make it the first commit of
# build/PIN/linux (tagged PIN; branches base and series start there).
#
#   source.sh
#
# Origins, first that is there: KERNEL_SRC_DIR (a folder with a source archive
# or a linux-source package, of another release if the difference is beside it:
# linux-source-7.3-rc7-to-7.3.4.diff.xz), KERNEL_GIT (a local git with the tag), the
# Debian archive through apt and its signatures, kernel.org. Archives that are
# downloaded stay in build/PIN/download. Whatever the origin, the files named
# by series/PIN/base must have the ids that it gives. Nothing half-unpacked
# stays. Ends 2 when an origin that you named has not got the source, and 77,
# naming those tried, when you named none and no origin has it.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/git.sh"

upstream=$(base_key debian | sed 's/^[^=]*=//; s/ .*//; s/-[^-]*$//')	# 7.3.4
url=$(base_key url | sed -n 1p)
other="run: make source KERNEL_SRC_DIR=<folder with the archive>"

# verify DIR: the files that the series touches are those of the tag
verify() {
	local id p bad=()
	while read -r id p; do
		[[ -f $1/$p ]] || die 1 "$2: $p is missing; this is not the source of $PIN; $other"
		[[ $(g hash-object --no-filters "$1/$p") == "$id" ]] || bad+=("$p")
	done < <(base_key blob)
	((${#bad[@]})) || return 0
	die 1 "$2: ${bad[0]} is not that of $PIN ($((${#bad[@]} - 1)) more files differ); $other"
}

# checksum FILE: false when base knows the file's name and it is another file
checksum() {
	local sum
	sum=$(base_key sha256 | awk -v f="${1##*/}" '$2 == f && !n++ { print $1 }')
	[[ -z $sum || $sum == "$(sha256sum <"$1" | cut -d' ' -f1)" ]]
}

# the archive names under which the pin's source is known
names() {
	base_key sha256 | awk '{ print $2 }'
	[[ -z $url ]] || echo "${url##*/}"
	printf '%s\n' "linux-${PIN#v}.tar."{xz,gz} "linux_${upstream:-${PIN#v}}.orig.tar."{xz,gz}
}

# version PACKAGE: of its upstream source
version() { dpkg-deb -f "$1" Version 2>/dev/null | sed 's/-[^-]*$//'; }

# difference ARCHIVE: print the file beside a package of another release that makes it
# the source of the pin, if there is one
difference() {
	local n f
	[[ $1 == *.deb ]] && n=$(version "$1") || return 0
	f=${1%/*}/linux-source-${n/\~/-}-to-${upstream:-${PIN#v}}.diff.xz
	[[ ! -f $f ]] || echo "$f"
}

# find_in DIR: print the archive in DIR, if there is one
find_in() {
	local n f
	while read -r n; do
		[[ -f $1/$n ]] && { echo "$1/$n"; return; }
	done < <(names)
	for f in "$1"/linux-source-*.deb; do
		[[ -f $f ]] || continue
		n=$(version "$f") || continue
		[[ $n == "$upstream" || $n == "${PIN#v}" || -n $(difference "$f") ]] && { echo "$f"; return; }
	done
	return 0
}

# content ARCHIVE: its tar stream
content() {
	local inner
	case $1 in
	*.deb)
		# no `grep -m1`: it would break dpkg-deb's pipe
		inner=$(dpkg-deb --fsys-tarfile "$1" | tar -t | grep -E '^(\./)?usr/src/linux-source-[^/]*\.tar\.xz$')
		dpkg-deb --fsys-tarfile "$1" | tar -xO "$inner" | xz -dc ;;
	*.xz) xz -dc <"$1" ;;
	*.gz) gzip -dc <"$1" ;;
	esac
}

from_kernel_org() {
	local name=${url##*/} part rc=0 err sums
	local get=(curl -fsSL --connect-timeout 20 --retry 3)
	[[ -n $url ]] || { echo "no url"; return 1; }
	part=$download_d/$name.part
	err=$("${get[@]}" -C - -o "$part" "$url" 2>&1) || rc=$?
	if ((rc == 33 || rc == 36 || rc == 22)) && [[ -s $part ]]; then
		# nothing left to resume, or the server cannot: start over
		rm -f "$part"
		rc=0
		err=$("${get[@]}" -o "$part" "$url" 2>&1) || rc=$?
	fi
	((rc == 0)) || { tail -n1 <<<"$err"; return 1; }
	# base may not know this archive: the folder on the server has sums
	if ! base_key sha256 | grep -q " $name\$" && sums=$("${get[@]}" "${url%/*}/sha256sums.asc" 2>/dev/null) &&
		! grep -qxF "$(sha256sum <"$part" | cut -d' ' -f1)  $name" <<<"$sums"; then
		rm -f "$part"
		echo "$name is not what sha256sums.asc beside it says"
		return 1
	fi
	mv "$part" "$download_d/$name"
}

tmp=$tree.tmp.$$
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

build_folder
if [[ -e $tree ]]; then
	g --git-dir="$tree/.git" rev-parse -q --verify "refs/tags/$PIN" >/dev/null 2>&1 ||
		die 2 "build/$PIN/linux is there but not made by this project; run: rm -rf $tree"
	# base may name files that it did not name when the source came
	base_key blob | while read -r id p; do
		[[ $(g -C "$tree" rev-parse -q --verify "$PIN:$p") == "$id" ]] ||
			die 1 "build/$PIN/linux: $p is not what series/$PIN/base says; run: rm -rf $build_d && make source"
	done
	exit 0
fi
rm -rf "$tree".tmp.*	# what a killed run left

git_dir='' archive='' ours=''
if [[ -n ${KERNEL_SRC_DIR:-} ]]; then
	[[ -d $KERNEL_SRC_DIR ]] || die 2 "KERNEL_SRC_DIR=$KERNEL_SRC_DIR is not a folder"
	archive=$(find_in "$KERNEL_SRC_DIR")
	[[ -n $archive ]] || die 2 "KERNEL_SRC_DIR=$KERNEL_SRC_DIR has no source of $PIN; looked for: $(names | sort -u | tr '\n' ' ')or a linux-source package"
elif [[ -n ${KERNEL_GIT:-} ]]; then
	git_dir=$KERNEL_GIT
	git -C "$git_dir" rev-parse -q --git-dir >/dev/null 2>&1 || die 2 "KERNEL_GIT=$KERNEL_GIT is not a git repository (or not readable)"
	git -C "$git_dir" rev-parse -q --verify "refs/tags/$PIN^{commit}" >/dev/null ||
		die 2 "KERNEL_GIT=$KERNEL_GIT has no tag $PIN; run: git -C $KERNEL_GIT fetch --tags"
else
	ours=1
	archive=$(find_in "$download_d")
	if [[ -z $archive ]]; then
		stage "asking the Debian archive for $PIN"
		if ! why=$("$root/scripts/series/source-apt.sh" "$download_d" "$(base_key debian)" 2>&1 >/dev/null); then
			stage "not in the Debian archive (${why##*: }); asking kernel.org"
			why2=$(from_kernel_org) ||
				die 77 "no source of $PIN; tried the Debian archive (${why##*: }) and kernel.org ($why2); $other"
		fi
		archive=$(find_in "$download_d")
		[[ -n $archive ]] || die 1 "no source of $PIN came; $other"
	fi
fi

if [[ -n $archive ]] && ! checksum "$archive"; then
	[[ -z $ours ]] || { rm -f "$archive"; other="run: make source"; }
	die 1 "${archive##*/}: checksum is not the one in series/$PIN/base${ours:+, removed}; $other"
fi

from=${archive:-$git_dir}
stage "unpacking $from"
mkdir "$tmp"
untar=(tar -x -C "$tmp" --no-same-owner --no-same-permissions)
full="disk full below $BUILD: a tree needs about 3 GB; run: make BUILD=<a roomy folder>"
unpack() {
	local diff
	if [[ -n $git_dir ]]; then
		git -C "$git_dir" -c core.autocrlf=false archive "refs/tags/$PIN" | "${untar[@]}"
	else
		content "$archive" | "${untar[@]}" --strip-components=1 || return
		diff=$(difference "$archive")
		[[ -z $diff ]] || xz -dc <"$diff" | patch -d "$tmp" -p1 -s
	fi
}
if ! err=$(unpack 2>&1); then
	no_space "$err" && die 1 "$full"
	[[ -z $ours ]] || { rm -f "$archive"; other="run: make source"; }
	die 1 "${from##*/}: cannot be unpacked, truncated or damaged ($(head -n1 <<<"$err"))${ours:+, removed}; $other"
fi
verify "$tmp" "${from##*/}"

stage "committing as $PIN"
commit() {
	g init -q --template= -b series "$tmp" &&
		cd "$tmp" &&
		g config core.autocrlf false &&
		g config core.attributesFile /dev/null &&
		g config gc.auto 0 &&
		g add -Af . &&
		content=$(g write-tree) &&
		# one name and one date: the ids are the same on every machine
		id=$(GIT_AUTHOR_NAME=source GIT_AUTHOR_EMAIL=source@localhost GIT_AUTHOR_DATE='1700000000 +0000' \
			GIT_COMMITTER_NAME=source GIT_COMMITTER_EMAIL=source@localhost GIT_COMMITTER_DATE='1700000000 +0000' \
			g commit-tree -m "Linux ${PIN#v}" "$content") &&
		printf "create refs/%s $id\n" tags/"$PIN" {heads,made}/{base,series} | g update-ref --stdin
}
if ! err=$(commit 2>&1); then
	no_space "$err" && die 1 "$full"
	die 1 "cannot commit build/$PIN/linux ($(head -n1 <<<"$err"))"
fi
mv "$tmp" "$tree"
stage "build/$PIN/linux is $PIN ($(g -C "$tree" rev-parse --short=12 "$PIN"))"
