/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Zones in /proc/zoneinfo and /proc/pagetypeinfo.
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
	long free;		/* including the per-CPU lists */
};

/* Read all zones; returns their number. */
int zone_read_all(struct zone *zones, int max);

/* The same for populated zones. */
int zone_read(struct zone *zones, int max);

/*
 * Free memory in kB. Unlike MemFree, it includes the per-CPU lists: since v6.7
 * these can hold tens of MB, also while the CPU is idle.
 */
long zone_free_kb(void);

/* Content of /proc/pagetypeinfo. */
struct pageblocks {
	unsigned long pages;	/* in a pageblock; 0: not reported */
	int nr_zones;
	struct {
		int nid;
		char zone[16];
		long nr;	/* of pageblocks, whatever their type */
	} zones[MAX_ZONES];
	long isolated;		/* pageblocks; -1: not reported */
	long isolated_free;	/* free pages in them; -1: not reported */
};

void zone_read_pageblocks(struct pageblocks *blocks);

/* Number of pageblocks in a zone, -1 if it is not in the file. */
long zone_pageblocks(const struct pageblocks *blocks, const struct zone *zone);

#endif
