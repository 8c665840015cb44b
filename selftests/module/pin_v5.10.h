/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/pfn_t.h>

#define LARGEST_ORDER	(MAX_ORDER - 1)

static inline struct dev_pagemap *find_pgmap(unsigned long pfn)
{
	return get_dev_pagemap(pfn, NULL);
}

static inline unsigned long *page_flags(struct page *page)
{
	return &page->flags;
}

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

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
static inline vm_fault_t map_huge_fault(struct vm_fault *vmf,
					enum page_entry_size pe_size)
{
	unsigned long addr = vmf->address & PMD_MASK;
	struct vm_area_struct *vma = vmf->vma;
	phys_addr_t phys;

	if (pe_size != PE_SIZE_PMD)
		return VM_FAULT_FALLBACK;

	phys = PFN_PHYS(vma->vm_pgoff) + (addr - vma->vm_start);
	return vmf_insert_pfn_pmd(vmf, phys_to_pfn_t(phys, PFN_DEV | PFN_MAP),
				  vmf->flags & FAULT_FLAG_WRITE);
}
#endif

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

struct disk {
	struct block_device *bdev;
};

static inline int open_disk(struct disk *disk, const char *path)
{
	disk->bdev = blkdev_get_by_path(path, FMODE_READ | FMODE_WRITE, NULL);
	return PTR_ERR_OR_ZERO(disk->bdev);
}

static inline void close_disk(struct disk *disk)
{
	blkdev_put(disk->bdev, FMODE_READ | FMODE_WRITE);
}
