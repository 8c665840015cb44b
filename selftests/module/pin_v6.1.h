/* SPDX-License-Identifier: GPL-2.0 */
/* v6.1, where pin_v7.h has other forms of these. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#error "between v6.1 and v6.12, nobody has looked what is different"
#endif

#define LARGEST_ORDER	(MAX_ORDER - 1)

static inline atomic_t *folio_pins(struct folio *folio)
{
	return folio_pincount_ptr(folio);
}

/* folio_mapcount() is not exported */
static inline int folio_mappings(struct folio *folio)
{
	return page_mapcount(&folio->page);
}

static inline void set_vm_flags(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
