// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a virtio-mem device, of which one memory block is plugged only in
 * part: what the struct pages of both parts look like.
 *
 *	memmap_virtio_mem START SIZE	bytes, in any base
 *
 * The device is at START and has been asked to plug SIZE, one memory block and
 * a part of the next. The driver adds whole blocks; the pages that are not
 * plugged must never get to the page allocator: it keeps them with a reference,
 * PageOffline, and PG_dirty as its own mark. The blocks must be offline to begin
 * with (memhp_default_state=offline), and are in the end.
 */
#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"
#include "memmap_offline.h"

#define ADD_SECONDS	20	/* the driver adds memory after it was probed */

static unsigned long first_block, pages_per_block, plugged_pages;

/* Online @block, of which @plugged pages are plugged, and report two cases. */
static void test_online(unsigned long block, unsigned long plugged,
			const char *online, const char *managed)
{
	unsigned long pfn = block * pages_per_block;
	long before = managed_pages(), more;
	bool good;

	good = set_state(block, "online_movable") && block_online(block) == 1 &&
	       is_held(online, pfn, plugged, 0, 0);
	if (good && plugged < pages_per_block)
		good = is_held(online, pfn + plugged, pages_per_block - plugged,
			       pages_per_block - plugged, 0);
	ksft_test_result(good, "%s\n", online);

	/* What is not plugged must not count as memory. */
	more = managed_pages() - before;
	if (more != (long)plugged)
		ksft_print_msg("memory%lu: %ld pages more, not %lu\n", block,
			       more, plugged);
	ksft_test_result(more == (long)plugged, "%s\n", managed);
}

/* Offline @block, of which @plugged pages are plugged. */
static void test_offline(unsigned long block, unsigned long plugged,
			 const char *word)
{
	unsigned long pfn = block * pages_per_block;
	long before = managed_pages(), less;
	bool good;

	good = set_state(block, "offline") && !block_online(block);
	less = before - managed_pages();
	if (less != (long)plugged)
		ksft_print_msg("memory%lu: %ld pages less, not %lu\n", block,
			       less, plugged);
	good &= less == (long)plugged &&
		memmap_count(pfn, pages_per_block,
			     TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE,
			     TEST_MEMMAP_VALID, word) == pages_per_block;
	ksft_test_result(good, "%s\n", word);
}

int main(int argc, char **argv)
{
	unsigned long long start, size, block_size;
	long long end;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_virtio_mem START SIZE\n");
	if (access("/sys/bus/virtio/drivers/virtio_mem", F_OK))
		ksft_exit_skip("needs CONFIG_VIRTIO_MEM\n");

	start = strtoull(argv[1], NULL, 0);
	size = strtoull(argv[2], NULL, 0);
	pages_per_block = block_pages();
	block_size = pages_per_block * sysconf(_SC_PAGESIZE);
	first_block = start / block_size;
	if (start % block_size || size <= block_size || size >= 2 * block_size)
		ksft_exit_fail_msg("%#llx %#llx: not one block of %#llx and a part\n",
				   start, size, block_size);
	plugged_pages = (size - block_size) / sysconf(_SC_PAGESIZE);

	end = now_ms() + ADD_SECONDS * 1000;
	while (block_online(first_block + 1) < 0 && now_ms() < end)
		usleep(10000);

	ksft_set_plan(9);
	ksft_test_result(!block_online(first_block) &&
			 !block_online(first_block + 1) &&
			 block_online(first_block + 2) < 0, "blocks_offline\n");
	test_online(first_block, pages_per_block, "whole_online",
		    "whole_managed");
	test_online(first_block + 1, plugged_pages, "part_online",
		    "part_managed");
	test_offline(first_block + 1, plugged_pages, "part_offline");
	test_online(first_block + 1, plugged_pages, "part_online_again",
		    "part_managed_again");
	test_offline(first_block + 1, plugged_pages, "part_offline_again");
	ksft_exit(!ksft_get_fail_cnt());
}
