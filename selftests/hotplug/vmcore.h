/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_VMCORE_H
#define _MEMMAP_VMCORE_H

#include <elf.h>

#include "area.h"

struct vmcore {
	int fd;
	int nr;
	Elf64_Phdr *loads;
	char *info;		/* VMCOREINFO */
};

bool vmcore_open(const char *path, struct vmcore *core);

/* Bytes of [@start, @start + @size) that are in the image. */
unsigned long vmcore_covers(const struct vmcore *core, unsigned long start,
			    unsigned long size);

/*
 * Read page->flags of @nr pages of one section, from @pfn on; false if their
 * struct pages are not in the image, like those in a device.
 */
bool vmcore_flags(const struct vmcore *core, unsigned long pfn, unsigned long nr,
		  unsigned long *flags);

/* Count each area's pages that are in the image, at their own pfn. */
void vmcore_search(const struct vmcore *core, const struct area *areas, int nr,
		   unsigned long *found);

#endif
