#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Check that series, patches, base and the copies in kunit/ of a pin fit together.
#
#   check-series.sh
#
# Needs no kernel source. Each patch is in the series and each line of the
# series is a patch; base lists just the files of the tag that the patches touch,
# with the ids that the patches start from; the copies in kunit/ are what the
# patches make. One line for each thing that does not fit.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"

bad=0
complain() {
	echo "check-series: $*" >&2
	bad=1
}

# series and patches
declare -A known=()
patches=()
listed=()
list_series listed patches
for patch in "${listed[@]}"; do
	if [[ ! -f $patches_d/$patch ]]; then
		complain "series/$PIN/series: $patch is not in patches/$PIN"
		continue
	fi
	[[ -z ${known[$patch]:-} ]] || complain "series/$PIN/series: $patch is there twice"
	known[$patch]=1
	patches+=("$patch")
done
for f in "$patches_d"/*; do
	f=${f##*/}
	[[ $f == '*' || -n ${known[$f]:-} ]] || complain "patches/$PIN/$f is not in series/$PIN/series"
done

# base against the first touch of each file: `path id-it-starts-from`, no id
# for what the series itself creates
touched() {
	(cd "$patches_d" && awk '
		/^diff --git / { f = $3; sub(/^a\//, "", f); header = 1; next }
		/^@@/ { header = 0 }
		!header { next }
		/^new file mode/ && !(f in id) { id[f] = "new" }
		/^index / && !(f in id) { id[f] = $2; sub(/\.\..*/, "", id[f]) }
		END { for (f in id) if (id[f] != "new") print f, id[f] }' "${patches[@]}" /dev/null)
}
declare -A base=()
while read -r id path; do
	base[$path]=$id
done < <(base_key blob)
while read -r path id; do
	if [[ -z ${base[$path]:-} ]]; then
		complain "series/$PIN/base: no blob line for $path; run: make refresh"
	elif [[ ${base[$path]} != "$id"* ]]; then
		complain "series/$PIN/base: $path is ${base[$path]:0:12} but the patches start from $id; run: make refresh"
	fi
	unset "base[$path]"
done < <(touched)
for path in "${!base[@]}"; do
	complain "series/$PIN/base: no patch touches $path; run: make refresh"
done

# the copies in kunit/: what the patches make of the in-tree files
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
while read -r copy path; do
	for patch in $(cd "$patches_d" && grep -lxF "+++ b/$path" "${patches[@]}" /dev/null); do
		(cd "$work" && GIT_CEILING_DIRECTORIES=${work%/*} g apply --whitespace=nowarn --include="$path" "$patches_d/$patch") 2>"$work/.log" ||
			complain "patches/$PIN/$patch: $(head -n1 "$work/.log")"
	done
	if [[ ! -f $work/$path ]]; then
		complain "series/$PIN/base: no patch makes $path (kunit)"
	elif ! cmp -s "$root/$copy" "$work/$path"; then
		complain "$copy is not $path of the patches; edit the commit in build/$PIN/linux, run: make refresh"
	fi
done < <(kunit_copies)

exit "$bad"
