/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zones, as /proc/zoneinfo and /proc/pagetypeinfo have them.
 */
#ifndef _MEMMAP_ZONE_H
#define _MEMMAP_ZONE_H

#include <stdbool.h>

#define MAX_ZONES	64

struct zone {
	int nid;
	unsigned int index;	/* as page_zonenum() */
	char name[16];
	bool populated;
	unsigned long start;	/* pfns [start, end), if it is populated */
	unsigned long end;
	long spanned;
	long present;
	long managed;
	long free;		/* with what each CPU keeps at hand */
};

/* All zones there are; returns how many. */
int zone_read_all(struct zone *zones, int max);

/* The populated ones. */
int zone_read(struct zone *zones, int max);

/*
 * Free memory in kB. Unlike MemFree, with what each CPU keeps at hand for the
 * next to ask: since v6.7 that can be tens of MB, and stays while it is idle.
 */
long zone_free_kb(void);

/* What /proc/pagetypeinfo says. */
struct pageblocks {
	unsigned long pages;	/* in a pageblock; 0: it does not say */
	int nr_zones;
	struct {
		int nid;
		char zone[16];
		long nr;	/* of pageblocks, whatever their type */
	} zones[MAX_ZONES];
	long isolated;		/* pageblocks; -1: it does not say */
	long isolated_free;	/* free pages in them; -1 as well */
};

void zone_read_pageblocks(struct pageblocks *blocks);

/* How many pageblocks the file counts in a zone, -1 if it has nothing about it. */
long zone_pageblocks(const struct pageblocks *blocks, const struct zone *zone);

#endif
