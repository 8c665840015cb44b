/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEMMAP_KIND_H
#define _MEMMAP_KIND_H

#include "dax.h"

/* A namespace of some kind. */
struct kind {
	const char *word;	/* prefix of its results */
	const char *mode;	/* of ndctl */
	const char *map;	/* NULL: has no struct pages */
	const char *align;
};

/* True if its memory map is in the device. */
bool kind_has_altmap(const struct kind *kind);

/* Read a namespace of that kind. */
bool kind_read(const struct kind *kind, const char *ns, struct dax *dax);

/* True if the pages with data are those of a device and unused; not reserved. */
bool kind_check_data(const struct kind *kind, const struct dax *dax);
bool kind_check_flag(const struct kind *kind, const struct dax *dax);

#endif
