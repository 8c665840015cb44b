/* SPDX-License-Identifier: GPL-2.0 */
/*
 * System RAM, as /proc/iomem has it.
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

/* The ranges that /proc/iomem calls System RAM; returns how many. */
int ram_read(struct range *ranges, int max);

/* Note what is RAM now: what ram_is() goes by. Returns how many ranges that are. */
int ram_note(void);
bool ram_is(unsigned long pfn);

/* How many pages of [@start, @end) are System RAM. */
unsigned long ram_pages(unsigned long start, unsigned long end);

#endif
