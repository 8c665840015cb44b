#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Run the KUnit suite as a maintainer of the tree does, by its own kunit.py.
#
# Where kunit.py can run QEMU, and the pin has kunit/<its short name>/kunitconfig, it is
# `kunit.py run`: it configures, builds and boots a kernel of its own, in
# build/PIN/kunit-VARIANT. kunit.py of v5.10 can only start User Mode Linux, which has no
# ZONE_DEVICE: there the guest is that of the case, and kunit.py reads what it said. The
# series must pass; base must fail, when the case says that it fails anything.
# Environment: PIN VARIANT FLAVOUR ACCEL JOBS.
#
# Exit codes: 0 as expected, 1 not, 125 the result could not be judged.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"

bad=0
config=$root/kunit/$short/kunitconfig

# without_kvm: have kunit.py, which asks QEMU for KVM first, get emulation where a /dev/kvm
# is there that runs no guest
without_kvm() {
	local bin=$build_d/kunit-bin real
	real=$(type -P qemu-system-x86_64) || die 2 "no qemu-system-x86_64 on this machine; run: make deps"
	mkdir -p "$bin"
	cat >"$bin/qemu-system-x86_64" <<-EOF
	#!/bin/bash
	args=()
	while ((\$#)); do
		if [[ \$1 == -accel && \$2 != tcg ]]; then shift 2; continue; fi
		args+=("\$1")
		shift
	done
	exec ${real@Q} "\${args[@]}"
	EOF
	chmod +x "$bin/qemu-system-x86_64"
	PATH=$bin:$PATH
}

# run_by_tree VARIANT: true when kunit.py says that all passed
run_by_tree() {
	local src=$tree out=$build_d/kunit-$1 cc=gcc
	[[ $1 == series ]] || src=$base_tree
	! command -v ccache >/dev/null || cc='ccache gcc'
	local command=(python3 "$src/tools/testing/kunit/kunit.py" run --arch=x86_64 "--kunitconfig=$config"
		"--build_dir=$out" "--make_options=CC=$cc" "--jobs=${JOBS:-$(nproc)}" "--qemu_args=-m 1G -smp 2"
		"--kernel_args=memmap=16M!1008M" memremap)
	mkdir -p "$out"
	stage "$1: ${command[*]@Q}"
	echo "${command[*]@Q}" >"$out/kunit.cmd"
	(cd "$src" && "${command[@]}" </dev/null)
}

# read_by_tree VARIANT: the same of the stored result of the case, on which the judge must agree
read_by_tree() {
	local result=$RESULTS/$PIN/$label/$1/$name verdict read=pass
	verdict=$(sed -nE 's/^ *"verdict": "([a-z]+)".*/\1/p' "$result/verdict.json")
	printf '\n%s, as %s reads %s:\n' "$1" tools/testing/kunit/kunit.py "${result#"$root/"}/result.ktap"
	python3 "$tree/tools/testing/kunit/kunit.py" parse "$result/result.ktap" || read=fail
	[[ $read == "$verdict" ]] || die 125 "$1: kunit.py says $read, the judge says $verdict: see $result"
	[[ $read == pass ]]
}

runs=
if [[ -f $config ]] && grep -q -- --qemu_args "$tree/tools/testing/kunit/kunit.py"; then
	runs=1
	[[ ${ACCEL:-} != tcg && $(python3 "$root/scripts" accel 2>/dev/null) == kvm ]] || without_kvm
else
	name=$(python3 "$root/scripts" list '*kunit' | cut -d' ' -f1)
	CASE=$name VARIANT=$VARIANT python3 "$root/scripts" boot
fi
for variant in $VARIANT; do
	passed=
	if [[ -n $runs ]]; then
		! run_by_tree "$variant" || passed=1
	else
		! read_by_tree "$variant" || passed=1
	fi
	if [[ $variant != base ]]; then
		[[ -n $passed ]] || bad=1
	elif [[ -n $passed ]]; then
		echo "kunit: base passes, and should fail" >&2
		bad=1
	fi
done
exit "$bad"
