/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_KCORE_H
#define _MEMMAP_KCORE_H

#include <stdbool.h>
#include <stdint.h>

/* Open /proc/kcore, and read the list of its segments, for the others here. */
int kcore_open(void);

/* True if the page is in a segment that has a physical address. */
bool kcore_has_ram(unsigned long pfn);

/*
 * Read all segments of RAM, and the others of up to @limit bytes. True if there
 * were some of both kinds, and all could be read.
 */
bool kcore_read(int fd, uint64_t limit);

#endif
