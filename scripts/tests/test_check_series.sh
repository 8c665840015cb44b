#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whatever does not fit between series, patches, base and test sources is named.
. "$(dirname "$0")/lib/fake.bash"

want 0 '' "$s/gates/check-series.sh" -h
sed -i '/^blob/d' "$fr/series/v0.1/base"
want 0 '' "$s/gates/check-series.sh"
write_base
two_patches
want 0 '' "$s/gates/check-series.sh"
cp -r "$fr" "$tmp/saved"
# try REGEX COMMAND: break something, see it named, repair it
try() {
	(cd "$fr" && eval "$2")
	want 1 "$1" "$s/gates/check-series.sh"
	rm -rf "${fr:?}/series" "${fr:?}/patches" "${fr:?}/kunit"
	cp -r "$tmp/saved"/{series,patches,kunit} "$fr"
}
try 'patches/v0.1/0009-x.patch is not in series' 'touch patches/v0.1/0009-x.patch'
try '0009-x.patch is not in patches/v0.1' 'echo 0009-x.patch >>series/v0.1/series'
try '0001-mm-change-a.patch is there twice' 'echo 0001-mm-change-a.patch >>series/v0.1/series'
try 'no blob line for mm/a.c' 'sed -i /^blob/d series/v0.1/base'
try 'mm/a.c is 0000.* but the patches start from' 'sed -i "s/^blob = ..../blob = 0000/" series/v0.1/base'
try 'no patch touches mm/c.c' 'echo "blob = 1234 mm/c.c" >>series/v0.1/base'
try 'no patch touches mm/t.c' 'echo "blob = 1234 mm/t.c" >>series/v0.1/base'
try 'kunit/v0/t.c is not mm/t.c of the patches; edit the commit in build/v0.1/linux, run: make refresh' 'echo x >>kunit/v0/t.c'
try 'kunit/v0/t.c is not mm/t.c of the patches' 'sed -i "s/^+test one/+test One/" patches/v0.1/0002*'
try 'kunit/v0/t.c is not mm/t.c of the patches' 'rm kunit/v0/t.c'
try 'series/v0.1/base: no patch makes mm/u.c' 'echo kunit = mm/u.c >>series/v0.1/base'
want 0 '' "$s/gates/check-series.sh"
end
