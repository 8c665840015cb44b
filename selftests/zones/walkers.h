/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_WALKERS_H
#define _MEMMAP_WALKERS_H

#include "zone.h"

/*
 * True if /proc/pagetypeinfo has as many pageblocks of each zone as the struct
 * pages say. Needs at least one zone.
 */
bool walkers_count_pageblocks(const struct zone *zones, int nr_zones);

/* True if the kernel was booted with page_owner=on. */
bool walkers_has_page_owner(void);

/* Every page with an owner is online, and reading the file ends. */
bool walkers_check_page_owner(void);

#endif
