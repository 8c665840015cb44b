/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_IMAGE_H
#define _MEMMAP_IMAGE_H

#include "area.h"

/* Read the whole disk, and note each page of these areas: sets @found of each. */
void image_search(struct area *const *areas, size_t nr);

/* How many pages of the area were found. */
unsigned long image_has(const struct area *area);

#endif
