// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks of a DIMM that are onlined, used, offlined and onlined again:
 * what their struct pages look like at each step.
 *
 *	memmap_dimm boot START SIZE	a DIMM that was there at boot
 *	memmap_dimm hotplug NAME SIZE	a DIMM that the host plugs when asked to
 *
 * Numbers are bytes, in any base. The memory blocks must be offline to begin
 * with (memhp_default_state=offline). With "boot" the blocks are left as they
 * are in the end, one of them onlined for the kernel; with "hotplug" the DIMM is
 * unplugged again.
 */
#include <sys/mman.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"

#define NR_MOVABLE	2		/* blocks onlined to the movable zone */
#define BUF_SIZE	(32UL << 20)	/* memory that is written and read */
#define MIN_USED	(16UL << 20)	/* bytes of it that the DIMM must hold */

static unsigned long first_block, nr_blocks, pages_per_block;
static unsigned long page_size;
static unsigned char *buf;

static bool pages_are_offline(unsigned long block)
{
	if (block_online(block)) {
		ksft_print_msg("memory%lu: not offline\n", block);
		return false;
	}

	return memmap_count(block * pages_per_block, pages_per_block,
			    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE,
			    TEST_MEMMAP_VALID, "offline page") ==
	       pages_per_block;
}

/* Online blocks [@from, @from + @nr) and report two cases. */
static void test_online(unsigned long from, unsigned long nr,
			const char *state, const char *zone,
			const char *going_online, const char *online)
{
	bool clean = true, good = true;
	unsigned long block;
	int err;

	for (block = from; block < from + nr; block++) {
		write_text(GOING_ONLINE_FILE, "0");
		err = set_block_state(block, state);
		if (err)
			ksft_print_msg("memory%lu: %s: %s\n", block, state,
				       strerror(-err));
		clean &= saw_going_online(block, pages_per_block);
		good &= !err && block_is_in_zone(block, zone);
	}
	ksft_test_result(clean, "%s\n", going_online);
	ksft_test_result(good, "%s\n", online);
}

static void test_offline(const char *word)
{
	bool good = true;
	unsigned long i;

	for (i = 0; i < NR_MOVABLE; i++) {
		good &= change_block(first_block + i, "offline");
		good &= pages_are_offline(first_block + i);
	}
	ksft_test_result(good, "%s\n", word);
}

static unsigned long pattern(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

static bool buf_is_intact(void)
{
	unsigned long *words = (unsigned long *)buf, i;

	for (i = 0; i < BUF_SIZE / sizeof(*words); i++)
		if (words[i] != pattern(i))
			return false;
	return true;
}

/* How many pages of the buffer the DIMM holds. */
static unsigned long buf_pages_in_dimm(void)
{
	unsigned long first = first_block * pages_per_block, nr = 0, off, pfn;

	for (off = 0; off < BUF_SIZE; off += page_size) {
		pfn = memmap_vaddr_to_pfn(buf + off);
		if (pfn >= first && pfn < first + nr_blocks * pages_per_block)
			nr++;
	}

	return nr;
}

/*
 * User memory comes from the movable zone first, so it comes from the DIMM.
 * Returns whether it did.
 */
static bool test_write_read(void)
{
	unsigned long *words, i, used;

	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	words = (unsigned long *)buf;
	for (i = 0; i < BUF_SIZE / sizeof(*words); i++)
		words[i] = pattern(i);

	used = buf_pages_in_dimm();
	ksft_print_msg("%lu of %lu pages are in the DIMM\n", used,
		       BUF_SIZE / page_size);
	used *= page_size;
	ksft_test_result(used >= MIN_USED && buf_is_intact(), "write_read\n");
	return used >= MIN_USED;
}

/* Offlining has moved the buffer elsewhere. */
static void test_migrated(bool was_in_dimm)
{
	unsigned long used = buf_pages_in_dimm();

	if (used)
		ksft_print_msg("%lu pages are still in the DIMM\n", used);
	ksft_test_result(was_in_dimm && !used && buf_is_intact(), "migrated\n");
	munmap(buf, BUF_SIZE);
}

static bool all_offline(void)
{
	bool good = true;
	unsigned long i;

	for (i = 0; i < nr_blocks; i++)
		good &= pages_are_offline(first_block + i);
	return good;
}

static bool in_iomem(unsigned long long start, unsigned long long size)
{
	return system_ram_pages(start / page_size, (start + size) / page_size)
		== size / page_size;
}

/* From a DIMM that is there, offline, to the same. */
static void test_blocks(void)
{
	bool in_dimm;

	ksft_test_result(all_offline(), "blocks_offline\n");
	test_online(first_block, NR_MOVABLE, "online_movable", "Movable",
		    "going_online", "online");
	in_dimm = test_write_read();
	test_offline("offline");
	test_migrated(in_dimm);
	test_online(first_block, NR_MOVABLE, "online_movable", "Movable",
		    "going_online_again", "online_again");
}

#define NR_BLOCKS_CASES	8	/* what test_blocks() reports */

/*
 * On pseries what is hot-plugged is onlined as it is added; with movable_node
 * that is to the movable zone.
 */
#define NR_PSERIES_CASES	2

static bool is_pseries(void)
{
	return !access("/proc/device-tree/rtas", F_OK);
}

static void test_pseries(void)
{
	long long end = now_ms() + PLUG_SECONDS * 1000;
	bool clean = true, good = true;
	unsigned long block;

	for (block = first_block; block < first_block + nr_blocks; block++) {
		while (block_online(block) != 1 && now_ms() < end)
			usleep(10000);
		clean &= saw_going_online(block, pages_per_block);
		good &= block_is_in_zone(block, "Movable");
	}
	ksft_test_result(clean, "plug_going_online\n");
	ksft_test_result(good, "plug_online\n");
	for (block = first_block; block < first_block + nr_blocks; block++)
		change_block(block, "offline");
}

static void set_range(unsigned long long start, unsigned long long size)
{
	unsigned long long block_size = pages_per_block * page_size;

	first_block = start / block_size;
	nr_blocks = size / block_size;
	if (start % block_size || size % block_size || nr_blocks <= NR_MOVABLE)
		ksft_exit_fail_msg("%#llx %#llx: not %d blocks of %#llx\n",
				   start, size, NR_MOVABLE + 1, block_size);
}

static void test_boot(unsigned long long start, unsigned long long size)
{
	set_range(start, size);
	ksft_set_plan(1 + NR_BLOCKS_CASES + 2);
	ksft_test_result(in_iomem(start, size), "iomem\n");
	test_blocks();
	test_online(first_block + NR_MOVABLE, 1, "online_kernel", "Normal",
		    "going_online_kernel", "online_kernel");
}

static bool is_gone(unsigned long long start, unsigned long long size)
{
	unsigned long pages = size / page_size, blocks = 0, left, ram, i;

	ram = system_ram_pages(start / page_size, (start + size) / page_size);
	for (i = 0; i < nr_blocks; i++)
		blocks += block_online(first_block + i) >= 0;
	left = pages - memmap_count(first_block * pages_per_block, pages,
				    TEST_MEMMAP_VALID, 0, NULL);
	if (ram || blocks || left)
		ksft_print_msg("still there: %lu RAM pages, %lu blocks, %lu struct pages\n",
			       ram, blocks, left);

	return !ram && !blocks && !left;
}

static void test_hotplug(const char *name, unsigned long long want_size)
{
	unsigned long long start, size;

	write_text(GOING_ONLINE_FILE, "0");
	plug_dimm(name, &start, &size);
	set_range(start, size);
	ksft_set_plan(1 + NR_BLOCKS_CASES + 3 +
		      (is_pseries() ? NR_PSERIES_CASES : 0));
	ksft_test_result(size == want_size && in_iomem(start, size), "iomem\n");
	if (is_pseries())
		test_pseries();
	test_blocks();

	test_offline("offline_again");
	ksft_test_result(eject_dimm(name), "unplug\n");
	ksft_test_result(is_gone(start, size), "gone\n");
}

int main(int argc, char **argv)
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	page_size = sysconf(_SC_PAGESIZE);
	pages_per_block = block_pages();

	if (argc == 4 && !strcmp(argv[1], "boot"))
		test_boot(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	else if (argc == 4 && !strcmp(argv[1], "hotplug"))
		test_hotplug(argv[2], strtoull(argv[3], NULL, 0));
	else
		ksft_exit_skip("usage: memmap_dimm boot START SIZE | hotplug NAME SIZE\n");
	ksft_exit(!ksft_get_fail_cnt());
}
