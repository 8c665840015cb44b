/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory whose content tells whose it is, page by page: what has become of it
 * when another kernel looks at it, or somebody finds it elsewhere?
 */
#ifndef _MEMMAP_AREA_H
#define _MEMMAP_AREA_H

#include "dax.h"

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(unsigned long))

/* Some pages with a content that tells whose they are. */
struct area {
	const char *name;
	unsigned long key;
	unsigned long *words;
	unsigned long nr;
	unsigned char *found;	/* by page: it was seen elsewhere */
};

/* The first word of a page: its number, hidden by the key of its area. */
unsigned long area_head(const struct area *area, unsigned long page);

void area_fill_page(const struct area *area, unsigned long page, unsigned long *word);
bool area_page_is(const struct area *area, unsigned long page, const unsigned long *word);

/* All of its pages, in their order. */
void area_fill(struct area *area);
bool area_is_filled(const struct area *area);

/* All of a dax device. */
bool area_map(const struct dax *dax, struct area *area);

/* The same, made of @ns, and filled. */
bool area_make(const char *ns, const char *map, struct dax *dax, struct area *area);

/* Anonymous memory of @area->nr pages that stays where it is, when @lock is set. */
void area_map_ram(struct area *area, bool lock);

void area_unmap(struct area *area);

#endif
