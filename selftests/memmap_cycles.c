// SPDX-License-Identifier: GPL-2.0
/*
 * A DIMM that is plugged, onlined, used, offlined and unplugged again and again
 * leaves nothing behind.
 *
 *	memmap_cycles NAME NODE ROUNDS
 *
 * The host plugs the DIMM called NAME when asked to; NODE has no other memory.
#ifdef PIN_V7
 * Its memory goes to the Movable zone: in a kernel zone, kswapd and kcompactd of
 * this node would have their stacks in it, and it could not be taken offline.
#else
 * Its memory goes to the Movable zone and to a kernel zone in turns.
#endif
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap_counters.h"

#define BUF_SIZE	(16UL << 20)	/* memory that is written and read */
#define WARM_UP		2		/* rounds until all caches are filled */

static unsigned long pattern(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

/* A word of every page of the buffer, and where they are. */
static bool check_buf(const struct blocks *blocks, const unsigned long *buf,
		      bool in_dimm)
{
	unsigned long step = sysconf(_SC_PAGESIZE) / sizeof(*buf), i, pfn;
	unsigned long start = blocks->first * block_pages(), wrong = 0;

	for (i = 0; i < BUF_SIZE / sizeof(*buf); i += step) {
		pfn = memmap_vaddr_to_pfn(buf + i);
		wrong += buf[i] != pattern(i) || !pfn ||
			 (pfn - start < blocks->pages) != in_dimm;
	}
	if (wrong)
		ksft_print_msg("%lu pages are not as written, or not in place\n", wrong);
	return !wrong;
}

static void bind_memory(void *buf, int nid, unsigned int flags)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_mbind, buf, BUF_SIZE, MPOL_BIND, &mask, 8 * sizeof(mask),
		    flags))
		ksft_exit_fail_msg("memory of node %d: %s\n", nid,
				   strerror(errno));
}

/* Write to memory of the node, and have it all moved away. */
static bool use_dimm(const struct blocks *blocks, int nid)
{
	unsigned long step = sysconf(_SC_PAGESIZE) / sizeof(long), *buf, i;
	bool good;

	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	bind_memory(buf, nid, 0);
	for (i = 0; i < BUF_SIZE / sizeof(*buf); i += step)
		buf[i] = pattern(i);
	good = check_buf(blocks, buf, true);
	/*
	 * In a kernel zone, a page on its way to the LRU lists is unmovable. This
	 * moves nothing, but has the kernel put them there.
	 */
	bind_memory(buf, nid, MPOL_MF_MOVE);
	good &= set_all(blocks, "offline");
	good &= check_buf(blocks, buf, false);
	munmap(buf, BUF_SIZE);
	return good;
}

static long free_kb(void)
{
	write_text("/proc/sys/vm/drop_caches", "3");
	return read_free_kb();
}

/*
 * What /proc knows exactly must be the same after each round. Free memory is not
 * exact: KASAN, for one, keeps freed objects for a while. A memory map that is
 * lost in each round, or an eighth of it, is more than that.
 */
static void test_cycles(const char *name, int nid, int rounds)
{
	long memory_kb = 0, slab_kb = 0, limit = 0;
	bool online = true, used = true, same = true;
	static struct state before, now;
	unsigned long long start, size;
	struct blocks blocks;
	int round;

	ksft_set_plan(4);
	read_state(&before);
	for (round = 0; round < rounds && online && used && same; round++) {
#ifdef PIN_V7
		const char *zone = "Movable";
#else
		const char *zone = round % 2 ? "Normal" : "Movable";
#endif

		if (round == WARM_UP) {
			memory_kb = free_kb();
			slab_kb = read_meminfo("Slab:");
		}
		plug_dimm(name, &start, &size);
		blocks = get_blocks(start, size);
		limit = 2 * blocks.pages * MAP_ENTRY / 1024;
#ifdef PIN_V7
		online &= set_all(&blocks, "online_movable");
#else
		online &= set_all(&blocks, round % 2 ? "online_kernel" : "online_movable");
#endif
		online &= all_in_zone(&blocks, zone);
		read_state(&now);
		online &= counters_grew(&before, &now, nid, zone, blocks.pages);
		used &= use_dimm(&blocks, nid);
		online &= eject_dimm(name);
		read_state(&now);
		same &= is_same(&before, &now);
	}
	memory_kb -= free_kb();
	slab_kb = read_meminfo("Slab:") - slab_kb;
	ksft_print_msg("%d rounds, %ld kB less free, %ld kB more slab; limit %ld kB\n",
		       round, memory_kb, slab_kb, limit);
	ksft_test_result(round == rounds && online, "online\n");
	ksft_test_result(used, "used\n");
	ksft_test_result(same, "same\n");
	ksft_test_result(round > WARM_UP && memory_kb < limit, "memory\n");
}

int main(int argc, char **argv)
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_cycles NAME NODE ROUNDS\n");

	test_cycles(argv[1], atoi(argv[2]), atoi(argv[3]));
	ksft_exit(!ksft_get_fail_cnt());
}
