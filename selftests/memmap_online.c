// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is onlined in every way there is, and the counters that tell how
 * much of it there is: by how much they change, and that they change back.
 *
 *	memmap_online plug NAME		a DIMM that the host plugs, six times
 *	memmap_online movable NAME	with movable_node: its default is Movable
 *	memmap_online boot START SIZE ZONE [NAME]
 *					memory that was online in ZONE at boot; it
 *					is the DIMM called NAME, and unplugged
 *	memmap_online rounds NAME ROUNDS
 *					a DIMM that is plugged, onlined and unplugged
 *					ROUNDS times, in a node that has no other
 *					memory
 *
 * Numbers are bytes, in any base. Memory blocks are onlined by hand, through
 * their state files, and by the kernel, as auto_online_blocks says: that is
 * memhp_default_state= to begin with, and what it was in the end.
 */
#include "kselftest.h"
#include "memmap_counters.h"

#define AUTO_ONLINE	BLOCKS_DIR "/auto_online_blocks"
#define WARM_UP		2	/* rounds until all caches are filled */

/* The kernel onlines a block after it has made all of them. */
static void wait_online(const struct blocks *blocks)
{
	long long end = now_ms() + PLUG_SECONDS * 1000;
	unsigned long i;

	for (i = blocks->first; i < blocks->first + blocks->nr; i++)
		while (block_online(i) != 1 && now_ms() < end)
			usleep(10000);
}

/* Plug, online as @state says, look, unplug (what is online), look. */
static void test_way(const char *name, const char *prefix, bool automatic,
		     const char *state, const char *zone)
{
	static struct state before, online, after;
	const char *word = state + (strcmp(state, "online") ? strlen("online_") : 0);
	unsigned long long start, size;
	struct blocks blocks;
	bool good;

	read_state(&before);
	good = !write_text(AUTO_ONLINE, automatic ? state : "offline");
	plug_dimm(name, &start, &size);
	blocks = get_blocks(start, size);
	if (automatic)
		wait_online(&blocks);
	else
		good &= set_all(&blocks, state);
	ksft_test_result(good && all_in_zone(&blocks, zone), "%s%s_zone\n", prefix, word);
	read_state(&online);
	ksft_test_result(counters_grew(&before, &online, node_of(blocks.first),
				       zone, blocks.pages),
			 "%s%s_counters\n", prefix, word);

	good = eject_dimm(name);
	read_state(&after);
	ksft_test_result(is_same(&before, &after) && good, "%s%s_gone\n", prefix,
			 word);
}

static void test_plug(const char *name, const char *default_zone)
{
	char old[32];
	int i;

	ksft_set_plan(18);
	read_text(AUTO_ONLINE, old, sizeof(old));
	for (i = 0; i < 2; i++) {
		const char *prefix = i ? "auto_" : "";

		test_way(name, prefix, i, "online", default_zone);
		test_way(name, prefix, i, "online_kernel", "Normal");
		test_way(name, prefix, i, "online_movable", "Movable");
	}
	write_text(AUTO_ONLINE, old);
}

/*
 * Memory that the boot has initialised is unplugged, and the memory map with it:
 * that is memory for all to use then. It had been allocated, and marked reserved,
 * before there was a page allocator.
 */
static void test_unplug(const struct blocks *blocks, const char *name,
			const struct state *offline)
{
	const unsigned long first_pfn = blocks->first * block_pages();
	long kb, map_kb;
	static struct state gone;
	unsigned long i;
	bool good;

	good = eject_dimm(name);
	for (i = blocks->first; i < blocks->first + blocks->nr; i++)
		good &= block_online(i) < 0;
	good &= !system_ram_pages(first_pfn, first_pfn + blocks->pages);
	good &= memmap_count(first_pfn, blocks->pages, TEST_MEMMAP_VALID, 0,
			     "unplugged") == blocks->pages;
	ksft_test_result(good, "gone\n");
	read_state(&gone);
	kb = gone.total_kb - offline->total_kb;
	map_kb = blocks->pages * MAP_ENTRY / 1024;
	ksft_print_msg("MemTotal: %ld kB more, the memory map had %ld kB\n", kb,
		       map_kb);
	/* And what tells the pageblocks' types, for all sections at once. */
	ksft_test_result(kb >= map_kb && kb < map_kb + map_kb / 64, "memory_map\n");
}

/* Memory that was there at boot: off and on again. */
static void test_boot(const struct blocks *blocks, const char *zone,
		      const char *name)
{
	static struct state online, offline, again;
	int nid = node_of(blocks->first);
	bool good;

	ksft_set_plan(name ? 7 : 5);
	ksft_test_result(all_in_zone(blocks, zone), "zone\n");
	read_state(&online);
	good = set_all(blocks, "offline");
	read_state(&offline);
	ksft_test_result(counters_grew(&offline, &online, nid, zone,
				       blocks->pages) &&
			 good, "offline_counters\n");
	good = set_all(blocks, strcmp(zone, "Movable") ? "online_kernel" : "online_movable");
	ksft_test_result(good && all_in_zone(blocks, zone), "zone_again\n");
	read_state(&again);
	ksft_test_result(is_same(&online, &again), "counters_again\n");
	good = set_all(blocks, "offline");
	read_state(&again);
	ksft_test_result(is_same(&offline, &again) && good, "offline_again\n");
	if (name)
		test_unplug(blocks, name, &offline);
}

static long free_kb(void)
{
	write_text("/proc/sys/vm/drop_caches", "3");
	return read_free_kb();
}

/*
 * What /proc knows exactly must be the same after each round. Free memory is not
 * exact: KASAN, for one, keeps freed objects for a while. A memory map that is
 * lost in each round, or an eighth of it, is more than that. The zone is Movable:
 * in a kernel zone, kswapd and kcompactd of the node can have their stacks.
 */
static void test_rounds(const char *name, int rounds)
{
	static struct state before, online, after;
	unsigned long long start, size;
	long memory_kb = 0, limit = 0;
	bool good = true, same = true;
	struct blocks blocks;
	int round;

	ksft_set_plan(3);
	read_state(&before);
	for (round = 0; round < rounds && good && same; round++) {
		if (round == WARM_UP)
			memory_kb = free_kb();
		plug_dimm(name, &start, &size);
		blocks = get_blocks(start, size);
		limit = 2 * blocks.pages * MAP_ENTRY / 1024;
		good &= set_all(&blocks, "online_movable") &&
			all_in_zone(&blocks, "Movable");
		read_state(&online);
		good &= counters_grew(&before, &online, node_of(blocks.first),
				      "Movable", blocks.pages);
		good &= set_all(&blocks, "offline");
		good &= eject_dimm(name);
		read_state(&after);
		same &= is_same(&before, &after);
	}
	memory_kb -= free_kb();
	ksft_print_msg("%d rounds, %ld kB less free; limit %ld kB\n", round,
		       memory_kb, limit);
	ksft_test_result(round == rounds && good, "online\n");
	ksft_test_result(same, "same\n");
	ksft_test_result(round > WARM_UP && memory_kb < limit, "memory\n");
}

int main(int argc, char **argv)
{
	struct blocks blocks;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();

	if (argc == 3 && !strcmp(argv[1], "plug")) {
		test_plug(argv[2], "Normal");
	} else if (argc == 3 && !strcmp(argv[1], "movable")) {
		test_plug(argv[2], "Movable");
	} else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "boot")) {
		blocks = get_blocks(strtoull(argv[2], NULL, 0),
				    strtoull(argv[3], NULL, 0));
		test_boot(&blocks, argv[4], argv[5]);
	} else if (argc == 4 && !strcmp(argv[1], "rounds")) {
		test_rounds(argv[2], atoi(argv[3]));
	} else {
		ksft_exit_skip("usage: memmap_online plug|movable NAME, boot RANGE ZONE, or rounds NAME ROUNDS\n");
	}
	ksft_exit(!ksft_get_fail_cnt());
}
