/* SPDX-License-Identifier: GPL-2.0 */
/* Before v6.18, where pin_v7.h has other forms of these. */
#include "pin_old.h"

static inline struct dev_pagemap **page_owner(struct page *page)
{
	return &page_folio(page)->page.pgmap;
}
