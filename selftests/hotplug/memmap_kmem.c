// SPDX-License-Identifier: GPL-2.0
/*
 * A dax device turned into System RAM by the kmem driver, and back: what the
 * struct pages of the memory blocks look like at each step, and those of the
 * parts at both ends that do not fill a block.
 *
 *	memmap_kmem		online, offline, and a dax device again
 *	memmap_kmem stays	kmem is unbound while its memory is online
 *	memmap_kmem auto	the same as the first, but the kernel sets it online
 *
 * Needs namespace0.0 with a target node that is not the CPU's; its data is
 * lost. The memory blocks must not be onlined automatically
 * (memhp_default_state=offline). With "stays", the memory stays in use and kmem
 * leaks its data about it: reboot.
 */
#include "block.h"
#include "dax.h"
#include "file.h"
#include "ram.h"
#include "test.h"

#define BUF_SIZE	(32 * MB)
#define NR_CASES	12
#define NR_STAYS_CASES	5
#define NR_AUTO_CASES	13

static struct blocks blocks;
static struct pages ends[2];	/* of the device, outside memory blocks */
static struct dax dax;
static int nid;

static void set_layout(void)
{
	blocks = block_inside(&dax.data);
	ends[0].pfn = dax.data.pfn;
	ends[0].nr = blocks.pages.pfn - dax.data.pfn;
	ends[1].pfn = blocks.pages.pfn + blocks.pages.nr;
	ends[1].nr = dax.data.pfn + dax.data.nr - ends[1].pfn;
	ksft_print_msg("%lu memory blocks from %lu on, %lu pages before and %lu after, node %d\n",
		       blocks.nr, blocks.first, ends[0].nr, ends[1].nr, nid);
	if (blocks.nr < 2 || !ends[0].nr || !ends[1].nr)
		ksft_exit_fail_msg("not two blocks and a part before and after\n");
}

static bool is_devdax(const char *what)
{
	return page_check(what, &dax.data, DEVICE_MASK, DEVICE_PAGE, dax.nid);
}

static bool is_devdax_unreserved(const char *what)
{
	return page_check_state(what, &dax.data,
				DEVICE_MASK | TEST_MEMMAP_RESERVED, DEVICE_PAGE);
}

static bool is_ram(unsigned long want)
{
	return test_is("pages of RAM",
		       ram_pages(dax.data.pfn, dax.data.pfn + dax.data.nr), want);
}

/* True if exactly the whole blocks are there, all offline. */
static bool is_added(void)
{
	bool good = is_ram(blocks.pages.nr);
	unsigned long block;

	block_for_each(block, &blocks)
		good &= block_on_node(block, nid);
	return good && block_all_offline(&blocks) &&
	       block_online(blocks.first - 1) < 0 &&
	       block_online(blocks.first + blocks.nr) < 0 &&
	       page_is_gone("before", &ends[0]) &&
	       page_is_gone("after", &ends[1]) &&
	       page_check_state("added", &blocks.pages, TEST_MEMMAP_PGMAP, 0);
}

/* No memory blocks, struct pages or RAM. */
static bool is_gone(void)
{
	return block_is_gone(&blocks) && page_is_gone("device", &dax.data) && is_ram(0);
}

static void test_online(void)
{
	bool clean = true, good = true;
	unsigned long block;

	block_for_each(block, &blocks) {
		file_write(BLOCK_GOING_ONLINE, "0");
		good &= block_set_state(block, "online_movable");
		clean &= block_saw_going_online(block);
		good &= block_on_node(block, nid) &&
			block_is_in_zone(block, "Movable");
	}
	ksft_test_result(clean, "going_online\n");
	ksft_test_result(good, "online\n");
}

/*
 * auto_online_blocks: the blocks are online when kmem is bound. A process that
 * sets one online after that, as daxctl does, is told that it is too late.
 */
static void test_auto(void)
{
	bool clean = true, online = true, late = true, good;
	unsigned long block;

	file_write(BLOCK_GOING_ONLINE, "0");
	if (file_write(BLOCK_AUTO_ONLINE, "online_movable"))
		ksft_exit_fail_msg("blocks are not onlined automatically\n");
	good = dax_tell(&dax, KMEM_DRIVER, "new_id") && is_ram(blocks.pages.nr);
	file_write(BLOCK_AUTO_ONLINE, "offline");

	ksft_test_result(good && page_is_gone("before", &ends[0]) &&
			 page_is_gone("after", &ends[1]), "added\n");
	block_for_each(block, &blocks) {
		clean &= block_saw_going_online(block);
		online &= block_on_node(block, nid) && block_is_in_zone(block, "Movable");
		late &= test_is("too late", block_write_state(block, "online_movable"), -EINVAL);
	}
	ksft_test_result(clean, "going_online\n");
	ksft_test_result(online, "online\n");
	ksft_test_result(late, "too_late\n");
}

/* Memory of the device's node, filled. @in_blocks: all is in the blocks. */
static void *get_buf(bool *in_blocks)
{
	void *buf = mem_map_node(BUF_SIZE, nid);

	*in_blocks = page_count_mapped(buf, BUF_SIZE, &blocks.pages) == BUF_SIZE / page_size();
	return buf;
}

/* Use the System RAM, and offline it again. */
static void test_ram(void)
{
	unsigned long block;
	void *buf;
	bool good;

	buf = get_buf(&good);
	ksft_test_result(good && mem_is_filled(buf, BUF_SIZE), "used\n");

	block_for_each(block, &blocks)
		good &= block_set_state(block, "offline");
	ksft_test_result(good && is_added(), "offline\n");
	ksft_test_result(good && !page_count_mapped(buf, BUF_SIZE, &blocks.pages) &&
			 mem_is_filled(buf, BUF_SIZE), "migrated\n");
	munmap(buf, BUF_SIZE);
}

#ifdef PIN_V7
#define REFUSED	(-EBUSY)
#else
#define REFUSED	(-ENODEV)	/* really_probe() drops the driver's error */
#endif

/* True if device_dax could not reserve the memory, which is in use. */
static bool devdax_refused(void)
{
	const char *why = "could not reserve range";
	unsigned int before = file_count_log(why), after;
	int err = file_write(DAX_DRIVER "/bind", dax.name);

	after = file_count_log(why);
	ksft_print_msg("device_dax: %s; \"%s\": %u times, %u before\n",
		       err ? strerror(-err) : "is bound", why, after, before);
	return err == REFUSED && after == before + 1;
}

/*
 * kmem can't refuse an unbind while its memory is online; the memory stays,
 * intact, and no other driver gets the device.
 */
static void test_unbind_online(void)
{
	unsigned long block;
	bool in_use, good;
	void *buf;

	buf = get_buf(&in_use);
	good = dax_tell(&dax, KMEM_DRIVER, "unbind");
	in_use &= page_count_mapped(buf, BUF_SIZE, &blocks.pages) == BUF_SIZE / page_size();
	block_for_each(block, &blocks)
		good &= block_is_in_zone(block, "Movable");
	ksft_test_result(good && in_use && mem_is_filled(buf, BUF_SIZE), "unbound_online\n");

	good = devdax_refused();
	ksft_test_result(good && mem_is_filled(buf, BUF_SIZE), "devdax_refused\n");
	munmap(buf, BUF_SIZE);
}

/* Offline, then a dax device again. */
static void test_back(void)
{
	bool good;

	test_ram();
	good = dax_tell(&dax, KMEM_DRIVER, "unbind") &&
	       dax_tell(&dax, KMEM_DRIVER, "remove_id");
	ksft_test_result(good && is_gone(), "removed\n");
	good = dax_tell(&dax, DAX_DRIVER, "bind");
	ksft_test_result(good && is_devdax("devdax again"), "devdax_again\n");
	ksft_test_result(good && is_devdax_unreserved("devdax again"),
			 "devdax_again_flag\n");
}

int main(int argc, char **argv)
{
	const bool stays = argc == 2 && !strcmp(argv[1], "stays");
	const bool automatic = argc == 2 && !strcmp(argv[1], "auto");
	bool good;

	test_begin();
	if (argc > 1 && !stays && !automatic)
		ksft_exit_skip("usage: memmap_kmem [stays|auto]\n");
	ns_require("namespace0.0");
	if (access(KMEM_DRIVER, F_OK))
		ksft_exit_skip("needs CONFIG_DEV_DAX_KMEM\n");

	if (!dax_create("namespace0.0", "dev", "2M", &dax))
		ksft_exit_fail_msg("no dax device\n");
	nid = dax_target_node(&dax);
	if (nid <= 0)
		ksft_exit_skip("needs a namespace on a node of its own\n");
	set_layout();

	ksft_set_plan(stays ? NR_STAYS_CASES : automatic ? NR_AUTO_CASES : NR_CASES);
	if (!stays) {
		ksft_test_result(is_devdax("devdax"), "devdax\n");
		ksft_test_result(is_devdax_unreserved("devdax"),
				 "devdax_flag\n");
	}
	good = dax_tell(&dax, DAX_DRIVER, "unbind") && is_gone();
	if (!stays)
		ksft_test_result(good, "unbound\n");
	else if (!good)
		ksft_exit_fail_msg("%s stays with device_dax\n", dax.name);
	if (automatic) {
		test_auto();
	} else {
		ksft_test_result(dax_tell(&dax, KMEM_DRIVER, "new_id") && is_added(), "added\n");
		test_online();
	}
	if (stays)
		test_unbind_online();
	else
		test_back();
	ksft_exit(!ksft_get_fail_cnt());
}
