/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernels before v6.18 share, where pin_v7.h has other forms. */
#include <linux/gfp.h>
#include <linux/pfn_t.h>
#include <linux/version.h>

static inline struct dev_pagemap *find_pgmap(unsigned long pfn)
{
	return get_dev_pagemap(pfn, NULL);
}

static inline unsigned long *page_flags(struct page *page)
{
	return &page->flags;
}

#ifdef CONFIG_CONTIG_ALLOC
static inline int alloc_range(unsigned long start, unsigned long end)
{
	return alloc_contig_range(start, end, MIGRATE_MOVABLE, GFP_KERNEL);
}
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define HUGE_ORDER	unsigned int
#define HUGE_PMD	PMD_ORDER
#else
#define HUGE_ORDER	enum page_entry_size
#define HUGE_PMD	PE_SIZE_PMD
#endif

static inline vm_fault_t map_huge_fault(struct vm_fault *vmf, HUGE_ORDER order)
{
	unsigned long addr = vmf->address & PMD_MASK;
	struct vm_area_struct *vma = vmf->vma;
	phys_addr_t phys;

	if (order != HUGE_PMD)
		return VM_FAULT_FALLBACK;

	phys = PFN_PHYS(vma->vm_pgoff) + (addr - vma->vm_start);
	return vmf_insert_pfn_pmd(vmf, phys_to_pfn_t(phys, PFN_DEV | PFN_MAP),
				  vmf->flags & FAULT_FLAG_WRITE);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
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
#endif
