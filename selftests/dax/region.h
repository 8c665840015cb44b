/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_REGION_H
#define _MEMMAP_REGION_H

#include <sys/types.h>

#include "kind.h"

#define REGION_PARTS		4
#define REGION_PART_SIZE	(32 * MB)	/* a quarter of a section */

/* Use this region, whose DIMM has a label area, without any namespace. */
bool region_init(const char *name);

/* The same; and its parts have no zeroes. */
bool region_init_garbage(const char *name);

/* Make namespace number @i in the first free part of the region. */
bool region_create(size_t i, const struct kind *kind);
bool region_destroy(size_t i);
const struct dax *region_dax(size_t i);

/* True if a namespace's pages, or those of all, are as their kind has them. */
bool region_check_part(size_t i);
bool region_check(void);

/*
 * A process that reads all pmem block devices until it is killed, and counts
 * the bytes; @flags: O_DIRECT or 0.
 */
pid_t region_start_reader(unsigned long *read_bytes, int flags);

#endif
