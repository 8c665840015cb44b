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

/* How much of [@start, @start + @size) is in the image, in bytes. */
unsigned long vmcore_covers(const struct vmcore *core, unsigned long start,
			    unsigned long size);

/*
 * The flags of @nr pages from @pfn on, which share a section; false when their
 * struct pages are not in the image, as those that a device keeps for itself.
 */
bool vmcore_flags(const struct vmcore *core, unsigned long pfn, unsigned long nr,
		  unsigned long *flags);

/* How many pages of each area are in the image, and where they say. */
void vmcore_search(const struct vmcore *core, const struct area *areas, int nr,
		   unsigned long *found);

#endif
