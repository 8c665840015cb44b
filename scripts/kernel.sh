#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Build the kernel of one variant: kernel.sh base|series
#
# allnoconfig plus the fragments in qemu-configs/kernel (common, ARCH and
# flavour/FLAVOUR) and those of selftests/ and kunit/, out of tree, into
# build/PIN/VARIANT-FLAVOUR. An option that does not survive
# fails by name, and so does a compiler's warning in a file that the series
# touches. Nothing is done when neither the tree nor a fragment nor the compiler
# has changed. Environment: PIN FLAVOUR JOBS.
#
# Exit codes: 0 built or up to date, 1 the kernel does not build, 2 bad input.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VARIANT=${1:-$VARIANT}
case $VARIANT in
series) src=$tree ;;
base) src=$base_tree ;;
*) die 2 "unknown VARIANT '$VARIANT'; known variants: base series" ;;
esac
[[ -d $src ]] || die 2 "no $src; run: make tree"

configs=$root/qemu-configs/kernel
arch=${ARCH:-x86_64}
fragments=("$configs/common.config" "$configs/$arch.config" "$root/selftests/config"
	"$root/kunit/kunitconfig" "$configs/flavour/$FLAVOUR.config")
if [[ ! -f ${fragments[-1]} ]]; then
	known=$(cd "$configs/flavour" && printf ' %s' *.config)
	die 2 "unknown FLAVOUR '$FLAVOUR'; known flavours:${known//.config/}"
fi

build_folder
out=$build_d/$VARIANT-$FLAVOUR
mkdir -p "$out"
log=$out/build.log
commit=$(g -C "$src" rev-parse HEAD)
compiler=$(gcc --version | head -n 1)
key=$(cat "${fragments[@]}" "${BASH_SOURCE[0]}" <(echo "$commit $compiler") | sha256sum | cut -d' ' -f1)
if [[ -f $out/kernel.stamp && $(<"$out/kernel.stamp") == "$key" ]]; then
	stage kernel "$VARIANT-$FLAVOUR is up to date"
	exit 0
fi
rm -f "$out/kernel.stamp" "$out/build.json"

# The same sources give the same objects wherever and whenever they are built,
# so that ccache finds them; the version tells on the console who booted.
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=memmap KBUILD_BUILD_HOST=memmap
export CCACHE_BASEDIR=$BUILD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=time_macros
cc=gcc
! command -v ccache >/dev/null || cc="ccache gcc"
build=(make -C "$src" "O=$out" "CC=$cc" "LOCALVERSION=-$VARIANT")

stage kernel "$VARIANT-$FLAVOUR: configure"
if ! (cd "$src" && ./scripts/kconfig/merge_config.sh -n -O "$out" "${fragments[@]}") >"$log" 2>&1; then
	tail -n 3 "$log" >&2
	die 1 "configuring $VARIANT-$FLAVOUR failed, see $log"
fi
lost=$(sed -nE 's/^Value requested for (CONFIG_[A-Z0-9_]+) not in final .*/\1/p' "$log" | paste -sd ' ')
[[ -z $lost ]] || die 2 "options of flavour $FLAVOUR that did not survive: $lost; mend $configs"

# A line every 15 s on what is being compiled; the log has everything.
stage kernel "$VARIANT-$FLAVOUR: build; log in $log"
printf '%s\n' "${build[*]} -j${JOBS:-$(nproc)} bzImage modules" >"$out/build.cmd"
"${build[@]}" "-j${JOBS:-$(nproc)}" bzImage modules >"$log" 2>&1 9>&- &
pid=$! seconds=0
trap 'kill "$pid" 2>/dev/null || :' EXIT
while sleep 1 && kill -0 "$pid" 2>/dev/null; do
	((++seconds % 15)) ||
		stage kernel "$VARIANT-$FLAVOUR: $(grep -c '^  CC' "$log") files compiled, $(sed -n '$s/^ *//p' "$log")"
done
if ! wait "$pid"; then
	trap - EXIT
	grep -m 5 -E 'error:|Error |undefined reference|fatal:' "$log" >&2 || tail -n 5 "$log" >&2
	no_space "$log" && die 1 "no space left in $out; make room and run: make kernel VARIANT=$VARIANT"
	die 1 "$VARIANT-$FLAVOUR does not build, see $log"
fi
trap - EXIT

# A warning in a file of ours is an error. Its object goes, so that the next
# build says it again.
touched=$(g -C "$src" diff --name-only "$PIN" HEAD)
bad=0
while IFS=: read -r file line text; do
	file=${file#"$src/"}
	grep -qxF -- "$file" <<<"$touched" || continue
	echo "$file:$line:$text" >&2
	touch -c "$src/$file"
	bad=1
done < <(sed -nE 's@^(\.\./)*([^ :]+:[0-9]+:.*warning: .*)@\2@p' "$log" | sort -u)
((bad == 0)) || die 1 "warnings in files that the series touches, see $log"

config=$(sha256sum "$out/.config" | cut -d' ' -f1)
printf '{"pin": "%s", "variant": "%s", "flavour": "%s", "kernel": "%s", "config": "%s", "compiler": "%s"}\n' \
	"$PIN" "$VARIANT" "$FLAVOUR" "$commit" "$config" "$compiler" >"$out/build.json"
echo "$key" >"$out/kernel.stamp"
stage kernel "$VARIANT-$FLAVOUR: built"
