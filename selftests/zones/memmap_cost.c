// SPDX-License-Identifier: GPL-2.0
/*
 * What pfn_to_online_page() costs and returns for pfns of every kind.
 *
 *	memmap_cost START SIZE
 *
 * START and SIZE are of memory that is present, but offline: bytes, in any
 * base. Needs namespace0.0 to share a section with RAM, as with
 * memmap=64M!0x12000000.
 *
 * There is no limit on the cost: scripts/bench/ makes a table of it. There, a
 * tick is an instruction.
 */
#include <fcntl.h>
#include <stdint.h>

#include "block.h"
#include "ns.h"
#include "ram.h"
#include "test.h"

#define COST_FILE	PAGE_DEBUGFS("cost")
#define CALLS		TEST_MEMMAP_COST_CALLS
#define TRIES		5
#define ABSENT		(1UL << 28)	/* the pfn of 1 TiB */

/* The first of CALLS pages of RAM in the memory block at @start, or exit. */
static unsigned long find_ram(unsigned long start)
{
	const unsigned long end = start + block_pages();
	struct range ram[MAX_RANGES];
	int nr = ram_read(ram, MAX_RANGES), i;

	for (i = 0; i < nr; i++) {
		if (ram[i].start < start)
			ram[i].start = start;
		if (ram[i].end > end)
			ram[i].end = end;
		if (ram[i].start + CALLS <= ram[i].end)
			return ram[i].start;
	}
	ksft_exit_fail_msg("no RAM from pfn %#lx on\n", start);
	return 0;
}

/* The best of TRIES: unless emulated, others may run in between. */
static void test_kind(const char *word, unsigned long pfn, bool online)
{
	struct test_memmap_cost cost, best = {};
	int fd = open(COST_FILE, O_RDONLY | O_CLOEXEC), i;
	bool good = true;

	for (i = 0; i < TRIES; i++) {
		if (pread(fd, &cost, sizeof(cost), pfn) != sizeof(cost))
			ksft_exit_fail_msg(COST_FILE ": %s\n", strerror(errno));
		good &= cost.calls == CALLS && cost.found == (online ? CALLS : 0);
		if (!i || cost.ticks < best.ticks)
			best.ticks = cost.ticks;
		if (!i || cost.loop_ticks < best.loop_ticks)
			best.loop_ticks = cost.loop_ticks;
	}
	close(fd);
	ksft_print_msg("cost of %s: %llu found in %llu calls, ticks: %llu, without them %llu\n",
		       word, cost.found, cost.calls, best.ticks, best.loop_ticks);
	ksft_test_result(good && best.ticks && best.loop_ticks, "%s\n", word);
}

int main(int argc, char **argv)
{
	unsigned long block;
	struct blocks dimm;
	struct pages pmem;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_cost START SIZE\n");
	if (!ns_read("namespace0.0", &pmem))
		ksft_exit_skip("needs namespace0.0\n");
	dimm = block_parse(argv[1], argv[2]);
	if (!block_all_offline(&dimm) || page_get(ABSENT).state)
		ksft_exit_fail_msg("a DIMM must be offline, and pfn %#lx not there\n", ABSENT);
	block = pmem.pfn / block_pages() * block_pages();

	ksft_set_plan(5);
	test_kind("ordinary", find_ram(block - block_pages()), true);
	test_kind("shared_ram", find_ram(block), true);
	test_kind("shared_device", pmem.pfn, false);
	test_kind("offline", dimm.pages.pfn, false);
	test_kind("absent", ABSENT, false);
	ksft_exit(!ksft_get_fail_cnt());
}
