/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters that tell how much memory there is, for the memmap selftests: in
 * which zone it is, by how much they change, and that they change back. And a
 * range of memory blocks that all go on or off.
 */
#ifndef _SELFTESTS_MEMMAP_COUNTERS_H
#define _SELFTESTS_MEMMAP_COUNTERS_H

#include "memmap_layout.h"

#define NODES_DIR	"/sys/devices/system/node"
#define SNAPSHOT_SIZE	32768
#define MAP_ENTRY	64	/* sizeof(struct page) */

struct counters {
	int nid;
	char name[16];
	long spanned;
	long present;
	long managed;
	long start;
};

/* What must be the same before memory is added and after it was removed. */
struct state {
	struct counters zones[MAX_ZONES];
	int nr_zones;
	long total_kb;			/* MemTotal */
	char text[SNAPSHOT_SIZE];	/* all of it, and more, to be compared */
};

/* Memory blocks [@first, @first + @nr). */
struct blocks {
	unsigned long first;
	unsigned long nr;
	unsigned long pages;	/* of all of them */
};

static long nr_online;	/* for walk_blocks() */

static inline long read_meminfo(const char *word)
{
	FILE *file = open_file("/proc/meminfo");
	char line[128];
	long kb = -1;

	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, word, strlen(word)))
			kb = atol(line + strlen(word));
	fclose(file);
	return kb;
}

/* All zones that have or span pages. */
static inline int read_counters(struct counters *zones, int max)
{
	FILE *file = open_file("/proc/zoneinfo");
	struct counters zone = {};
	char line[256];
	int nr = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone %15s", &zone.nid, zone.name) == 2 ||
		    sscanf(line, " spanned %ld", &zone.spanned) == 1 ||
		    sscanf(line, " present %ld", &zone.present) == 1)
			continue;
		if (sscanf(line, " managed %ld", &zone.managed) == 1) {
			zone.start = 0;
			if (nr < max && (zone.spanned || zone.present || zone.managed))
				zones[nr++] = zone;
		} else if (nr && sscanf(line, " start_pfn: %ld", &zone.start) == 1) {
			zones[nr - 1].start = zone.start;
		}
	}
	fclose(file);

	return nr;
}

static inline void count_online(unsigned long block)
{
	nr_online += block_online(block) == 1;
}

static inline void add_file(struct state *state, const char *path)
{
	size_t len = strlen(state->text);
	FILE *file = open_file(path);

	len += snprintf(state->text + len, SNAPSHOT_SIZE - len, "%s\n", path);
	len += fread(state->text + len, 1, SNAPSHOT_SIZE - 1 - len, file);
	state->text[len] = '\0';
	fclose(file);
	if (len >= SNAPSHOT_SIZE - 1)
		ksft_exit_fail_msg("%s: too long\n", path);
}

static inline void read_state(struct state *state)
{
	const struct counters *zone;
	size_t len;
	int nr;

	state->nr_zones = read_counters(state->zones, MAX_ZONES);
	state->total_kb = read_meminfo("MemTotal:");
	nr_online = 0;
	nr = walk_blocks(count_online);
	len = snprintf(state->text, SNAPSHOT_SIZE,
		       "MemTotal %ld kB\n%d memory blocks, %ld online\n",
		       state->total_kb, nr, nr_online);
	for (zone = state->zones; zone < state->zones + state->nr_zones; zone++)
		len += snprintf(state->text + len, SNAPSHOT_SIZE - len,
				"%s of node %d: start %#lx spanned %ld present %ld managed %ld\n",
				zone->name, zone->nid, zone->start,
				zone->spanned, zone->present, zone->managed);
	add_file(state, NODES_DIR "/online");
	add_file(state, NODES_DIR "/has_memory");
	add_file(state, NODES_DIR "/has_normal_memory");
	add_file(state, "/proc/iomem");
}

/* Prints the first line that is not. */
static inline bool is_same(const struct state *before, const struct state *after)
{
	const char *a = before->text, *b = after->text, *line = a;

	for (; *a && *a == *b; a++, b++)
		if (*a == '\n')
			line = a + 1;
	if (!*a && !*b)
		return true;
	ksft_print_msg("before: %.*s\n", (int)strcspn(line, "\n"), line);
	line = b - (a - line);
	ksft_print_msg("after: %.*s\n", (int)strcspn(line, "\n"), line);
	return false;
}

static inline struct counters find_zone(const struct state *state, int nid,
					const char *name)
{
	int i;

	for (i = 0; i < state->nr_zones; i++)
		if (state->zones[i].nid == nid &&
		    !strcmp(state->zones[i].name, name))
			return state->zones[i];
	return (struct counters){ .nid = nid };
}

/*
 * Are there @pages more than before, in this zone and in no other, and all of
 * them given to the page allocator?
 */
static inline bool counters_grew(const struct state *before,
				 const struct state *after, int nid,
				 const char *name, long pages)
{
	long total = after->total_kb - before->total_kb, grew, want;
	bool good = total == pages * sysconf(_SC_PAGESIZE) / 1024;
	const struct counters *zone;
	struct counters old;
	int i;

	if (!good)
		ksft_print_msg("MemTotal: %ld kB more\n", total);
	if (!find_zone(after, nid, name).present)
		good = false;
	for (i = 0; i < after->nr_zones; i++) {
		zone = &after->zones[i];
		old = find_zone(before, zone->nid, zone->name);
		grew = zone->present - old.present;
		want = zone->nid == nid && !strcmp(zone->name, name) ? pages : 0;
		if (grew == want && zone->managed - old.managed == want &&
		    zone->spanned >= zone->present)
			continue;
		ksft_print_msg("%s of node %d: %ld present, %ld managed pages more, not %ld\n",
			       zone->name, zone->nid, grew, zone->managed - old.managed,
			       want);
		good = false;
	}
	return good;
}

static inline int node_of(unsigned long block)
{
	int nid;

	for (nid = 0; nid < MAX_ZONES; nid++)
		if (block_on_node(block, nid))
			return nid;
	return -1;
}

/* Are all blocks in @zone, and do they say so? */
static inline bool all_in_zone(const struct blocks *blocks, const char *zone)
{
	char path[80], text[64];
	bool good = true;
	unsigned long i;

	for (i = blocks->first; i < blocks->first + blocks->nr; i++) {
		good &= block_is_in_zone(i, zone);
		snprintf(path, sizeof(path), BLOCKS_DIR "/memory%lu/valid_zones", i);
		if (read_text(path, text, sizeof(text)) || strcmp(text, zone)) {
			ksft_print_msg("memory%lu: valid_zones: %s\n", i, text);
			good = false;
		}
	}
	return good;
}

static inline struct blocks get_blocks(unsigned long long start,
				       unsigned long long size)
{
	unsigned long bytes = block_pages() * sysconf(_SC_PAGESIZE);
	struct blocks blocks = {
		.first = start / bytes,
		.nr = size / bytes,
		.pages = size / sysconf(_SC_PAGESIZE),
	};

	if (!size || start % bytes || size % bytes)
		ksft_exit_fail_msg("%#llx %#llx: no whole blocks\n", start, size);
	return blocks;
}

/* Write @state to all of them. */
static inline bool set_all(const struct blocks *blocks, const char *state)
{
	bool good = true;
	unsigned long i;
	int err;

	for (i = blocks->first; i < blocks->first + blocks->nr; i++) {
		if (!strcmp(state, "offline")) {
			good &= change_block(i, "offline");
			continue;
		}
		err = set_block_state(i, state);
		if (err)
			ksft_print_msg("memory%lu: %s: %s\n", i, state,
				       strerror(-err));
		good &= !err;
	}
	return good;
}

#endif
