/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory with a pattern that identifies each page: to check it from another
 * kernel, or to find its pages elsewhere.
 */
#ifndef _MEMMAP_AREA_H
#define _MEMMAP_AREA_H

#include "dax.h"

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(unsigned long))

/* Pages with a pattern made from @key. */
struct area {
	const char *name;
	unsigned long key;
	unsigned long *words;
	unsigned long nr;
	unsigned char *found;	/* per page: it was found elsewhere */
};

/* First word of a page: its number, XORed with a hash of the key. */
unsigned long area_head(const struct area *area, unsigned long page);

void area_fill_page(const struct area *area, unsigned long page, unsigned long *word);
bool area_page_is(const struct area *area, unsigned long page, const unsigned long *word);

/* Fill or check all pages of the area. */
void area_fill(struct area *area);
bool area_is_filled(const struct area *area);

/* Map all data pages of a dax device. */
bool area_map(const struct dax *dax, struct area *area);

/* Make @ns a dax device, map it and fill it. */
bool area_make(const char *ns, const char *map, struct dax *dax, struct area *area);

/* Map @area->nr pages of anonymous memory; mlock() them if @lock is set. */
void area_map_ram(struct area *area, bool lock);

void area_unmap(struct area *area);

#endif
