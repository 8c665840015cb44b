#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The model of bench-model compiles and runs, and finds a store that is left out.
. "$(dirname "$0")/lib/fake.bash"

model=$s/bench/model/memmap_model.c
export SIZE=2G
want 0 '' "$s/bench/model.sh" 1
grep -q '^A MODEL' "$tmp/out" || bad 'it does not say what it is'
for row in today template 'bound: memset'; do
	grep -q "^$row.*[1-9]" "$tmp/out" || bad "no row of $row: $(cat "$tmp/out")"
done
SIZE=2 want 2 '^model: SIZE=2 is not a size like 64G$' "$s/bench/model.sh"
SIZE=9999999G want 2 '^model: SIZE=9999999G takes .* more than is free$' "$s/bench/model.sh"
cp "$model" "$tmp/model.c"
sed -i '0,/i < 8/s//i < 7/' "$model"
want 1 'template: struct page 0 of 524288 is wrong$' "$s/bench/model.sh" 1
if [[ $(uname -m) == x86_64 ]]; then
	sed '0,/i < 8/!s/i < 8/i < 7/' "$tmp/model.c" >"$model"
	want 1 'template, non-temporal: struct page 0 of 524288 is wrong$' "$s/bench/model.sh" 1
fi
sed '/WRITE(page->mapcount, -1)/d' "$tmp/model.c" >"$model"
want 1 'today: 13 stores: struct page 0 of 524288 is wrong$' "$s/bench/model.sh" 1
echo 'int x = NONE;' >>"$model"
want 1 '^model: scripts/bench/model/memmap_model.c does not compile: .*NONE' "$s/bench/model.sh"
end
