/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory whose content tells whose it is, page by page: what has become of it
 * when another kernel looks at it, or somebody finds it elsewhere?
 */
#ifndef _SELFTESTS_MEMMAP_AREA_H
#define _SELFTESTS_MEMMAP_AREA_H

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap_dax.h"

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

static inline unsigned long mix(unsigned long x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebUL;
	return x ^ (x >> 31);
}

/* The first word of a page: its number, hidden by the key of its area. */
static inline unsigned long head(const struct area *area, unsigned long page)
{
	return mix(area->key << 32) ^ page;
}

static inline void fill_page(const struct area *area, unsigned long page, unsigned long *word)
{
	unsigned long i;

	word[0] = head(area, page);
	for (i = 1; i < WORDS; i++)
		word[i] = mix(word[0] + i);
}

static inline void fill(struct area *area)
{
	unsigned long page;

	for (page = 0; page < area->nr; page++)
		fill_page(area, page, area->words + page * WORDS);
}

static inline bool page_is(const struct area *area, unsigned long page, const unsigned long *word)
{
	unsigned long i;

	if (word[0] != head(area, page))
		return false;
	for (i = 1; i < WORDS; i++)
		if (word[i] != mix(word[0] + i))
			return false;
	return true;
}

static inline bool is_filled(const struct area *area)
{
	unsigned long page, bad = 0;

	for (page = 0; page < area->nr; page++)
		if (!page_is(area, page, area->words + page * WORDS) && !bad++)
			ksft_print_msg("%s: page %lu has changed\n", area->name, page);
	if (bad)
		ksft_print_msg("%s: %lu of %lu pages have changed\n", area->name,
			       bad, area->nr);
	return area->nr && !bad;
}

/* All of a dax device. */
static inline bool map_area(const struct dax *dax, struct area *area)
{
	int fd = open_dax(dax);

	if (fd < 0)
		return false;
	area->nr = dax->data.nr;
	area->words = mmap(NULL, area->nr * PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
	close(fd);
	return area->words != MAP_FAILED;
}

#endif
