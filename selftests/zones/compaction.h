/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_COMPACTION_H
#define _MEMMAP_COMPACTION_H

#include "page.h"

/* Compact all memory, with its trace events on. Returns 0 or -errno. */
int compaction_run(void);

/*
 * Compaction has two scanners, for pages to migrate and for free pages. They
 * begin at the two ends of the zone and stop where they meet. True if they have
 * scanned pages on both sides of @pages.
 */
bool compaction_passed(const struct pages *pages);

#endif
