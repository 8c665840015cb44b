/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module test_hmm, which has private device memory.
 */
#ifndef _MEMMAP_HMM_H
#define _MEMMAP_HMM_H

#include <stdbool.h>

/*
 * Load it from this program's directory, or with modprobe; this program's thread
 * then calls memremap_pages(), and memunmap_pages() when it is unloaded. Both
 * print the error and return false on failure.
 */
bool hmm_load(void);
bool hmm_unload(void);

/* Number of memory chunks of its devices; @pages: the pages in them, unless NULL. */
int hmm_count_chunks(unsigned long *pages);

#endif
