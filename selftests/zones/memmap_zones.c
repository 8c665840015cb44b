// SPDX-License-Identifier: GPL-2.0
/*
 * Every page that pfn_to_online_page() accepts is spanned by exactly one zone,
 * the one in its page flags, and is on the right node; except a hole in front
 * of a zone that begins inside a subsection. Those that are not RAM are
 * reserved. And whatever counts or walks all pages agrees.
 *
 *	memmap_zones
 *	memmap_zones boot START SIZE NODE STATE	a DIMM present at boot
 *	memmap_zones plug NAME NODE STATE	a DIMM that the host plugs
 *
 * With a DIMM, everything is checked twice: after boot, and, as dimm_*, after
 * STATE (online, online_kernel, online_movable) was written to the DIMM's
 * memory blocks. START and SIZE are bytes, in any base.
 *
 * Checks every page of every memory block, which takes a second for 4 GiB.
 * Expects that zones don't overlap: a DIMM onlined to a zone with other memory
 * in between can make them overlap, which is not a kernel bug.
 */
#include "block.h"
#include "ram.h"
#include "test.h"
#include "walkers.h"
#include "zone.h"

#define CHUNK	4096	/* flags in one read */
#define SUBSECTION_SIZE	(2UL << 20)	/* smallest unit that can be online */
#define SHOWN	3	/* runs of wrong pages printed per case */

enum {
	RAM_ONLINE,
	ZONE_SPANS,
	IN_FRONT,
	ONE_ZONE,
	RIGHT_ZONE,
	RIGHT_NODE,
	HOLES_RESERVED,
	NO_DEVICE_ONLINE,
	KPAGEFLAGS,
	HOLE_ZONE,
	NR_PAGE_CASES,
};

static struct {
	const char *word;
	unsigned long looked_at;
	unsigned long wrong;
	/* The current run of adjacent wrong pages that are alike. */
	int nr_runs;
	struct pages run;
	struct test_memmap_page like;
} cases[NR_PAGE_CASES] = {
	/* A page of RAM is online if and only if its memory block is. */
	[RAM_ONLINE] = { .word = "ram_online" },
	/* At least one populated zone spans an online page, except IN_FRONT. */
	[ZONE_SPANS] = { .word = "zone_spans" },
	/* A hole before a zone, in its subsection, has it in its page flags. */
	[IN_FRONT] = { .word = "in_front" },
	/* At most one zone spans an online page. */
	[ONE_ZONE] = { .word = "one_zone" },
	/* A page of RAM is spanned by the zone in its page flags. */
	[RIGHT_ZONE] = { .word = "right_zone" },
	/* The node in the page flags has the page's memory block. */
	[RIGHT_NODE] = { .word = "right_node" },
	/* Online pages other than RAM, such as holes, are reserved. */
	[HOLES_RESERVED] = { .word = "holes_reserved" },
	[NO_DEVICE_ONLINE] = { .word = "no_device_online" },
	/* KPF_NOPAGE and KPF_RESERVED match the struct page. */
	[KPAGEFLAGS] = { .word = "kpageflags" },
	/* A hole that a zone spans has that zone in its page flags. */
	[HOLE_ZONE] = { .word = "hole_zone" },
};

static struct zone zones[MAX_ZONES];
static long ram_in_zone[MAX_ZONES];	/* pages of RAM that belong to it */
static struct range ram[MAX_RANGES];	/* what zones count as present */
static int nr_zones, nr_ram;
static const char *prefix = "";	/* of the names of the cases */

/* Print the current run of wrong pages of a case, and start a new one. */
static void print_run(int which)
{
	const struct pages *run = &cases[which].run;

	if (run->nr && cases[which].nr_runs++ < SHOWN)
		ksft_print_msg("%s%s: pfn %#lx-%#lx state %#x flags %#llx node %d zone %u\n",
			       prefix, cases[which].word, run->pfn,
			       run->pfn + run->nr - 1, cases[which].like.state,
			       (unsigned long long)cases[which].like.flags,
			       cases[which].like.nid, cases[which].like.zone);
	cases[which].run.nr = 0;
}

static void check(int which, bool good, unsigned long pfn,
		  const struct test_memmap_page *rec)
{
	const struct test_memmap_page *like = &cases[which].like;
	struct pages *run = &cases[which].run;

	cases[which].looked_at++;
	if (good)
		return;
	cases[which].wrong++;
	if (pfn != run->pfn + run->nr || rec->state != like->state ||
	    rec->nid != like->nid || rec->zone != like->zone)
		print_run(which);
	if (!run->nr) {
		run->pfn = pfn;
		cases[which].like = *rec;
	}
	run->nr++;
}

/*
 * No zone spans @pfn: find the next zone that begins in its subsection, unless
 * one ends there before @pfn. The page is online because of that zone.
 */
static const struct zone *zone_behind(unsigned long pfn)
{
	const unsigned long subsection = SUBSECTION_SIZE / page_size();
	const unsigned long first = pfn - pfn % subsection;
	const struct zone *zone, *behind = NULL;

	for (zone = zones; zone < zones + nr_zones; zone++) {
		if (zone->end > first && zone->end <= pfn)
			return NULL;
		if (zone->start > pfn && zone->start < first + subsection &&
		    (!behind || zone->start < behind->start))
			behind = zone;
	}

	return behind;
}

/*
 * A hole in front of a zone's first page can't be inside the zone in its page
 * flags: the start of the zone is not moved. Walkers of a zone never see it.
 * Page 0 always is such a hole on x86, which does not add it to memblock.
 */
static void check_zone(unsigned long pfn, const struct test_memmap_page *rec)
{
	const struct zone *behind = NULL;
	bool right = false;
	int i, nr = 0;

	for (i = 0; i < nr_zones; i++) {
		if (zones[i].nid == rec->nid && zones[i].index == rec->zone)
			ram_in_zone[i] += ranges_have(ram, nr_ram, pfn);
		if (pfn < zones[i].start || pfn >= zones[i].end)
			continue;
		nr++;
		if (zones[i].nid == rec->nid && zones[i].index == rec->zone)
			right = true;
	}

	check(ONE_ZONE, nr <= 1, pfn, rec);
	if (ram_is(pfn))
		check(RIGHT_ZONE, right, pfn, rec);
	else if (nr)
		check(HOLE_ZONE, right, pfn, rec);
	else
		behind = zone_behind(pfn);
	check(ZONE_SPANS, nr || behind, pfn, rec);
	if (behind)
		check(IN_FRONT, behind->nid == rec->nid &&
				behind->index == rec->zone, pfn, rec);
}

#ifdef PIN_V7
static void count_invalid(unsigned long pfn)
{
	(void)pfn;
}

/* An offline page may have no flag at all, not even KPF_NOPAGE. */
static bool kflags_are_right(unsigned long long kflags, bool online, bool reserved)
{
	return online ? reserved == (kflags >> KPF_RESERVED & 1) :
	       !(kflags & ~(1ULL << KPF_NOPAGE));
}
#else
/* arm64: pfn_valid() is false for memory that is not mapped, which is present. */
static void count_invalid(unsigned long pfn)
{
	int i;

	for (i = 0; i < nr_zones; i++)
		if (pfn >= zones[i].start && pfn < zones[i].end)
			ram_in_zone[i] += ranges_have(ram, nr_ram, pfn);
}

static bool kflags_are_right(unsigned long long kflags, bool online, bool reserved)
{
	return online == !(kflags >> KPF_NOPAGE & 1) &&
	       (!online || reserved == (kflags >> KPF_RESERVED & 1));
}
#endif

static void check_page(unsigned long pfn, const struct test_memmap_page *rec,
		       unsigned long long kflags, int block_state,
		       bool right_node)
{
	bool online = rec->state & TEST_MEMMAP_ONLINE;
	bool reserved = rec->state & TEST_MEMMAP_RESERVED;

	if (ram_is(pfn))
		check(RAM_ONLINE, online == block_state, pfn, rec);
	check(KPAGEFLAGS, kflags_are_right(kflags, online, reserved), pfn, rec);
	if (!(rec->state & TEST_MEMMAP_VALID))
		count_invalid(pfn);
	if (!online)
		return;

	check_zone(pfn, rec);
	check(RIGHT_NODE, right_node, pfn, rec);
	if (!ram_is(pfn))
		check(HOLES_RESERVED, reserved, pfn, rec);
	check(NO_DEVICE_ONLINE, !(rec->state & TEST_MEMMAP_DEVICE), pfn, rec);
}

static void check_block(unsigned long block)
{
	const struct test_memmap_page *recs = block_read(block);
	static unsigned long long flags[CHUNK];
	const unsigned long first = block * block_pages();
	struct pages chunk = { .nr = CHUNK };
	unsigned long i;
	int state = block_online(block), nid = -1;
	bool right_node = false;

	for (i = 0; i < block_pages(); i++) {
		if (i % CHUNK == 0) {
			chunk.pfn = first + i;
			page_read_kpageflags(&chunk, flags);
		}
		if (recs[i].nid != nid) {
			nid = recs[i].nid;
			right_node = block_on_node(block, nid);
		}
		check_page(first + i, &recs[i], flags[i % CHUNK], state,
			   right_node);
	}
}

static void test_pages(void)
{
	int i, nr_ranges, nr_blocks;

	for (i = 0; i < NR_PAGE_CASES; i++) {
		cases[i].looked_at = 0;
		cases[i].wrong = 0;
		cases[i].nr_runs = 0;
	}
	memset(ram_in_zone, 0, sizeof(ram_in_zone));
	nr_zones = zone_read(zones, MAX_ZONES);
	for (i = 0; i < nr_zones; i++)
		ksft_print_msg("node %d zone %u (%s): pfn %#lx-%#lx\n",
			       zones[i].nid, zones[i].index, zones[i].name,
			       zones[i].start, zones[i].end - 1);
	nr_ranges = ram_note();
	nr_ram = ram_read_present(ram, MAX_RANGES);
	nr_blocks = block_walk(check_block);
	ksft_print_msg("%d zones, %d ranges of RAM, %d memory blocks\n",
		       nr_zones, nr_ranges, nr_blocks);

	/* A case without pages to check shows nothing: skip it. */
	for (i = 0; i < NR_PAGE_CASES; i++) {
		print_run(i);
		ksft_print_msg("%s%s: %lu of %lu pages are wrong\n", prefix,
			       cases[i].word, cases[i].wrong,
			       cases[i].looked_at);
		if (cases[i].looked_at)
			ksft_test_result(!cases[i].wrong, "%s%s\n", prefix,
					 cases[i].word);
		else
			ksft_test_result_skip("%s%s: there are no such pages\n",
					      prefix, cases[i].word);
	}
}

/*
 * A zone's present pages are the pages of RAM with that zone in their page
 * flags (if they have none, those that it spans), without any holes that it
 * spans. Managed pages are not more than those.
 */
static void test_counts(void)
{
	const struct zone *zone;
	bool good = nr_zones;

	for (zone = zones; zone < zones + nr_zones; zone++) {
		if (zone->managed <= zone->present &&
		    zone->present <= zone->spanned &&
		    zone->present == ram_in_zone[zone - zones])
			continue;
		ksft_print_msg("node %d zone %s: %ld managed, %ld present, %ld spanned, %ld of RAM\n",
			       zone->nid, zone->name, zone->managed,
			       zone->present, zone->spanned,
			       ram_in_zone[zone - zones]);
		good = false;
	}
	ksft_test_result(good, "%scounts\n", prefix);
}

static void test_all(void)
{
	test_pages();
	test_counts();
	ksft_test_result(walkers_count_pageblocks(zones, nr_zones), "%spagetypeinfo\n", prefix);
	if (walkers_has_page_owner())
		ksft_test_result(walkers_check_page_owner(), "%spage_owner\n", prefix);
	else
		ksft_test_result_skip("%spage_owner: not booted with page_owner=on\n", prefix);
}

#define NR_CASES	(NR_PAGE_CASES + 3)	/* what test_all() reports */

/* Online all of the DIMM, and check everything again. */
static void test_dimm(const struct blocks *dimm, int nid, const char *state)
{
	bool good = block_set_all(dimm, state);
	unsigned long block;

	block_for_each(block, dimm)
		good &= block_is_on_node(block, nid, -1);
	prefix = "dimm_";
	ksft_test_result(good, "%sonline\n", prefix);
	test_all();
}

int main(int argc, char **argv)
{
	const bool boot = argc == 6 && !strcmp(argv[1], "boot");
	const bool plug = argc == 5 && !strcmp(argv[1], "plug");
	struct blocks dimm;

	ksft_print_header();
	test_require();
	if (argc > 1 && !boot && !plug)
		ksft_exit_skip("usage: memmap_zones [boot START SIZE | plug NAME] [NODE STATE]\n");
	if (boot || plug)
		test_require_disposable();

	ksft_set_plan(boot || plug ? 2 * NR_CASES + 1 : NR_CASES);
	test_all();
	if (boot) {
		dimm = block_parse(argv[2], argv[3]);
		test_dimm(&dimm, atoi(argv[4]), argv[5]);
	} else if (plug) {
		dimm = dimm_plug(argv[2]);
		test_dimm(&dimm, atoi(argv[3]), argv[4]);
	}
	ksft_exit(!ksft_get_fail_cnt());
}
