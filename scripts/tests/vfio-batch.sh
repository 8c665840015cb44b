#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How many pages vfio_batch_contiguous() compares for a full batch of contiguous pages,
# with pages of 4K, 16K and 64K: each page once, however many subsections there are.
#
# The function is the one in the patch. What it calls is written here, like in the
# kernel: num_pages_contiguous() of include/linux/mm_inline.h.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/batch.c" <<'EOF'
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_ZONE_DEVICE
#define PAGE_SIZE		(1UL << PAGE_SHIFT)
#define CAPACITY		(PAGE_SIZE / sizeof(struct page *))
#define PAGES_PER_SUBSECTION	(1UL << (21 - PAGE_SHIFT))
#define SUBSECTION_ALIGN_UP(pfn) \
	(((pfn) + PAGES_PER_SUBSECTION - 1) & ~(PAGES_PER_SUBSECTION - 1))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define page_to_pfn(page)	((unsigned long)((page) - memmap))

struct page { char byte; };
struct vfio_batch { struct page **pages; unsigned int size, offset; };

static struct page memmap[1 << 20];
static unsigned long compares;

static size_t num_pages_contiguous(struct page **pages, size_t nr_pages)
{
	struct page *cur_page = pages[0];
	size_t i;

	for (i = 1; i < nr_pages; i++) {
		compares++;
		if (++cur_page != pages[i])
			break;
	}
	return i;
}

EOF
sed -n '/^+static long vfio_batch_contiguous/,/^+}/s/^+//p' "$root"/patches/*/*-vfio-type1-Account-RAM-that-follows*.patch >>"$tmp/batch.c"
cat >>"$tmp/batch.c" <<'EOF'

/* As vfio_pin_pages_remote() does. A full batch, from the last page of a subsection on. */
int main(void)
{
	struct page **pages = malloc(CAPACITY * sizeof(*pages));
	struct vfio_batch batch = { .pages = pages, .size = CAPACITY };
	unsigned long runs = 0, i;
	long nr_pages;

	for (i = 0; i < CAPACITY; i++)
		pages[i] = &memmap[PAGES_PER_SUBSECTION - 1 + i];
	for (; batch.size; batch.size -= nr_pages, batch.offset += nr_pages, runs++)
		nr_pages = vfio_batch_contiguous(&batch);
	printf("%lu %lu %lu\n", CAPACITY, runs, compares);
	return 0;
}
EOF

bad=0
for shift in 12 14 16; do
	gcc -Wall -Werror -DPAGE_SHIFT="$shift" -o "$tmp/batch" "$tmp/batch.c"
	read -r size runs compares < <("$tmp/batch")
	what="pages of $((1 << (shift - 10)))K: $compares compares for $size pages in $runs runs"
	# nothing is compared with the first page of a run
	if ((compares == size - runs)); then
		echo "ok $what"
	else
		echo "not ok $what, wanted $((size - runs))"
		bad=1
	fi
done
exit $bad
