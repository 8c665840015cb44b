// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "counters.h"
#include "file.h"
#include "test.h"

#define NODES_DIR	"/sys/devices/system/node"

static long nr_online;	/* for block_walk() */

static void count_online(unsigned long block)
{
	nr_online += block_online(block) == 1;
}

static void add_file(struct counters *counters, const char *path)
{
	const size_t size = sizeof(counters->text);
	size_t len = strlen(counters->text);
	FILE *file = file_open(path);

	len += snprintf(counters->text + len, size - len, "%s\n", path);
	len += fread(counters->text + len, 1, size - 1 - len, file);
	counters->text[len] = '\0';
	fclose(file);
	if (len >= size - 1)
		ksft_exit_fail_msg("%s: too long\n", path);
}

/* All zones that have or span pages. */
static int read_zones(struct zone *zones)
{
	int all = zone_read_all(zones, MAX_ZONES), nr = 0, i;

	for (i = 0; i < all; i++)
		if (zones[i].spanned || zones[i].present || zones[i].managed)
			zones[nr++] = zones[i];
	return nr;
}

void counters_read(struct counters *counters)
{
	const size_t size = sizeof(counters->text);
	const struct zone *zone;
	size_t len;
	int nr;

	counters->nr_zones = read_zones(counters->zones);
	counters->total_kb = file_field("/proc/meminfo", "MemTotal");
	nr_online = 0;
	nr = block_walk(count_online);
	len = snprintf(counters->text, size,
		       "MemTotal %ld kB\n%d memory blocks, %ld online\n",
		       counters->total_kb, nr, nr_online);
	for (zone = counters->zones; zone < counters->zones + counters->nr_zones; zone++)
		len += snprintf(counters->text + len, size - len,
				"%s of node %d: start %#lx spanned %ld present %ld managed %ld\n",
				zone->name, zone->nid, zone->start,
				zone->spanned, zone->present, zone->managed);
	add_file(counters, NODES_DIR "/online");
	add_file(counters, NODES_DIR "/has_memory");
	add_file(counters, NODES_DIR "/has_normal_memory");
	add_file(counters, "/proc/iomem");
}

bool counters_are_same(const struct counters *before, const struct counters *after)
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

static struct zone find_zone(const struct counters *counters, int nid, const char *name)
{
	int i;

	for (i = 0; i < counters->nr_zones; i++)
		if (counters->zones[i].nid == nid &&
		    !strcmp(counters->zones[i].name, name))
			return counters->zones[i];
	return (struct zone){ .nid = nid };
}

bool counters_grew(const struct counters *before, const struct counters *after,
		   const struct blocks *blocks, const char *name)
{
	const long pages = blocks->pages.nr;
	long total = after->total_kb - before->total_kb, grew, want;
	bool good = total == pages * (long)page_size() / 1024;
	int nid = block_node(blocks->first), i;
	const struct zone *zone;
	struct zone old;

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

bool counters_all_in_zone(const struct blocks *blocks, const char *zone)
{
	char path[80], text[64];
	unsigned long block;
	bool good = true;

	block_for_each(block, blocks) {
		good &= block_is_in_zone(block, zone);
		snprintf(path, sizeof(path), BLOCK_DIR "/memory%lu/valid_zones", block);
		if (file_read(path, text, sizeof(text)) || strcmp(text, zone)) {
			ksft_print_msg("memory%lu: valid_zones: %s\n", block, text);
			good = false;
		}
	}
	return good;
}
