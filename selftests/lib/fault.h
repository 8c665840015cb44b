/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Make allocations of this process fail, with CONFIG_FAULT_INJECTION.
 */
#ifndef _MEMMAP_FAULT_H
#define _MEMMAP_FAULT_H

#include <stdbool.h>

#define FAULT_SLAB	"failslab"
#define FAULT_PAGES	"fail_page_alloc"

/* Skip the whole test program without fault injection. */
void fault_require(void);

/*
 * From now on, allocations of @kind smaller than @space are subtracted from it;
 * others fail. @space is bytes for FAULT_SLAB, pages for FAULT_PAGES.
 */
void fault_begin(const char *kind, unsigned long space);

/* Stop that. Returns true if an allocation has failed. */
bool fault_end(void);

#endif
