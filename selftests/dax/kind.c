// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_namespaces: one kind of namespace, and what its struct pages must
 * be.
 */
#include "kind.h"
#include "test.h"

bool kind_has_altmap(const struct kind *kind)
{
	return kind->map && !strcmp(kind->map, "dev");
}

bool kind_check_data(const struct kind *kind, const struct dax *dax)
{
	return page_check("data", kind_has_altmap(kind) ? &dax->data : &dax->all,
			   DEVICE_MASK, DEVICE_PAGE, dax->nid);
}

bool kind_check_flag(const struct kind *kind, const struct dax *dax)
{
	return page_check_state("data", kind_has_altmap(kind) ? &dax->data : &dax->all,
			   TEST_MEMMAP_RESERVED, 0);
}

bool kind_read(const struct kind *kind, const char *ns, struct dax *dax)
{
	if (!strcmp(kind->mode, "fsdax"))
		return dax_read_fs(ns, dax);
	return dax_read(ns, dax);
}
