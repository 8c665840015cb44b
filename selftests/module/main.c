// SPDX-License-Identifier: GPL-2.0
/*
 * Show struct pages to the memmap selftests.
 *
 * /proc/kpageflags only has pages that pfn_to_online_page() accepts, so
 * it has nothing about ZONE_DEVICE and nothing about memory blocks that are
 * being onlined. Both are what the selftests have to look at. Under
 * <debugfs>/test_memmap:
 *
 * pages:         one struct test_memmap_page per pfn, see test_memmap_uapi.h
 * going_online:  one line "start_pfn nr_pages nr_reserved" for every
 *                MEM_GOING_ONLINE event since the file was last written to, with
 *                what the struct pages looked like to the notifier
 * usercopy:      device memory from the physical address that is the offset
 *                on; one read() is one copy_to_user() from the kernel mapping
 * map:           maps device memory from the physical address that is the
 *                offset on, with VM_MIXEDMAP: page by page by vm_insert_page(),
 *                which does not say that it is device memory; or, if all is a
 *                multiple of PMD_SIZE, with huge page table entries only
 * ioremap:       write "address size", numbers as in C: an ioremap() that is
 *                undone at once. EBUSY: it was refused
 * contig:        only with CONFIG_CONTIG_ALLOC. Write "pfn nr": an
 *                alloc_contig_range() of online memory in one zone that is
 *                undone at once. EBUSY: it could not be had
 * cost:          one struct test_memmap_cost: what pfn_to_online_page() costs for
 *                the pfns from the offset on
 * free:          write "pfn order": the last reference to pages of a device is
 *                dropped by __free_pages(), which is a bug. EUCLEAN: the pages
 *                are on a free list now; ESTALE: they are not, but have
 *                forgotten their pgmap
 * hold:          only on v7. Write a pfn: the pgmap of its page is held, in
 *                place of what this file has held, until the file is closed.
 *                Taking the device away waits for that
 * device:        only with CONFIG_TRACEPOINTS. Write "start size", in bytes: that range,
 *                which nothing else may use, becomes device memory until the file is
 *                closed. read() gives "online allocations": with how many page
 *                allocations its first page was online meanwhile, and of how many
 * p2pdma:        peer-to-peer DMA with memory of a PCI device that lives as long
 *                as the open file. Write "0000:01:00.0 nr": allocate nr pages of
 *                that device's p2pmem. Then "map path": map them for DMA by the
 *                PCI device behind a block device, unmap them, and have read()
 *                give "pfn dma_address distance" (EXDEV: it can't reach them);
 *                "read path": have the device read its first nr pages into them;
 *                "write path": have it write them behind its first nr pages. Only
 *                there with CONFIG_PCI_P2PDMA and CONFIG_BLOCK
 *
 * The struct page of a pfn is read as it is, initialised or not: no flag test
 * that follows a compound head, nothing that takes a reference. A device or a
 * memory block that is taken away while its pages are being read is the
 * tester's mistake.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_ref.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "files.h"
#include "pin.h"
#include "test_memmap_uapi.h"
#include "vfio.h"

static struct dentry *test_memmap_dir;

struct dev_pagemap *get_pgmap(phys_addr_t phys, size_t size)
{
	struct dev_pagemap *pgmap;

	if (!size || phys + size < phys)
		return NULL;

	pgmap = find_pgmap(PHYS_PFN(phys));
	if (!pgmap)
		return NULL;
	/* The pages that an altmap covers have no pgmap. */
	if (phys + size - 1 > pgmap->range.end ||
	    *page_owner(pfn_to_page(PHYS_PFN(phys))) != pgmap) {
		put_dev_pagemap(pgmap);
		return NULL;
	}

	return pgmap;
}

int read_numbers(const char __user *buf, size_t count,
		 unsigned long long number[2])
{
	char line[64];

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';

	return sscanf(line, "%lli %lli", &number[0], &number[1]) == 2 ? 0 :
	       -EINVAL;
}

static void read_page(unsigned long pfn, struct test_memmap_page *rec)
{
	struct dev_pagemap *pgmap;
	struct page *page;

	memset(rec, 0, sizeof(*rec));
	if (!pfn_valid(pfn))
		return;

	page = pfn_to_page(pfn);
	rec->flags = *page_flags(page);
	rec->refcount = page_ref_count(page);
#ifdef NODE_NOT_IN_PAGE_FLAGS
	rec->nid = page_to_nid(page);
#else
	/* page_to_nid() is a bug when the page is poisoned */
	rec->nid = (*page_flags(page) >> NODES_PGSHIFT) & NODES_MASK;
#endif
	rec->zone = page_zonenum(page);
	rec->unused = 1;
	rec->pins = rec->refcount / (int)GUP_PIN_COUNTING_BIAS;
	rec->state = TEST_MEMMAP_VALID;
	if (pfn_to_online_page(pfn))
		rec->state |= TEST_MEMMAP_ONLINE;
	if (test_bit(PG_reserved, page_flags(page)))
		rec->state |= TEST_MEMMAP_RESERVED;
	if (is_zone_device_page(page))
		rec->state |= TEST_MEMMAP_DEVICE;

	pgmap = find_pgmap(pfn);
	if (pgmap) {
		rec->state |= TEST_MEMMAP_PGMAP;
		read_folio(page, pgmap, rec);
		put_dev_pagemap(pgmap);
	}
}

static ssize_t pages_read(struct file *file, char __user *buf, size_t count,
			  loff_t *ppos)
{
	struct test_memmap_page rec;
	unsigned long pfn;
	size_t done;

	if (*ppos % sizeof(rec) || count % sizeof(rec))
		return -EINVAL;

	for (done = 0; done < count; done += sizeof(rec)) {
		pfn = (*ppos + done) / sizeof(rec);
		if (pfn >= 1UL << (MAX_PHYSMEM_BITS - PAGE_SHIFT))
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		read_page(pfn, &rec);
		if (copy_to_user(buf + done, &rec, sizeof(rec)))
			return -EFAULT;
		cond_resched();
	}

	*ppos += done;
	return done;
}

static const struct file_operations pages_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = pages_read,
	.llseek = default_llseek,
};

static int __init test_memmap_init(void)
{
	int ret;

	ret = register_memory_notifier(&going_online_nb);
	if (ret)
		return ret;
	ret = test_vfio_init();
	if (ret) {
		unregister_memory_notifier(&going_online_nb);
		return ret;
	}

	test_memmap_dir = debugfs_create_dir("test_memmap", NULL);
	debugfs_create_file_size("pages", 0400, test_memmap_dir, NULL,
				 &pages_fops, MAX_LFS_FILESIZE);
	debugfs_create_file("going_online", 0600, test_memmap_dir, NULL,
			    &going_online_fops);
	debugfs_create_file_size("usercopy", 0400, test_memmap_dir, NULL,
				 &usercopy_fops, MAX_LFS_FILESIZE);
	/* The other one has no mmap(). */
	debugfs_create_file_unsafe("map", 0600, test_memmap_dir, NULL,
				   &map_fops);
	debugfs_create_file("ioremap", 0200, test_memmap_dir, NULL,
			    &ioremap_fops);
	debugfs_create_file_size("cost", 0400, test_memmap_dir, NULL,
				 &cost_fops, MAX_LFS_FILESIZE);
	debugfs_create_file("free", 0200, test_memmap_dir, NULL, &free_fops);
#ifdef CONFIG_TRACEPOINTS
	debugfs_create_file("device", 0600, test_memmap_dir, NULL, &device_fops);
#endif
#ifdef PIN_V7
	debugfs_create_file("hold", 0200, test_memmap_dir, NULL, &hold_fops);
#endif
#ifdef CONFIG_CONTIG_ALLOC
	debugfs_create_file("contig", 0200, test_memmap_dir, NULL,
			    &contig_fops);
#endif
#if defined(CONFIG_PCI_P2PDMA) && defined(CONFIG_BLOCK)
	debugfs_create_file("p2pdma", 0600, test_memmap_dir, NULL, &p2p_fops);
#endif
	return 0;
}
module_init(test_memmap_init);

static void __exit test_memmap_exit(void)
{
	debugfs_remove_recursive(test_memmap_dir);
	test_vfio_exit();
	unregister_memory_notifier(&going_online_nb);
}
module_exit(test_memmap_exit);

MODULE_DESCRIPTION("Show struct pages to the memmap selftests");
MODULE_LICENSE("GPL");
