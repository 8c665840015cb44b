// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks of a DIMM that are onlined, used, offlined and onlined again:
 * what their struct pages look like at each step.
 *
 *	memmap_dimm boot START SIZE	a DIMM that was there at boot
 *	memmap_dimm hotplug NAME SIZE	a DIMM that the host plugs on request
 *
 * START and SIZE are bytes, in any base. The memory blocks must be offline to
 * begin with (memhp_default_state=offline). With "boot" the blocks stay as they
 * are in the end, one of them in a kernel zone; with "hotplug" the DIMM is
 * unplugged again.
 */
#include "block.h"
#include "file.h"
#include "ram.h"
#include "test.h"

#define NR_MOVABLE	2		/* blocks onlined to the movable zone */
#define BUF_SIZE	(32 * MB)	/* bytes to write and read */
#define MIN_USED	(16 * MB)	/* bytes of that in the DIMM */

static struct blocks dimm, movable;	/* @movable: its first blocks */
static void *buf;

/* Online blocks and report two cases. */
static void test_online(const struct blocks *blocks, const char *state,
			const char *zone, const char *going_online,
			const char *online)
{
	bool clean = true, good = true;
	unsigned long block;

	block_for_each(block, blocks) {
		file_write(BLOCK_GOING_ONLINE, "0");
		good &= block_set_state(block, state);
		clean &= block_saw_going_online(block);
		good &= block_is_in_zone(block, zone);
	}
	ksft_test_result(clean, "%s\n", going_online);
	ksft_test_result(good, "%s\n", online);
}

static void test_offline(const char *word)
{
	bool good = block_set_all(&movable, "offline");

	ksft_test_result(good & block_all_offline(&movable), "%s\n", word);
}

/*
 * User memory comes from the movable zone first, so it comes from the DIMM.
 * Returns whether it did.
 */
static bool test_write_read(void)
{
	unsigned long used;

	buf = mem_map(BUF_SIZE);
	mem_fill(buf, BUF_SIZE);
	used = page_count_mapped(buf, BUF_SIZE, &dimm.pages) * page_size();
	ksft_test_result(used >= MIN_USED && mem_is_filled(buf, BUF_SIZE), "write_read\n");
	return used >= MIN_USED;
}

/* Offlining has moved the buffer elsewhere. */
static void test_migrated(bool was_in_dimm)
{
	unsigned long used = page_count_mapped(buf, BUF_SIZE, &dimm.pages);

	ksft_test_result(was_in_dimm && !used && mem_is_filled(buf, BUF_SIZE), "migrated\n");
	munmap(buf, BUF_SIZE);
}

static bool in_iomem(void)
{
	return ram_pages(dimm.pages.pfn, dimm.pages.pfn + dimm.pages.nr) == dimm.pages.nr;
}

/* From all blocks offline to @movable online. */
static void test_blocks(void)
{
	bool in_dimm;

	ksft_test_result(block_all_offline(&dimm), "blocks_offline\n");
	test_online(&movable, "online_movable", "Movable", "going_online", "online");
	in_dimm = test_write_read();
	test_offline("offline");
	test_migrated(in_dimm);
	test_online(&movable, "online_movable", "Movable", "going_online_again",
		    "online_again");
}

#define NR_BLOCKS_CASES	8	/* what test_blocks() reports */

/*
 * pseries onlines hot-plugged memory as it is added; with movable_node, to the
 * movable zone.
 */
#define NR_PSERIES_CASES	2

static bool is_pseries(void)
{
	return !access("/proc/device-tree/rtas", F_OK);
}

static void test_pseries(void)
{
	bool clean = true, good = true;
	unsigned long block;

	block_wait(&dimm, 1);
	block_for_each(block, &dimm) {
		clean &= block_saw_going_online(block);
		good &= block_is_in_zone(block, "Movable");
	}
	ksft_test_result(clean, "plug_going_online\n");
	ksft_test_result(good, "plug_online\n");
	block_set_all(&dimm, "offline");
}

static void set_dimm(struct blocks blocks)
{
	dimm = blocks;
	movable = blocks;
	movable.nr = NR_MOVABLE;
	movable.pages.nr = NR_MOVABLE * block_pages();
	if (dimm.nr <= NR_MOVABLE)
		ksft_exit_fail_msg("%lu blocks, not %d or more\n", dimm.nr, NR_MOVABLE + 1);
}

static void test_boot(const char *start, const char *size)
{
	struct blocks kernel;

	set_dimm(block_parse(start, size));
	kernel = block_one(dimm.first + NR_MOVABLE);
	ksft_set_plan(1 + NR_BLOCKS_CASES + 2);
	ksft_test_result(in_iomem(), "iomem\n");
	test_blocks();
	test_online(&kernel, "online_kernel", "Normal", "going_online_kernel",
		    "online_kernel");
}

static void test_hotplug(const char *name, unsigned long want_size)
{
	file_write(BLOCK_GOING_ONLINE, "0");
	set_dimm(dimm_plug(name));
	ksft_set_plan(1 + NR_BLOCKS_CASES + 3 +
		      (is_pseries() ? NR_PSERIES_CASES : 0));
	ksft_test_result(dimm.pages.nr == want_size / page_size() && in_iomem(),
			 "iomem\n");
	if (is_pseries())
		test_pseries();
	test_blocks();

	test_offline("offline_again");
	ksft_test_result(dimm_eject(name), "unplug\n");
	ksft_test_result(block_is_gone(&dimm), "gone\n");
}

int main(int argc, char **argv)
{
	test_begin();
	if (argc == 4 && !strcmp(argv[1], "boot"))
		test_boot(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "hotplug"))
		test_hotplug(argv[2], strtoull(argv[3], NULL, 0));
	else
		ksft_exit_skip("usage: memmap_dimm boot START SIZE | hotplug NAME SIZE\n");
	ksft_exit(!ksft_get_fail_cnt());
}
