// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of a virtio-mem device, one memory block of which is plugged only in
 * part: what the struct pages of both parts look like.
 *
 *	memmap_virtio_mem START SIZE	bytes, in any base
 *
 * The device is at START and has been asked to plug SIZE, one memory block and
 * a part of the next. The driver adds whole blocks; the pages that are not
 * plugged must never get to the page allocator: the driver keeps them with a
 * reference, PageOffline, and PG_dirty as its own mark. The blocks must be
 * offline to begin with (memhp_default_state=offline); in the end the whole one
 * is online.
 */
#include "block.h"
#include "file.h"
#include "test.h"

/* More bits of /proc/kpageflags. */
#define KPF_DIRTY	4
#define KPF_OFFLINE	23

#define ADD_SECONDS	20	/* for the driver to add memory, after probe */
#define CHUNK		4096
#define SHOWN		4

static unsigned long whole, part;	/* the two memory blocks */
static unsigned long plugged_pages;	/* of @part */

/* Memory that the page allocator manages, in pages. */
static long managed_pages(void)
{
	return file_field("/proc/meminfo", "MemTotal") * 1024 / page_size();
}

/*
 * True if each page of the range is online, and the page allocator's, or with
 * @kept PageOffline and dirty: never given to the allocator.
 */
static bool check_part(const char *what, struct pages pages, bool kept)
{
	const unsigned long long mask = 1ULL << KPF_DIRTY | 1ULL << KPF_OFFLINE;
	static struct test_memmap_page recs[CHUNK];
	static unsigned long long words[CHUNK];
	unsigned long end = pages.pfn + pages.nr, bad = 0, i;
	bool good;

	for (; pages.pfn < end; pages.pfn += pages.nr) {
		pages.nr = end - pages.pfn < CHUNK ? end - pages.pfn : CHUNK;
		page_read(pages.pfn, recs, pages.nr);
		page_read_kpageflags(&pages, words);
		for (i = 0; i < pages.nr; i++) {
			good = (recs[i].state & ONLINE_MASK) == ONLINE_PAGE;
			if (kept)
				good &= (words[i] & mask) == mask && recs[i].refcount == 1;
			else
				good &= !(words[i] >> KPF_OFFLINE & 1);
			if (!good && bad++ < SHOWN)
				ksft_print_msg("%s: pfn %#lx kpageflags %#llx state %#x refcount %d\n",
					       what, pages.pfn + i, words[i],
					       recs[i].state, recs[i].refcount);
		}
	}
	if (bad)
		ksft_print_msg("%s: %lu pages are not as they should be\n", what, bad);
	return !bad;
}

/* Only what is plugged counts as memory. */
static bool check_managed(unsigned long block, long before, long more)
{
	char what[64];

	snprintf(what, sizeof(what), "memory%lu: pages more", block);
	return test_is(what, managed_pages() - before, more);
}

/* Online @block, of which @plugged pages are plugged, and report two cases. */
static void test_online(unsigned long block, unsigned long plugged,
			const char *online, const char *managed)
{
	const unsigned long pfn = block * block_pages();
	const struct pages used = { pfn, plugged };
	const struct pages rest = { pfn + plugged, block_pages() - plugged };
	long before = managed_pages();
	bool good;

	good = block_set_state(block, "online_movable") && block_online(block) == 1;
	ksft_test_result(good && check_part(online, used, false) &&
			 check_part(online, rest, true), "%s\n", online);
	ksft_test_result(check_managed(block, before, plugged), "%s\n", managed);
}

/* Offline @block, of which @plugged pages are plugged. */
static void test_offline(unsigned long block, unsigned long plugged,
			 const char *word)
{
	const struct blocks one = block_one(block);
	long before = managed_pages();
	bool good;

	good = block_set_state(block, "offline");
	good &= check_managed(block, before, -(long)plugged);
	ksft_test_result(good && block_all_offline(&one), "%s\n", word);
}

int main(int argc, char **argv)
{
	unsigned long long start, size, block_size;
	long long end;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_virtio_mem START SIZE\n");
	if (access("/sys/bus/virtio/drivers/virtio_mem", F_OK))
		ksft_exit_skip("needs CONFIG_VIRTIO_MEM\n");

	start = strtoull(argv[1], NULL, 0);
	size = strtoull(argv[2], NULL, 0);
	block_size = block_pages() * page_size();
	whole = start / block_size;
	part = whole + 1;
	if (start % block_size || size <= block_size || size >= 2 * block_size)
		ksft_exit_fail_msg("%#llx %#llx: not one block of %#llx and a part\n",
				   start, size, block_size);
	plugged_pages = (size - block_size) / page_size();

	end = test_ms() + ADD_SECONDS * 1000;
	while (block_online(part) < 0 && test_ms() < end)
		usleep(10000);

	ksft_set_plan(9);
	ksft_test_result(!block_online(whole) && !block_online(part) &&
			 block_online(part + 1) < 0, "blocks_offline\n");
	test_online(whole, block_pages(), "whole_online", "whole_managed");
	test_online(part, plugged_pages, "part_online", "part_managed");
	test_offline(part, plugged_pages, "part_offline");
	test_online(part, plugged_pages, "part_online_again", "part_managed_again");
	test_offline(part, plugged_pages, "part_offline_again");
	ksft_exit(!ksft_get_fail_cnt());
}
