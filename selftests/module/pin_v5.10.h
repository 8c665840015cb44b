/* SPDX-License-Identifier: GPL-2.0 */
#include "pin_old.h"

#define LARGEST_ORDER	(MAX_ORDER - 1)

static inline struct dev_pagemap **page_owner(struct page *page)
{
	return &page->pgmap;
}

/* Devices have small pages only, whose page table entries have no reference. */
static inline void read_folio(struct page *page, struct dev_pagemap *pgmap,
			      struct test_memmap_page *rec)
{
	if (page->pgmap == pgmap)
		rec->state |= TEST_MEMMAP_OWNED;
}

static inline void set_vm_flags(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline int map_p2p_sg(struct device *dev, struct scatterlist *sgl, int nr)
{
	return pci_p2pdma_map_sg(dev, sgl, nr, DMA_BIDIRECTIONAL);
}

static inline void unmap_p2p_sg(struct device *dev, struct scatterlist *sgl, int nr)
{
	pci_p2pdma_unmap_sg(dev, sgl, nr, DMA_BIDIRECTIONAL);
}

static inline struct bio *alloc_bio(struct block_device *bdev, unsigned int nr,
				    unsigned int op)
{
	struct bio *bio = bio_alloc(GFP_KERNEL, nr);

	if (bio) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = op | REQ_SYNC;
	}
	return bio;
}
