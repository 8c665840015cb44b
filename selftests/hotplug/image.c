// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_hibernate: what the hibernation image on the disk has.
 */
#include "hibernate.h"
#include "image.h"
#include "test.h"

#define CHUNK	256	/* pages in one read */

void image_search(struct area *const *areas, size_t nr)
{
	static unsigned long io[CHUNK * WORDS] __attribute__((aligned(PAGE)));	/* O_DIRECT */
	const unsigned long *word;
	unsigned long i, page;
	unsigned long long size;
	ssize_t got;
	int fd = hibernate_open_disk(O_RDONLY, &size);

	for (i = 0; i < nr; i++) {
		areas[i]->found = calloc(areas[i]->nr, 1);
		if (!areas[i]->found)
			ksft_exit_fail_msg("no memory\n");
	}
	while ((got = read(fd, io, sizeof(io))) > 0)
		for (word = io; word < io + got / sizeof(*io); word += WORDS)
			for (i = 0; i < nr; i++) {
				page = *word ^ area_head(areas[i], 0);
				if (page < areas[i]->nr && area_page_is(areas[i], page, word))
					areas[i]->found[page] = 1;
			}
	if (got)
		ksft_exit_fail_msg("the image: %s\n", strerror(errno));
	close(fd);
}

unsigned long image_has(const struct area *area)
{
	unsigned long nr = 0, i;

	for (i = 0; i < area->nr; i++)
		nr += area->found[i];
	ksft_print_msg("%s: %lu of %lu pages are in the image\n", area->name, nr,
		       area->nr);
	return nr;
}
