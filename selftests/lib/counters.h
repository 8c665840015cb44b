/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters of memory, in total and per zone: by how much they change when
 * memory is added, and that they change back.
 */
#ifndef _MEMMAP_COUNTERS_H
#define _MEMMAP_COUNTERS_H

#include "block.h"
#include "zone.h"

/* Must be the same before memory is added and after it is removed. */
struct counters {
	struct zone zones[MAX_ZONES];
	int nr_zones;
	long total_kb;		/* MemTotal */
	char text[32768];	/* these and more, to compare */
};

void counters_read(struct counters *counters);

/* Prints the first line that differs. */
bool counters_are_same(const struct counters *before, const struct counters *after);

/*
 * True if memory grew by @blocks, in @zone of their node and in no other zone,
 * and the page allocator manages all of it.
 */
bool counters_grew(const struct counters *before, const struct counters *after,
		   const struct blocks *blocks, const char *zone);

/* True if all @blocks are in @zone, the only one in their valid_zones. */
bool counters_all_in_zone(const struct blocks *blocks, const char *zone);

#endif
