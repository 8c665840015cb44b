/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System RAM in /proc/iomem.
 */
#ifndef _MEMMAP_RAM_H
#define _MEMMAP_RAM_H

#include <stdbool.h>

#define MAX_RANGES	64

/* Whole pages, pfns [start, end). */
struct range {
	unsigned long start;
	unsigned long end;
};

/* Read the System RAM ranges of /proc/iomem; returns their number. */
int ram_read(struct range *ranges, int max);

/*
 * Read what zones count as present. Where the kernel keeps memblock that is all
 * of its memory: a part of it that the firmware does not want mapped (arm64) is
 * not System RAM in /proc/iomem. Elsewhere it is System RAM. Returns the number
 * of ranges.
 */
int ram_read_present(struct range *ranges, int max);

/* Is @pfn in one of the @nr ranges? */
bool ranges_have(const struct range *ranges, int nr, unsigned long pfn);

/* Record the current ranges for ram_is(). Returns their number. */
int ram_note(void);
bool ram_is(unsigned long pfn);

/* Number of pages of System RAM in pfns [@start, @end). */
unsigned long ram_pages(unsigned long start, unsigned long end);

#endif
