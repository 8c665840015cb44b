// SPDX-License-Identifier: GPL-2.0
#include "area.h"
#include "test.h"

static unsigned long mix(unsigned long x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebUL;
	return x ^ (x >> 31);
}

unsigned long area_head(const struct area *area, unsigned long page)
{
	return mix(area->key << 32) ^ page;
}

void area_fill_page(const struct area *area, unsigned long page, unsigned long *word)
{
	unsigned long i;

	word[0] = area_head(area, page);
	for (i = 1; i < WORDS; i++)
		word[i] = mix(word[0] + i);
}

bool area_page_is(const struct area *area, unsigned long page, const unsigned long *word)
{
	unsigned long i;

	if (word[0] != area_head(area, page))
		return false;
	for (i = 1; i < WORDS; i++)
		if (word[i] != mix(word[0] + i))
			return false;
	return true;
}

void area_fill(struct area *area)
{
	unsigned long page;

	for (page = 0; page < area->nr; page++)
		area_fill_page(area, page, area->words + page * WORDS);
}

bool area_is_filled(const struct area *area)
{
	unsigned long page, bad = 0;

	for (page = 0; page < area->nr; page++)
		if (!area_page_is(area, page, area->words + page * WORDS) && !bad++)
			ksft_print_msg("%s: page %lu has changed\n", area->name, page);
	if (bad)
		ksft_print_msg("%s: %lu of %lu pages have changed\n", area->name,
			       bad, area->nr);
	return area->nr && !bad;
}

bool area_map(const struct dax *dax, struct area *area)
{
	int fd = dax_open(dax);

	if (fd < 0)
		return false;
	area->nr = dax->data.nr;
	area->words = mmap(NULL, area->nr * PAGE, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
	close(fd);
	return area->words != MAP_FAILED;
}

bool area_make(const char *ns, const char *map, struct dax *dax, struct area *area)
{
	if (!dax_create(ns, map, "2M", dax) || !area_map(dax, area))
		return false;
	area_fill(area);
	return true;
}

void area_map_ram(struct area *area, bool lock)
{
	area->words = mem_map(area->nr * PAGE);
	if (lock && mlock(area->words, area->nr * PAGE))
		ksft_exit_fail_msg("mlock: %s\n", strerror(errno));
}

void area_unmap(struct area *area)
{
	munmap(area->words, area->nr * PAGE);
}
