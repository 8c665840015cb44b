/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says about the layout of memory: zones (/proc/zoneinfo),
 * System RAM (/proc/iomem) and memory blocks (/sys/devices/system/memory).
 */
#ifndef _SELFTESTS_MEMMAP_LAYOUT_H
#define _SELFTESTS_MEMMAP_LAYOUT_H

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define BLOCKS_DIR	"/sys/devices/system/memory"
#define MAX_ZONES	64
#define MAX_RANGES	64
#define PLUG_SECONDS	60	/* for the memory blocks of a DIMM to appear */
#define BLOCK_TRIES	10	/* to change the state of a memory block */
#define BLOCK_SECONDS	30	/* one of them */

/* A populated zone: pfns [start, end). */
struct zone {
	int nid;
	unsigned int index;	/* as page_zonenum() */
	char name[16];
	unsigned long start;
	unsigned long end;
};

/* Whole pages, pfns [start, end). */
struct range {
	unsigned long start;
	unsigned long end;
};

static inline FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return file;
}

/*
 * Free memory in kB. Unlike MemFree, with what each CPU keeps at hand for the
 * next to ask: since v6.7 that can be tens of MB, and stays while it is idle.
 */
static inline long read_free_kb(void)
{
	FILE *file = open_file("/proc/zoneinfo");
	long pages = 0, nr;
	char line[256];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " pages free %ld", &nr) == 1 ||
		    sscanf(line, " count: %ld", &nr) == 1)
			pages += nr;
	fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/*
 * The populated zones; returns how many. A zone's index is its place among all
 * zones of its node, which /proc/zoneinfo lists without exception.
 */
static inline int read_zones(struct zone *zones, int max)
{
	FILE *file = open_file("/proc/zoneinfo");
	unsigned long spanned = 0, number;
	struct zone zone = { .nid = -1 };
	char line[256];
	int nid, nr = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone %15s", &nid, zone.name) == 2) {
			zone.index = nid == zone.nid ? zone.index + 1 : 0;
			zone.nid = nid;
		} else if (sscanf(line, " spanned %lu", &number) == 1) {
			spanned = number;
		} else if (sscanf(line, " start_pfn: %lu", &number) == 1) {
			/* Comes last, and only for a populated zone. */
			zone.start = number;
			zone.end = number + spanned;
			if (nr < max)
				zones[nr++] = zone;
		}
	}
	fclose(file);

	return nr;
}

/* The ranges that /proc/iomem calls System RAM; returns how many. */
static inline int read_system_ram(struct range *ranges, int max)
{
	const unsigned long page = sysconf(_SC_PAGESIZE);
	FILE *file = open_file("/proc/iomem");
	unsigned long long start, end;
	char line[256], name[64];
	int nr = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llx-%llx : %63[^\n]", &start, &end,
			   name) != 3 || strncmp(name, "System RAM", 10))
			continue;
		if (nr == max)
			ksft_exit_fail_msg("more than %d ranges of RAM\n", max);
		ranges[nr].start = (start + page - 1) / page;
		ranges[nr++].end = (end + 1) / page;
	}
	fclose(file);

	return nr;
}

/* The System RAM that is_ram() goes by: what there was at read_ram(). */
static struct range ram_ranges[MAX_RANGES];
static int nr_ram_ranges;

static inline void read_ram(void)
{
	nr_ram_ranges = read_system_ram(ram_ranges, MAX_RANGES);
}

static inline bool is_ram(unsigned long pfn)
{
	int i;

	for (i = 0; i < nr_ram_ranges; i++)
		if (pfn >= ram_ranges[i].start && pfn < ram_ranges[i].end)
			return true;
	return false;
}

/* How many pages of [@start, @end) are System RAM. */
static inline unsigned long system_ram_pages(unsigned long start,
					     unsigned long end)
{
	struct range ram[MAX_RANGES];
	int nr = read_system_ram(ram, MAX_RANGES), i;
	unsigned long pages = 0, from, to;

	for (i = 0; i < nr; i++) {
		from = ram[i].start > start ? ram[i].start : start;
		to = ram[i].end < end ? ram[i].end : end;
		if (from < to)
			pages += to - from;
	}

	return pages;
}

/* Pages in a memory block. */
static inline unsigned long block_pages(void)
{
	unsigned long bytes;
	char text[32];
	int err;

	err = read_text(BLOCKS_DIR "/block_size_bytes", text, sizeof(text));
	bytes = err ? 0 : strtoul(text, NULL, 16);
	if (!bytes)
		ksft_exit_fail_msg("no size of memory blocks: %s\n",
				   strerror(-err));
	return bytes / sysconf(_SC_PAGESIZE);
}

/* The struct pages of a memory block, until the next call. */
static inline const struct test_memmap_page *read_block(unsigned long block)
{
	static struct test_memmap_page *recs;
	const unsigned long pages = block_pages();

	if (!recs)
		recs = calloc(pages, sizeof(*recs));
	if (!recs)
		ksft_exit_fail_msg("no memory\n");
	memmap_read(block * pages, recs, pages);
	return recs;
}

/* 1: the memory block is online, 0: offline, -1: neither, or not there. */
static inline int block_online(unsigned long block)
{
	char path[64], state[32];

	snprintf(path, sizeof(path), BLOCKS_DIR "/memory%lu/state", block);
	if (read_text(path, state, sizeof(state)))
		return -1;
	if (!strcmp(state, "online"))
		return 1;
	return strcmp(state, "offline") ? -1 : 0;
}

/* Write @state to the state file of the memory block. Returns 0 or -errno. */
static inline int set_block_state(unsigned long block, const char *state)
{
	char path[64];

	snprintf(path, sizeof(path), BLOCKS_DIR "/memory%lu/state", block);
	return write_text(path, state);
}

static inline void interrupt_offlining(int unused)
{
	(void)unused;
}

/*
 * set_block_state(), bounded in time: the kernel retries offlining for as long
 * as pages can't be migrated. Uses SIGALRM: meanwhile, an alarm() stands still.
 */
static inline int try_block_state(unsigned long block, const char *state)
{
	struct sigaction action = { .sa_handler = interrupt_offlining }, old;
	unsigned int left;
	int err;

	sigaction(SIGALRM, &action, &old);
	left = alarm(BLOCK_SECONDS);
	err = set_block_state(block, state);
	alarm(left);
	sigaction(SIGALRM, &old, NULL);

	return err;
}

/* The same, in a few tries. Says what is in the way. */
static inline bool change_block(unsigned long block, const char *state)
{
	int tries, err = 0;

	for (tries = 0; tries < BLOCK_TRIES; tries++) {
		err = try_block_state(block, state);
		if (!err)
			return true;
		usleep(100000);
	}
	ksft_print_msg("memory%lu: %s: %s\n", block, state, strerror(-err));
	return false;
}

/* Is there a link between the memory block and the node? */
static inline bool block_on_node(unsigned long block, int nid)
{
	char path[80];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/memory%lu", nid, block);
	return !access(path, F_OK);
}

/* One MEM_GOING_ONLINE event for the block, when none of it was reserved? */
static inline bool saw_going_online(unsigned long block,
				    unsigned long pages_per_block)
{
	const unsigned long pfn = block * pages_per_block;
	unsigned long start, nr, reserved;
	FILE *events = open_file(GOING_ONLINE_FILE);
	int seen = 0, clean = 0;
	char line[128];

	while (fgets(line, sizeof(line), events)) {
		if (sscanf(line, "%lu %lu %lu", &start, &nr, &reserved) != 3 ||
		    start != pfn)
			continue;
		seen++;
		clean += nr == pages_per_block && !reserved;
		ksft_print_msg("memory%lu: going online: %lu of %lu pages reserved\n",
			       block, reserved, nr);
	}
	fclose(events);
	if (seen != 1)
		ksft_print_msg("memory%lu: %d going-online events\n", block,
			       seen);

	return seen == 1 && clean == 1;
}

/*
 * Is all of the block online on the node, and every struct page of it as it
 * should be? In the zone @index as well, unless that is negative.
 */
static inline bool block_is_on_node(unsigned long block, int nid, int index)
{
	const unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				  TEST_MEMMAP_RESERVED | TEST_MEMMAP_DEVICE;
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE;
	const struct test_memmap_page *recs = read_block(block);
	unsigned long pages = block_pages(), wrong = 0, i;

	for (i = 0; i < pages; i++)
		wrong += recs[i].nid != nid ||
			 (index >= 0 && (int)recs[i].zone != index);
	if (wrong)
		ksft_print_msg("memory%lu: %lu pages not of node %d, zone %d\n",
			       block, wrong, nid, index);

	return !wrong && block_online(block) == 1 && block_on_node(block, nid) &&
	       memmap_count(block * pages, pages, mask, want, "online page") ==
	       pages;
}

/* The same for this zone of the block's node, which has to span it. */
static inline bool block_is_in_zone(unsigned long block, const char *zone_name)
{
	const unsigned long pages = block_pages(), start = block * pages;
	struct zone zones[MAX_ZONES], *zone;
	int nr = read_zones(zones, MAX_ZONES);

	for (zone = zones; zone < zones + nr; zone++)
		if (!strcmp(zone->name, zone_name) &&
		    block_on_node(block, zone->nid) && zone->start <= start &&
		    start + pages <= zone->end)
			return block_is_on_node(block, zone->nid, zone->index);
	ksft_print_msg("memory%lu: not spanned by %s\n", block, zone_name);
	return false;
}

/* Call @fn for each memory block, in no order; returns how many. */
static inline int walk_blocks(void (*fn)(unsigned long block))
{
	DIR *dir = opendir(BLOCKS_DIR);
	struct dirent *entry;
	unsigned long block;
	int nr = 0;

	if (!dir)
		ksft_exit_fail_msg(BLOCKS_DIR ": %s\n", strerror(errno));
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "memory%lu", &block) != 1)
			continue;
		fn(block);
		nr++;
	}
	closedir(dir);

	return nr;
}

/*
 * Have the host plug a DIMM, and wait for its memory blocks. Exits the test
 * program when there is no host (skip) or it refuses (failure).
 */
static inline void plug_dimm(const char *name, unsigned long long *start,
			     unsigned long long *size)
{
	const unsigned long long page = sysconf(_SC_PAGESIZE);
	long long end = now_ms() + PLUG_SECONDS * 1000;
	char request[64], answer[128];
	unsigned long last;
	int err;

	snprintf(request, sizeof(request), "plug %s", name);
	err = host_request(request, answer, sizeof(answer));
	if (err == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
	if (err || sscanf(answer, "%lli %lli", (long long *)start,
			  (long long *)size) != 2)
		ksft_exit_fail_msg("%s: %s\n", request, answer);

	/* The last one comes last; onlining it waits for the rest. */
	last = (*start + *size - 1) / page / block_pages();
	while (block_online(last) < 0 && now_ms() < end)
		usleep(10000);
}

#ifdef PIN_V7
/*
 * When the host has the DIMM back, the kernel has yet to ask whether it is gone.
 * If there is a new one by then, acpi_scan_hot_remove() takes it for the old one
 * and it is missed. All that is under a lock, which this waits for: a block that
 * is online stays as it is.
 */
static inline void wait_for_ejection(void)
{
	set_block_state(0, "online");
}

#endif
/* Have the host unplug a DIMM. Returns whether the guest let go of it. */
static inline bool eject_dimm(const char *name)
{
	char request[64], answer[128];
	int err;

	snprintf(request, sizeof(request), "unplug %s", name);
	err = host_request(request, answer, sizeof(answer));
	if (err)
		ksft_print_msg("%s: %s\n", request, answer);
#ifdef PIN_V7
	wait_for_ejection();
#endif
	return !err;
}

#endif
