/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The counters that tell how much memory there is: in which zone it is, by how
 * much they change, and that they change back.
 */
#ifndef _MEMMAP_COUNTERS_H
#define _MEMMAP_COUNTERS_H

#include "block.h"
#include "zone.h"

/* What must be the same before memory is added and after it was removed. */
struct counters {
	struct zone zones[MAX_ZONES];
	int nr_zones;
	long total_kb;		/* MemTotal */
	char text[32768];	/* all of it, and more, to be compared */
};

void counters_read(struct counters *counters);

/* Prints the first line that is not the same. */
bool counters_are_same(const struct counters *before, const struct counters *after);

/*
 * Are there @blocks more than before, in this zone of their node and in no other,
 * and all of them given to the page allocator?
 */
bool counters_grew(const struct counters *before, const struct counters *after,
		   const struct blocks *blocks, const char *zone);

/* Are all of @blocks in @zone, and do they say so? */
bool counters_all_in_zone(const struct blocks *blocks, const char *zone);

#endif
