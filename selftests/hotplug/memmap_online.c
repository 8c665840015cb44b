// SPDX-License-Identifier: GPL-2.0
/*
 * Online memory in every way, and check that the counters of memory change by
 * the right amount, and change back.
 *
 *	memmap_online plug NAME		a DIMM that the host plugs, six times
 *	memmap_online movable NAME	with movable_node: its default is Movable
 *	memmap_online boot START SIZE ZONE [NAME]
 *					memory that was online in ZONE at boot;
 *					NAME is its DIMM, to be unplugged
 *	memmap_online kernel NAME	a DIMM in a kernel zone of a node that has
 *					no other memory
 *	memmap_online rounds NAME ROUNDS [WARM_UP]
 *					a DIMM that is plugged, onlined and
 *					unplugged ROUNDS times, in a node that has
 *					no other memory; what is lost in the first
 *					WARM_UP (2) rounds does not count
 *
 * START and SIZE are bytes, in any base. Memory blocks are onlined by hand,
 * through their state files, and by the kernel, according to
 * auto_online_blocks. That is memhp_default_state= at first, and is restored in
 * the end.
 */
#include "counters.h"
#include "file.h"
#include "test.h"

#define STRUCT_PAGE	64	/* bytes */
#define WARM_UP		"2"	/* rounds until all caches are filled */

/* Plug, online as @state says, check, unplug while online, check. */
static void test_way(const char *name, const char *prefix, bool automatic,
		     const char *state, const char *zone)
{
	static struct counters before, online, after;
	const char *word = state + (strcmp(state, "online") ? strlen("online_") : 0);
	struct blocks blocks;
	bool good;

	counters_read(&before);
	good = !file_write(BLOCK_AUTO_ONLINE, automatic ? state : "offline");
	blocks = dimm_plug(name);
	/* The kernel first creates all blocks, then onlines them. */
	if (automatic)
		block_wait(&blocks, 1);
	else
		good &= block_set_all(&blocks, state);
	ksft_test_result(good && counters_all_in_zone(&blocks, zone), "%s%s_zone\n",
			 prefix, word);
	counters_read(&online);
	ksft_test_result(counters_grew(&before, &online, &blocks, zone),
			 "%s%s_counters\n", prefix, word);

	good = dimm_eject(name);
	counters_read(&after);
	ksft_test_result(counters_are_same(&before, &after) && good, "%s%s_gone\n",
			 prefix, word);
}

static void test_plug(const char *name, const char *default_zone)
{
	char old[32];
	int i;

	ksft_set_plan(18);
	if (file_read(BLOCK_AUTO_ONLINE, old, sizeof(old)))
		ksft_exit_fail_msg("no " BLOCK_AUTO_ONLINE "\n");
	for (i = 0; i < 2; i++) {
		const char *prefix = i ? "auto_" : "";

		test_way(name, prefix, i, "online", default_zone);
		test_way(name, prefix, i, "online_kernel", "Normal");
		test_way(name, prefix, i, "online_movable", "Movable");
	}
	if (file_write(BLOCK_AUTO_ONLINE, old))
		ksft_print_msg(BLOCK_AUTO_ONLINE " is not %s again\n", old);
}

/*
 * Unplug memory that was initialised at boot. Its memory map, which memblock
 * had allocated and marked reserved, must become free memory as well.
 */
static void test_unplug(const struct blocks *blocks, const char *name,
			const struct counters *offline)
{
	static struct counters gone;
	long kb, map_kb;
	bool good;

	good = dimm_eject(name);
	ksft_test_result(block_is_gone(blocks) && good, "gone\n");
	counters_read(&gone);
	kb = gone.total_kb - offline->total_kb;
	map_kb = blocks->pages.nr * STRUCT_PAGE / 1024;
	ksft_print_msg("MemTotal: %ld kB more, the memory map had %ld kB\n", kb,
		       map_kb);
	/* Plus page tables of the direct mapping. */
	ksft_test_result(kb >= map_kb && kb < map_kb + map_kb / 64, "memory_map\n");
}

/* Offline and online memory that was there at boot. */
static void test_boot(const struct blocks *blocks, const char *zone,
		      const char *name)
{
	static struct counters online, offline, again;
	bool good;

	ksft_set_plan(name ? 7 : 5);
	ksft_test_result(counters_all_in_zone(blocks, zone), "zone\n");
	counters_read(&online);
	good = block_set_all(blocks, "offline");
	counters_read(&offline);
	ksft_test_result(counters_grew(&offline, &online, blocks, zone) && good,
			 "offline_counters\n");
	good = block_set_all(blocks, strcmp(zone, "Movable") ? "online_kernel" : "online_movable");
	ksft_test_result(good && counters_all_in_zone(blocks, zone), "zone_again\n");
	counters_read(&again);
	ksft_test_result(counters_are_same(&online, &again), "counters_again\n");
	good = block_set_all(blocks, "offline");
	counters_read(&again);
	ksft_test_result(counters_are_same(&offline, &again) && good, "offline_again\n");
	if (name)
		test_unplug(blocks, name, &offline);
}

/*
 * True unless kswapd has given up the node, which zoneinfo says once, in its
 * first zone that has pages.
 */
static bool kswapd_works(int nid)
{
	FILE *file = file_open("/proc/zoneinfo");
	int in = -1, unreclaimable = -1;
	char line[256];

	while (unreclaimable < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "Node %d, zone", &in) != 1 && in == nid)
			sscanf(line, " node_unreclaimable: %d", &unreclaimable);
	fclose(file);
	if (unreclaimable)
		ksft_print_msg("node %d: node_unreclaimable: %d\n", nid, unreclaimable);
	return !unreclaimable;
}

/*
 * Memory in a kernel zone may go offline as long as the kernel does not use it.
 * The process that onlines it allocates nothing there.
 */
static void test_kernel(const char *name)
{
	struct blocks blocks = dimm_plug(name);
	unsigned long block;
	bool good;

	ksft_set_plan(4);
	good = block_set_all(&blocks, "online_kernel");
	ksft_test_result(good && counters_all_in_zone(&blocks, "Normal"), "online\n");
	ksft_test_result(kswapd_works(block_node(blocks.first)), "kswapd\n");
	/* The first block may have what the kernel keeps for the others. */
	for (block = blocks.first + blocks.nr; block-- > blocks.first;)
		block_change(block, "offline");
	ksft_test_result(block_all(&blocks, 0), "offline\n");
	ksft_test_result(dimm_eject(name) && block_is_gone(&blocks), "gone\n");
}

static long free_kb(void)
{
	int err = file_write("/proc/sys/vm/drop_caches", "3");

	if (err)
		ksft_exit_fail_msg("drop_caches: %s\n", strerror(-err));
	return zone_free_kb();
}

/*
 * The counters in /proc must be the same after each round. Free memory is not
 * exact: KASAN, for example, keeps freed objects, 14 MB of them after about 20
 * rounds. With 18 rounds behind @warm_up, the limit detects a leak of an eighth of
 * a memory map per round. The zone is Movable: a kernel zone may have the stacks
 * of the node's kswapd and kcompactd.
 */
static void test_rounds(const char *name, int rounds, int warm_up)
{
	static struct counters before, online, after;
	long memory_kb = 0, limit = 0;
	bool good = true, same = true;
	struct blocks blocks;
	int round;

	ksft_set_plan(3);
	counters_read(&before);
	for (round = 0; round < rounds && good && same; round++) {
		if (round == warm_up)
			memory_kb = free_kb();
		blocks = dimm_plug(name);
		limit = 2 * blocks.pages.nr * STRUCT_PAGE / 1024;
		good &= block_set_all(&blocks, "online_movable") &&
			counters_all_in_zone(&blocks, "Movable");
		counters_read(&online);
		good &= counters_grew(&before, &online, &blocks, "Movable");
		good &= block_set_all(&blocks, "offline");
		good &= dimm_eject(name);
		counters_read(&after);
		same &= counters_are_same(&before, &after);
	}
	memory_kb -= free_kb();
	ksft_print_msg("%d rounds, %ld kB less free; limit %ld kB\n", round,
		       memory_kb, limit);
	ksft_test_result(round == rounds && good, "online\n");
	ksft_test_result(same, "same\n");
	ksft_test_result(round > warm_up && memory_kb < limit, "memory\n");
}

int main(int argc, char **argv)
{
	struct blocks blocks;

	test_begin();

	if (argc == 3 && !strcmp(argv[1], "plug")) {
		test_plug(argv[2], "Normal");
	} else if (argc == 3 && !strcmp(argv[1], "movable")) {
		test_plug(argv[2], "Movable");
	} else if ((argc == 5 || argc == 6) && !strcmp(argv[1], "boot")) {
		blocks = block_parse(argv[2], argv[3]);
		test_boot(&blocks, argv[4], argv[5]);
	} else if (argc == 3 && !strcmp(argv[1], "kernel")) {
		test_kernel(argv[2]);
	} else if ((argc == 4 || argc == 5) && !strcmp(argv[1], "rounds")) {
		test_rounds(argv[2], atoi(argv[3]), atoi(argc == 5 ? argv[4] : WARM_UP));
	} else {
		ksft_exit_skip("usage: memmap_online plug|movable|kernel NAME, boot RANGE ZONE, or rounds NAME ROUNDS [WARM_UP]\n");
	}
	ksft_exit(!ksft_get_fail_cnt());
}
