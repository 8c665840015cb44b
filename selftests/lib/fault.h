/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations of this process that fail, with CONFIG_FAULT_INJECTION.
 */
#ifndef _MEMMAP_FAULT_H
#define _MEMMAP_FAULT_H

#include <stdbool.h>

#define FAULT_SLAB	"failslab"
#define FAULT_PAGES	"fail_page_alloc"

/* Skip the whole test program without them. */
void fault_require(void);

/*
 * From now on, what needs more than @space of @kind fails, and what does not makes
 * it smaller. @space is in bytes for FAULT_SLAB, in pages for FAULT_PAGES.
 */
void fault_begin(const char *kind, unsigned long space);

/* No more. Was anything refused? */
bool fault_end(void);

#endif
