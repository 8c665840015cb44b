// SPDX-License-Identifier: GPL-2.0
/*
 * Pageblocks of which only one half is RAM: what alloc_contig_range() isolates
 * when the other half is device memory, and what it leaves isolated when the
 * other half is a hole and it fails later on.
 *
 * Needs pageblocks of 4 MiB (x86 without HUGETLB_PAGE, and on v7 without
 * TRANSPARENT_HUGEPAGE), in ZONE_MOVABLE:
 * namespace0.0, in raw mode, with struct pages, must begin in the middle of
 * one; and 4 MiB of RAM between two holes must begin and end in the middle of
 * one. For example -m 4000M, kernelcore=2304M memmap=2M$0x142000000
 * memmap=2M$0x142600000 memmap=30M!0x14e200000.
 *
 * Nothing is destroyed, but a kernel with the bug never uses 2 MiB of that RAM
 * again.
 */
#include "file.h"
#include "ns.h"
#include "ram.h"
#include "test.h"
#include "zone.h"

#define CONTIG		PAGE_DEBUGFS("contig")
#define TRIES		5	/* a page may be in use for a moment */
#define NR_CASES	6

/* Allocate @pages, and free them again. Returns 0 or -errno. */
static int get_contig(const char *what, const struct range *pages)
{
	char text[64];
	int err, try;

	snprintf(text, sizeof(text), "%#lx %#lx", pages->start,
		 pages->end - pages->start);
	for (try = 1; ; try++) {
		err = file_write(CONTIG, text);
		if (err != -EBUSY || try == TRIES)
			break;
	}
	ksft_print_msg("%s: pfn %#lx, %lu pages: %s, tried %d times\n", what,
		       pages->start, pages->end - pages->start,
		       err ? strerror(-err) : "can be had", try);
	return err;
}

static void test_contig(const char *word, const struct range *pages, int want)
{
	ksft_test_result(get_contig(word, pages) == want, "%s\n", word);
}

/*
 * No free page may be isolated. Don't use /proc/pagetypeinfo's numbers of
 * pageblocks: they leave out those that begin with a hole.
 */
static void test_isolated(const char *word)
{
	struct pageblocks blocks;

	zone_read_pageblocks(&blocks);
	ksft_test_result(test_is("isolated free pages", blocks.isolated_free, 0),
			 "%s\n", word);
}

/* True if all of @pages are in ZONE_MOVABLE of one node. */
static bool in_movable(const struct range *pages)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES), i;

	for (i = 0; i < nr; i++)
		if (!strncmp(zones[i].name, "Movable", 7) &&
		    zones[i].start <= pages->start && zones[i].end >= pages->end)
			return true;
	return false;
}

/* Sets @ram to what is before @pmem in the pageblock that it begins in. */
static bool find_mixed(unsigned long block, struct pages *pmem,
		       struct range *ram)
{
	if (!ns_read("namespace0.0", pmem))
		return false;
	ram->start = pmem->pfn / block * block;
	ram->end = pmem->pfn;
	/* Only check what is in that pageblock. */
	if (pmem->nr > ram->start + block - pmem->pfn)
		pmem->nr = ram->start + block - pmem->pfn;

	return ram->start < ram->end && in_movable(ram) &&
	       ram_pages(ram->start, ram->end) == ram->end - ram->start;
}

/* Sets @ram to RAM from the middle of a pageblock to that of the next one. */
static bool find_between_holes(unsigned long block, struct range *ram)
{
	struct range all[MAX_RANGES];
	int nr = ram_read(all, MAX_RANGES), i;

	for (i = 0; i < nr; i++) {
		*ram = all[i];
		if (ram->start % block && ram->end % block &&
		    ram->end / block == ram->start / block + 1 &&
		    in_movable(ram))
			return true;
	}
	return false;
}

static void test_device(const struct pages *pmem, const struct range *ram)
{
	const unsigned int mask = TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP;
	unsigned long nr = ram->end - ram->start;
	struct range before = { ram->start - nr, ram->start };

	ksft_test_result(page_check_state("pmem", pmem, mask, mask),
			 "device_pages\n");
	/* Control: as much RAM in the previous pageblock. */
	test_contig("device_before", &before, 0);
	test_contig("device", ram, -EBUSY);
}

static void test_hole(unsigned long block, const struct range *ram)
{
	struct range last = { ram->end / block * block, ram->end };

	/* The hole at the end of its pageblock is reserved. */
	test_contig("hole_last", &last, -EBUSY);
	/*
	 * So both together fail after the first pageblock, which begins with a
	 * hole, was isolated. (The first one alone fails as well, but late: a
	 * block that begins with a hole is not searched for free pages.)
	 */
	test_contig("hole_both", ram, -EBUSY);
	test_isolated("hole_isolated");
}

int main(void)
{
	struct range mixed, between;
	struct pageblocks blocks;
	struct pages pmem;

	ksft_print_header();
	test_require();
	if (access(CONTIG, F_OK))
		ksft_exit_skip("needs CONFIG_CONTIG_ALLOC: no %s\n", CONTIG);
	zone_read_pageblocks(&blocks);
	if (!blocks.pages)
		ksft_exit_fail_msg("pagetypeinfo: no size of pageblocks\n");
	if (!find_mixed(blocks.pages, &pmem, &mixed))
		ksft_exit_skip("needs namespace0.0 in a pageblock of RAM in ZONE_MOVABLE\n");
	if (!find_between_holes(blocks.pages, &between))
		ksft_exit_skip("needs RAM between holes, in two pageblocks of %lu pages\n",
			       blocks.pages);

	ksft_set_plan(NR_CASES);
	test_device(&pmem, &mixed);
	test_hole(blocks.pages, &between);
	ksft_exit(!ksft_get_fail_cnt());
}
