// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "dax.h"
#include "test.h"

const unsigned int dax_altmap_page = DEVICE_PAGE | TEST_MEMMAP_RESERVED | TEST_MEMMAP_OWNED;

int dax_hold_pgmap(unsigned long pfn)
{
	int fd = open(PAGE_DEBUGFS("hold"), O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && dprintf(fd, "%lu", pfn) > 0)
		return fd;
	ksft_print_msg("no pgmap of pfn %#lx to hold: %s\n", pfn, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

int dax_hold(const struct dax *dax)
{
	return dax_hold_pgmap(dax->data.pfn);
}
