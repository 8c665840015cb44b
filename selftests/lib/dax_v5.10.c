// SPDX-License-Identifier: GPL-2.0
#include "dax.h"
#include "test.h"

/* page->pgmap does not point to a pgmap. */
const unsigned int dax_altmap_page = DEVICE_PAGE | TEST_MEMMAP_RESERVED;

/* Hold the first page by a pipe. */
int dax_hold(const struct dax *dax)
{
	char *addr = dax_map(dax, HUGE_SIZE, 0);
	bool good;
	int held[2];

	*addr = 1;
	good = mem_hold(held, addr, 1);
	munmap(addr, HUGE_SIZE);
	close(held[1]);
	if (good)
		return held[0];
	close(held[0]);
	return -1;
}
