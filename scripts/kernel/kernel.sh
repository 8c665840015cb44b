#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the kernel of one variant: kernel.sh base|series|drop/PATCH|set/SET
#
# allnoconfig plus the fragments in qemu-configs/kernel (common, ARCH and
# flavour/FLAVOUR) and those of selftests/ and kunit/, out of tree, into
# build/PIN/VARIANT-FLAVOUR, with -ARCH behind it when that is not x86_64. An option that does not survive
# fails by name, and so does a compiler's warning in a file that the series
# touches. Nothing is done when neither the tree nor a fragment nor the compiler
# has changed. All drops are built in build/PIN/drop/build-FLAVOUR, one after
# the other, and all sets in build/PIN/set/build-FLAVOUR; what a guest needs,
# test_memmap included, is kept in build/PIN/VARIANT-FLAVOUR.
# Environment: PIN FLAVOUR ARCH JOBS.
#
# Exit codes: 0 built or up to date, 1 the kernel does not build, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../series/git.sh"
. "$root/scripts/kernel/kbuild.sh"

VARIANT=${1:-$VARIANT}
case $VARIANT in
series) src=$tree ;;
base) src=$base_tree ;;
drop/?*)
	build_folder
	VARIANT=$("$root/scripts/series/drop.sh" --name "$VARIANT") || exit
	"$root/scripts/series/drop.sh" "$VARIANT" || exit
	src=$drop_tree
	;;
set/?*)
	build_folder
	"$root/scripts/series/set.sh" "$VARIANT" || exit
	src=$set_tree
	;;
*) die 2 "unknown VARIANT '$VARIANT'; known variants: base series drop/PATCH set/SET" ;;
esac
kernel_setup
[[ -d $src ]] || die 2 "no $src; run: make tree"

build_folder
keep=$build_d/$VARIANT-$label
out=$keep
module=()
if [[ $VARIANT == */* ]]; then
	# beside its tree like series is, so that ccache sees the same paths
	out=$build_d/${VARIANT%%/*}/build-$label
	# can't be built later, when the next one is in there
	module=("$root"/selftests/module/*)
fi
mkdir -p "$out" "$keep"
# a set may have no KUnit suite, whose option is the one that ends so
while read -r _ path; do
	[[ ! -f $src/$path ]] || continue
	grep -v '_KUNIT_TEST=' "$root/kunit/kunitconfig" >"$keep/kunitconfig"
	fragments=("${fragments[@]/#"$root/kunit/kunitconfig"/$keep/kunitconfig}")
done < <(kunit_copies)
log=$out/build.log
commit=$(g -C "$src" rev-parse HEAD) source=$(g -C "$src" rev-parse 'HEAD^{tree}')
# what is not committed, files that git does not know yet included, is built, too, and has a name of its own
dirty=$(
	cd "$src"
	exec 3< <(g ls-files -o --exclude-standard -z)	# beside the diff: each looks at the whole tree
	g diff HEAD
	while IFS= read -r -d '' file; do
		if [[ -f $file ]]; then sha256sum -- "$file"; else echo "$file"; fi
	done <&3
)
commit+=${dirty:+-dirty-$(sha256sum <<<"$dirty" | cut -c1-12)}
key=$(cat "${fragments[@]}" "${module[@]}" "${BASH_SOURCE[0]}" <(echo "$source $dirty $compiler") | sha256sum | cut -d' ' -f1)
if [[ -s $keep/$image && -f $keep/kernel.stamp && $(<"$keep/kernel.stamp") == "$key" ]]; then
	stage "$VARIANT-$label is up to date"
	exit 0
fi
rm -f "$keep/kernel.stamp" "$keep/build.json"

# The version tells on the console who booted; line numbers are for call traces
build=(make -C "$src" "O=$out" "CC=$cc" "LOCALVERSION=-${VARIANT%%/*}" KCFLAGS=-g1)
targets=("${image##*/}" modules)
! grep -qx 'CONFIG_GDB_SCRIPTS=y' "${fragments[@]}" || targets+=(scripts_gdb)
# a flavour may instrument no more than the files that the series touches
instrument=$(sed -n 's/^# touched files only: //p' "${fragments[-1]}")
if [[ -n $instrument ]]; then
	# g() takes pathspecs literally
	mapfile -t instrumented < <(g -C "$tree" diff --name-only "$PIN" HEAD | sed -n '/^tools\//!s/.*[^/]\.c$/&/p')
	((${#instrumented[@]})) || die 1 "no file to instrument for FLAVOUR=$FLAVOUR"
	build+=("$instrument=n")
	for file in "${instrumented[@]}"; do
		file=${file##*/}
		build+=("${instrument}_${file%.c}.o=y")
	done
fi

# what a build that did not end warned about is compiled again
mapfile -t touched < <(g -C "$src" diff --name-only "$PIN" HEAD)
[[ ! -f $log ]] || warnings "$log" "$src" "${touched[@]}" >/dev/null

stage "$VARIANT-$label: configure"
configure "$src" "$out" "$log" "${fragments[@]}" || die 1 "configuring $VARIANT-$label failed, see $log"
[[ -z $lost ]] || die 2 "options of $label that did not survive: $lost; correct $configs"

# without a patch it is a file of ours that does not compile, if any: those first
first=()
for file in "${touched[@]}"; do
	[[ $VARIANT == drop/* && $file == *.c && -f $src/$file && -f $build_d/series-$label/${file%.c}.o ]] || continue
	first+=("${file%.c}.o")
done

stage "$VARIANT-$label: build; log in $log"
for part in "${first[*]}" "${targets[*]}"; do
	[[ -z $part ]] || echo "${build[*]} -j${JOBS:-$(nproc)} $part"
done >"$out/build.cmd"
: >"$log"
if { ((${#first[@]})) && ! compile "$VARIANT-$label" "$log" "${build[@]}" "${first[@]}"; } ||
	! compile "$VARIANT-$label" "$log" "${build[@]}" "${targets[@]}"; then
	no_space "$(tail -n 50 "$log")" && die 1 "no space left in $out; make room and run: make kernel VARIANT=$VARIANT"
	die 1 "$VARIANT-$label does not build, see $log"
fi

# A warning in a file of ours is an error, but a drop may leave something that
# is not used
if [[ $VARIANT != drop/* ]]; then
	bad=$(warnings "$log" "$src" "${touched[@]}")
	[[ -z $bad ]] || { echo "$bad" >&2; die 1 "warnings in files that the series touches, see $log"; }
fi

config=$(sha256sum "$out/.config" | cut -d' ' -f1)
printf '{"pin": "%s", "variant": "%s", "flavour": "%s", "kernel": "%s", "config": "%s", "compiler": "%s"}\n' \
	"$PIN" "$VARIANT" "$FLAVOUR" "$commit" "$config" "$compiler" >"$keep/build.json"
if [[ $keep != "$out" ]]; then
	ARCH=$arch "$root/scripts/kernel/test-module.sh" "$src" "$out" || exit
	find "$keep" -name '*.ko' -delete
	(
		cd "$out"
		mapfile -t modules < <(find . -name '*.ko')
		cp --parents "$image" .config usr/gen_init_cpio "${modules[@]}" "$keep"
	)
fi
# git would read again each time what a checkout wrote in its last second
g -C "$src" update-index -q --refresh >/dev/null || :
finished "$keep/kernel.stamp" "$key"
stage "$VARIANT-$label: built"
