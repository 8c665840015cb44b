/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/gfp.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
static inline struct dev_pagemap *find_pgmap(unsigned long pfn)
{
	return get_dev_pagemap(pfn);
}

static inline unsigned long *page_flags(struct page *page)
{
	return &page->flags.f;
}

static inline struct dev_pagemap **page_owner(struct page *page)
{
	return &page_folio(page)->pgmap;
}

#ifdef CONFIG_CONTIG_ALLOC
static inline int alloc_range(unsigned long start, unsigned long end)
{
	return alloc_contig_range(start, end, ACR_FLAGS_NONE, GFP_KERNEL);
}
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static inline vm_fault_t map_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	unsigned long addr = vmf->address & PMD_MASK;
	struct vm_area_struct *vma = vmf->vma;
	phys_addr_t phys;
	struct page *page;

	if (order != PMD_ORDER)
		return VM_FAULT_FALLBACK;

	phys = PFN_PHYS(vma->vm_pgoff) + (addr - vma->vm_start);
	page = pfn_to_page(PHYS_PFN(phys));
	if (compound_order(page) < order)
		return VM_FAULT_SIGBUS;
	return vmf_insert_folio_pmd(vmf, page_folio(page),
				    vmf->flags & FAULT_FLAG_WRITE);
}
#endif
#else
#include "pin_v6.h"
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define LARGEST_ORDER	MAX_PAGE_ORDER

static inline atomic_t *folio_pins(struct folio *folio)
{
	return &folio->_pincount;
}

static inline int folio_mappings(struct folio *folio)
{
	return folio_mapcount(folio);
}

static inline void set_vm_flags(struct vm_area_struct *vma, vm_flags_t flags)
{
	vm_flags_set(vma, flags);
}

struct disk {
	struct block_device *bdev;
	struct file *file;
};

static inline int open_disk(struct disk *disk, const char *path)
{
	disk->file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE,
					    NULL, NULL);
	if (IS_ERR(disk->file))
		return PTR_ERR(disk->file);
	disk->bdev = file_bdev(disk->file);
	return 0;
}

static inline void close_disk(struct disk *disk)
{
	bdev_fput(disk->file);
}
#else
#include "pin_v6.1.h"
#endif

/*
 * The references and pins that a page has are those of its folio. Only pages
 * of a device are asked for it, and only if it is of the same device: what an
 * altmap covers may never have been initialised.
 */
static inline void read_folio(struct page *page, struct dev_pagemap *pgmap,
			      struct test_memmap_page *rec)
{
	struct folio *folio = page_folio(page);
	unsigned long pfn = page_to_pfn(&folio->page);

	if (pfn < PHYS_PFN(pgmap->range.start) ||
	    pfn > PHYS_PFN(pgmap->range.end) || *page_owner(page) != pgmap)
		return;
	rec->state |= TEST_MEMMAP_OWNED;
	/* Of what the altmap covers, each page has a reference. */
	if (pgmap->flags & PGMAP_ALTMAP_VALID &&
	    pfn < pgmap->altmap.base_pfn + pgmap->altmap.reserve + pgmap->altmap.free)
		return;
	rec->unused = pgmap->type == MEMORY_DEVICE_GENERIC;
	rec->mapped = folio_mappings(folio);
	if (!folio_test_large(folio))
		return;
	rec->order = folio_order(folio);
	rec->refcount = folio_ref_count(folio);
	rec->pins = atomic_read(folio_pins(folio));
}

static inline int map_p2p_sg(struct device *dev, struct scatterlist *sgl, int nr)
{
	return dma_map_sg(dev, sgl, nr, DMA_BIDIRECTIONAL);
}

static inline void unmap_p2p_sg(struct device *dev, struct scatterlist *sgl, int nr)
{
	dma_unmap_sg(dev, sgl, nr, DMA_BIDIRECTIONAL);
}

static inline struct bio *alloc_bio(struct block_device *bdev, unsigned int nr,
				    unsigned int op)
{
	return bio_alloc(bdev, nr, op | REQ_SYNC | REQ_NOMERGE, GFP_KERNEL);
}
