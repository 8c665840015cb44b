// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks with holes can't be offlined, and none is added after boot.
 *
 *	memmap_blocks ODD ODD NAME
 *
 * The host plugs these DIMMs on request. The sizes of the ODD ones are not
 * multiples of a memory block, but their sum is; NAME comes after them and has
 * whole blocks. The machine must have been booted with holes in its RAM.
 *
 * offline_pages() returns -EINVAL, before it changes anything, when
 * walk_system_ram_range() does not find all of a block.
 *
 * online_pages() does not check for holes, and need not: blocks with holes only
 * exist from boot, where add_memory_block() creates them online, and they can't
 * be offlined. Memory that is added later has no holes: add_memory_resource(),
 * which ACPI, virtio-mem, dax and the balloons share, refuses what is not
 * aligned to memory blocks; register_memory_resource() refuses what conflicts
 * with another resource, such as the rest of a block from boot (its section
 * exists already, too). The file "probe", if built, adds one whole block. What
 * is left to try is a DIMM that fills only part of a block, which must be
 * refused. Onlining a block with holes is not tried: as for any online block,
 * state_store() returns -EINVAL without checking for holes.
 */
#include "block.h"
#include "file.h"
#include "host.h"
#include "ram.h"
#include "test.h"
#include "zone.h"

#define MAX_HOLEY	32		/* blocks with holes */
#define BUF_SIZE	(512 * MB)	/* memory that must keep its contents */
#define MIN_USED	256		/* pages of it in blocks with holes */
#define CHUNK		4096		/* pages */
#define ODD_TRIES	100		/* times 100 ms */

static unsigned long holey[MAX_HOLEY];
static struct test_memmap_page *before;
static unsigned int nr_holey;
static unsigned long *buf;

static void find_holey(unsigned long block)
{
	unsigned long start = block * block_pages(), pages;

	pages = ram_pages(start, start + block_pages());
	if (pages == block_pages())
		return;
	ksft_print_msg("memory%lu: %lu of %lu pages are RAM\n", block, pages,
		       block_pages());
	if (nr_holey == MAX_HOLEY)
		ksft_exit_fail_msg("more than %d blocks with holes\n",
				   MAX_HOLEY);
	holey[nr_holey++] = block;
}

static bool is_holey(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < nr_holey; i++)
		if (pfn / block_pages() == holey[i])
			return true;
	return false;
}

static unsigned long *buf_word(unsigned long page)
{
	return buf + page * page_size() / sizeof(*buf);
}

/* Fill the buffer. Returns how many of its pages are in blocks with holes. */
static unsigned long fill(void)
{
	unsigned long nr = BUF_SIZE / page_size(), used = 0, page, i;
	static unsigned long pfn[CHUNK];

	buf = mem_map(BUF_SIZE);
	for (page = 0; page < nr; page++)
		*buf_word(page) = mem_pattern(page);
	for (page = 0; page < nr; page += CHUNK) {
		page_read_pfns(buf_word(page), pfn, CHUNK);
		for (i = 0; i < CHUNK; i++)
			used += pfn[i] && is_holey(pfn[i]);
	}
	ksft_print_msg("%lu of %lu pages are in blocks with holes\n", used, nr);

	return used;
}

static bool is_intact(void)
{
	unsigned long page;

	for (page = 0; page < BUF_SIZE / page_size(); page++)
		if (*buf_word(page) != mem_pattern(page))
			return false;
	return true;
}

/* True if writing @text to a file of the block fails with EINVAL. */
static bool refused(unsigned long block, const char *file, const char *text)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), BLOCK_DIR "/memory%lu/%s", block, file);
	err = file_write(path, text);
	if (err != -EINVAL)
		ksft_print_msg("memory%lu: %s > %s: %s\n", block, text, file,
			       strerror(-err));
	return err == -EINVAL;
}

/* Holes must not change at all, and RAM not in state, node and zone. */
static bool pages_are_same(unsigned long block)
{
	unsigned long pfn = block * block_pages(), wrong = 0, i;
	const struct test_memmap_page *after = block_read(block), *a, *b;
	bool same;

	for (i = 0; i < block_pages(); i++) {
		a = &after[i];
		b = &before[i];
		same = a->state == b->state && a->nid == b->nid &&
		       a->zone == b->zone;
		if (!ram_is(pfn + i))
			same = !memcmp(a, b, sizeof(*a));
		wrong += !same;
	}
	if (wrong)
		ksft_print_msg("memory%lu: %lu struct pages changed\n", block,
			       wrong);
	return !wrong;
}

static void test_holey(void)
{
	bool offline = true, kept = true, same = true;
	unsigned long used = fill(), block;
	struct pageblocks pageblocks;
	unsigned int i;

	for (i = 0; i < nr_holey; i++) {
		block = holey[i];
		page_read(block * block_pages(), before, block_pages());
		offline &= refused(block, "state", "offline") &&
			   refused(block, "online", "0");
		kept &= block_online(block) == 1;
		same &= pages_are_same(block);
	}
	ksft_test_result(offline, "offline_refused\n");
	ksft_test_result(kept, "still_online\n");
	ksft_test_result(same, "struct_pages\n");
	zone_read_pageblocks(&pageblocks);
	ksft_test_result(test_is("isolated pageblocks", pageblocks.isolated, 0),
			 "not_isolated\n");
	ksft_test_result(used >= MIN_USED && is_intact(), "data\n");
	munmap(buf, BUF_SIZE);
}

static bool change(unsigned long block, const char *state, int online)
{
	const struct blocks one = block_one(block);

	return block_change(block, state) && block_online(block) == online &&
	       page_check_state(state, &one.pages, TEST_MEMMAP_ONLINE,
				online ? TEST_MEMMAP_ONLINE : 0);
}

static struct pages plug_odd(const char *name)
{
	unsigned long long start, size;
	struct pages dimm;

	host_plug(name, &start, &size);
	dimm.pfn = start / page_size();
	dimm.nr = size / page_size();
	if (!(dimm.nr % block_pages()))
		ksft_exit_fail_msg("%s fills memory blocks\n", name);

	return dimm;
}

/* True if the kernel knows nothing of the DIMM. */
static bool is_ignored(const struct pages *dimm)
{
	return !ram_pages(dimm->pfn, dimm->pfn + dimm->nr) &&
	       block_online(dimm->pfn / block_pages()) < 0 &&
	       page_is_gone("odd DIMM", dimm);
}

static void test_dimms(const char *first, const char *second, const char *name)
{
	bool refused = false;
	struct pages odd[2];
	unsigned long block;
	int tries;

	odd[0] = plug_odd(first);
	odd[1] = plug_odd(second);
	/*
	 * DIMMs are handled one by one: once this one is there, the others have
	 * been refused. They may be retried, and are in /proc/iomem meanwhile.
	 */
	block = dimm_plug(name).first;
	for (tries = 0; tries < ODD_TRIES; tries++) {
		refused = is_ignored(&odd[0]) && is_ignored(&odd[1]);
		if (refused)
			break;
		usleep(100000);
	}
	if (tries)
		ksft_print_msg("looked %d times for what is left of the odd DIMMs\n",
			       tries + refused);
	ksft_test_result(refused, "odd_dimms_refused\n");

	ksft_test_result(!block_online(block) &&
			 change(block, "online_movable", 1), "online\n");
	ksft_test_result(change(block, "offline", 0), "offline\n");
	ksft_test_result(change(block, "online_movable", 1), "online_again\n");
}

int main(int argc, char **argv)
{
	test_begin();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_blocks ODD ODD NAME\n");
	host_require();
	before = calloc(block_pages(), sizeof(*before));
	ram_note();
	block_walk(find_holey);
	if (!before || !nr_holey)
		ksft_exit_fail_msg("no memory, or no block with a hole\n");

	ksft_set_plan(9);
	test_holey();
	test_dimms(argv[1], argv[2], argv[3]);
	ksft_exit(!ksft_get_fail_cnt());
}
