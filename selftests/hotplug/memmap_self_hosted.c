// SPDX-License-Identifier: GPL-2.0
/*
 * System RAM that has its own memory map at the start of each memory block
 * (memory_hotplug.memmap_on_memory): a dax device that kmem adds, sets online,
 * offline and removes.
 *
 * Needs namespace0.0 with a target node that is not the CPU's, and the kernel
 * arguments memory_hotplug.memmap_on_memory=1 and page_owner=on; and
 * CONFIG_FAIL_PAGE_ALLOC. The data is lost.
 */
#include "block.h"
#include "counters.h"
#include "dax.h"
#include "fault.h"
#include "file.h"
#include "ram.h"
#include "test.h"

#define BUF_SIZE		(32 * MB)
#define STRUCT_PAGE		64	/* bytes */
#define KPF_SELF_HOSTED		37	/* KPF_OWNER_PRIVATE */

static struct dax dax;
static struct blocks blocks;
static unsigned long map_pages;	/* of the memory map of a block */

static struct pages map_of(unsigned long block)
{
	return (struct pages){ block * block_pages(), map_pages };
}

static void find_blocks(void)
{
	blocks = block_inside(&dax.data);
	map_pages = block_pages() * STRUCT_PAGE / page_size();
	ksft_print_msg("%lu memory blocks from %lu on, %lu pages of memory map in each\n",
		       blocks.nr, blocks.first, map_pages);
	if (blocks.nr < 2)
		ksft_exit_fail_msg("not two blocks\n");
}

/* Ask for it while no driver has the device. */
static bool ask(void)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/memmap_on_memory", dax.name);
	err = file_write(path, "1");
	if (err)
		ksft_print_msg("%s: %s\n", path, strerror(-err));
	return !err && file_number(path) == 1;
}

/* The pages of the memory maps are online, one user each, and marked. */
static bool maps_are_marked(void)
{
	unsigned long block, pfn, wrong = 0;
	bool good = true;

	block_for_each(block, &blocks) {
		const struct pages map = map_of(block);
		const struct test_memmap_page *recs = block_read(block);

		good &= page_check_state("memory map", &map, ONLINE_MASK, ONLINE_PAGE);
		for (pfn = map.pfn; page_in(&map, pfn); pfn++)
			wrong += recs[pfn - map.pfn].refcount != 1 ||
				 !(page_kpageflags(pfn) >> KPF_SELF_HOSTED & 1);
		/* The first page behind it is as any other. */
		wrong += page_kpageflags(pfn) >> KPF_SELF_HOSTED & 1;
	}
	if (wrong)
		ksft_print_msg("%lu pages have another reference count or mark\n", wrong);
	return good && !wrong;
}

/* All blocks are managed but for their memory map; nothing is taken from RAM. */
static bool grew(const struct counters *before, const struct counters *after)
{
	const long want = (blocks.pages.nr - blocks.nr * map_pages) * (page_size() / 1024);

	return test_is("MemTotal", after->total_kb - before->total_kb, want);
}

/* Memory of the device's node is in the blocks, and not in their memory maps. */
static void *get_buf(int nid, bool *good)
{
	const size_t nr = BUF_SIZE / page_size();
	void *buf = mem_map_node(BUF_SIZE, nid);
	unsigned long block;

	*good = page_count_mapped(buf, BUF_SIZE, &blocks.pages) == nr;
	block_for_each(block, &blocks) {
		const struct pages map = map_of(block);

		*good &= !page_count_mapped(buf, BUF_SIZE, &map);
	}
	return buf;
}

/*
 * Pages run out sooner or later while a block goes online, for page_ext if
 * nothing else: it stays offline. Another one is online, so that the node has
 * memory, and a tier.
 */
static bool online_fails(void)
{
	const unsigned long other = blocks.first + 1;
	bool refused = true, good = !block_try_state(other, "online_movable");
	unsigned long number, failed = 0;
	char path[96];
	int fd, err;

	snprintf(path, sizeof(path), BLOCK_DIR "/memory%lu/state", blocks.first);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (number = 0; refused && good; number += 1 + number / 8) {
		fault_begin(FAULT_PAGES, number);
		err = write(fd, "online_movable", strlen("online_movable")) < 0 ? errno : 0;
		refused = fault_end();
		failed += !!err;
		good = err ? block_online(blocks.first) == 0 :
		       !block_try_state(blocks.first, "offline");
	}
	close(fd);
	good = !block_try_state(other, "offline") && good;
	ksft_print_msg("onlining failed %lu times, with %lu pages it works\n", failed, number);
	return good && failed;
}

static bool is_removed(void)
{
	return dax_tell(&dax, KMEM_DRIVER, "unbind") &&
	       dax_tell(&dax, KMEM_DRIVER, "remove_id") &&
	       block_is_gone(&blocks) && page_is_gone("device", &dax.data);
}

int main(void)
{
	static struct counters before, online, after;
	bool good, used;
	void *buf;
	int nid;

	test_begin();
	ns_require("namespace0.0");
	if (access(KMEM_DRIVER, F_OK))
		ksft_exit_skip("needs CONFIG_DEV_DAX_KMEM\n");
	dax_make("namespace0.0", "2M", &dax);
	nid = dax_target_node(&dax);
	if (nid <= 0)
		ksft_exit_skip("needs a namespace on a node of its own\n");
	find_blocks();

	fault_require();
	ksft_set_plan(10);
	good = dax_tell(&dax, DAX_DRIVER, "unbind") && ask();
	ksft_test_result(good, "asked\n");
	counters_read(&before);
	good = good && dax_tell(&dax, KMEM_DRIVER, "new_id");
	ksft_test_result(good && block_all_offline(&blocks), "added\n");
	ksft_test_result(good && online_fails() && block_all_offline(&blocks), "fails\n");

	good = good && block_set_all(&blocks, "online_movable");
	counters_read(&online);
	ksft_test_result(good && counters_all_in_zone(&blocks, "Movable"), "online\n");
	ksft_test_result(grew(&before, &online), "counted\n");
	ksft_test_result(maps_are_marked(), "marked\n");
	buf = get_buf(nid, &used);
	ksft_test_result(used && mem_is_filled(buf, BUF_SIZE), "used\n");

	good = block_set_all(&blocks, "offline");
	ksft_test_result(good && block_all_offline(&blocks) && mem_is_filled(buf, BUF_SIZE) &&
			 !page_count_mapped(buf, BUF_SIZE, &blocks.pages), "offline\n");
	munmap(buf, BUF_SIZE);
	good = is_removed();
	counters_read(&after);
	ksft_test_result(good && counters_are_same(&before, &after), "removed\n");
	good = dax_tell(&dax, DAX_DRIVER, "bind");
	ksft_test_result(good && dax_check("devdax again", &dax), "devdax_again\n");
	ksft_exit(!ksft_get_fail_cnt());
}
