// SPDX-License-Identifier: GPL-2.0
#include "file.h"
#include "mem.h"
#include "test.h"
#include "zone.h"

#define ISOLATE	"type      Isolate"

/* zoneinfo lists all zones of a node, in the order of their index. */
int zone_read_all(struct zone *zones, int max)
{
	FILE *file = file_open("/proc/zoneinfo");
	struct zone none = { .nid = -1 }, *zone = &none, new;
	char line[256];
	int nr = 0;
	long number;

	while (fgets(line, sizeof(line), file)) {
		memset(&new, 0, sizeof(new));
		if (sscanf(line, "Node %d, zone %15s", &new.nid, new.name) == 2) {
			if (nr == max)
				ksft_exit_fail_msg("more than %d zones\n", max);
			new.index = new.nid == zone->nid ? zone->index + 1 : 0;
			zone = &zones[nr++];
			*zone = new;
		} else if (sscanf(line, " spanned %ld", &number) == 1) {
			zone->spanned = number;
		} else if (sscanf(line, " present %ld", &number) == 1) {
			zone->present = number;
		} else if (sscanf(line, " managed %ld", &number) == 1) {
			zone->managed = number;
		} else if (sscanf(line, " pages free %ld", &number) == 1 ||
			   sscanf(line, " count: %ld", &number) == 1) {
			zone->free += number;
		} else if (sscanf(line, " start_pfn: %ld", &number) == 1) {
			/* Printed last, and only for a populated zone. */
			zone->populated = true;
			zone->start = number;
			zone->end = number + zone->spanned;
		}
	}
	fclose(file);

	return nr;
}

int zone_read(struct zone *zones, int max)
{
	int all = zone_read_all(zones, max), nr = 0, i;

	for (i = 0; i < all; i++)
		if (zones[i].populated)
			zones[nr++] = zones[i];
	return nr;
}

long zone_free_kb(void)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read_all(zones, MAX_ZONES);
	long pages = 0;

	while (nr--)
		pages += zones[nr].free;
	return pages * (page_size() / 1024);
}

/* Sum up the numbers of free blocks by order; returns pages. */
static long sum_orders(char *text)
{
	unsigned int order = 0;
	long pages = 0;
	char *word;

	for (word = strtok(text, "\n "); word; word = strtok(NULL, "\n "))
		pages += strtol(word, NULL, 10) << order++;
	return pages;
}

/* Sum up the pageblocks by type; the last type may be Isolate. */
static void add_zone(struct pageblocks *blocks, int nid, const char *name,
		     char *text, bool has_isolated)
{
	long last = 0, sum = 0;
	char *word;

	for (word = strtok(text, "\n "); word; word = strtok(NULL, "\n ")) {
		last = atol(word);
		sum += last;
	}
	if (blocks->nr_zones == MAX_ZONES)
		ksft_exit_fail_msg("more than %d zones\n", MAX_ZONES);
	blocks->zones[blocks->nr_zones].nid = nid;
	strcpy(blocks->zones[blocks->nr_zones].zone, name);
	blocks->zones[blocks->nr_zones++].nr = sum;
	if (has_isolated)
		blocks->isolated = (blocks->isolated < 0 ? 0 : blocks->isolated) + last;
}

void zone_read_pageblocks(struct pageblocks *blocks)
{
	FILE *file = file_open("/proc/pagetypeinfo");
	bool counts = false, has_isolated = false;
	char line[512], name[16], *text;
	unsigned long pages;
	int nid, len;

	memset(blocks, 0, sizeof(*blocks));
	blocks->isolated = -1;
	blocks->isolated_free = -1;
	while (fgets(line, sizeof(line), file)) {
		text = strstr(line, ISOLATE);
		if (text) {
			if (blocks->isolated_free < 0)
				blocks->isolated_free = 0;
			blocks->isolated_free += sum_orders(text + strlen(ISOLATE));
		} else if (!strncmp(line, "Number of ", 10)) {
			counts = !strncmp(line + 10, "blocks type", 11);
			has_isolated = strstr(line, " Isolate");
		} else if (counts && sscanf(line, "Node %d, zone %15s%n", &nid,
					    name, &len) == 2) {
			add_zone(blocks, nid, name, line + len, has_isolated);
		} else if (sscanf(line, "Pages per block: %lu", &pages) == 1) {
			blocks->pages = pages;
		}
	}
	if (ferror(file))
		ksft_exit_fail_msg("/proc/pagetypeinfo: %s\n", strerror(errno));
	fclose(file);
}

long zone_pageblocks(const struct pageblocks *blocks, const struct zone *zone)
{
	int i;

	for (i = 0; i < blocks->nr_zones; i++)
		if (blocks->zones[i].nid == zone->nid &&
		    !strcmp(blocks->zones[i].zone, zone->name))
			return blocks->zones[i].nr;
	return -1;
}
