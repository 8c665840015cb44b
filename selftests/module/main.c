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
 * contig:        only on v5.10 with CONFIG_CONTIG_ALLOC. Write "pfn nr": an
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
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/page_ref.h>
#include <linux/pci-p2pdma.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "device.h"
#include "pin.h"
#include "test_memmap_uapi.h"
#include "vfio.h"

#define MAX_EVENTS	64

struct going_online {
	unsigned long start_pfn;
	unsigned long nr_pages;
	unsigned long nr_reserved;
};

static struct dentry *test_memmap_dir;
static DEFINE_MUTEX(events_lock);	/* events and nr_events */
static struct going_online events[MAX_EVENTS];
static unsigned int nr_events;

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

static int going_online_notify(struct notifier_block *nb, unsigned long action,
			       void *data)
{
	struct memory_notify *arg = data;
	struct going_online *event;
	unsigned long pfn;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;

	mutex_lock(&events_lock);
	if (nr_events < MAX_EVENTS) {
		event = &events[nr_events++];
		event->start_pfn = arg->start_pfn;
		event->nr_pages = arg->nr_pages;
		event->nr_reserved = 0;
		for (pfn = arg->start_pfn;
		     pfn < arg->start_pfn + arg->nr_pages; pfn++)
			if (test_bit(PG_reserved, page_flags(pfn_to_page(pfn))))
				event->nr_reserved++;
	}
	mutex_unlock(&events_lock);

	return NOTIFY_OK;
}

static struct notifier_block going_online_nb = {
	.notifier_call = going_online_notify,
};

static int going_online_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	mutex_lock(&events_lock);
	for (i = 0; i < nr_events; i++)
		seq_printf(m, "%lu %lu %lu\n", events[i].start_pfn,
			   events[i].nr_pages, events[i].nr_reserved);
	mutex_unlock(&events_lock);

	return 0;
}

static int going_online_open(struct inode *inode, struct file *file)
{
	return single_open(file, going_online_show, NULL);
}

static ssize_t going_online_write(struct file *file, const char __user *buf,
				  size_t count, loff_t *ppos)
{
	mutex_lock(&events_lock);
	nr_events = 0;
	mutex_unlock(&events_lock);

	return count;
}

static const struct file_operations going_online_fops = {
	.owner = THIS_MODULE,
	.open = going_online_open,
	.read = seq_read,
	.write = going_online_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* The pgmap that all of [@phys, @phys + @size) belongs to, or NULL. */
static struct dev_pagemap *get_pgmap(phys_addr_t phys, size_t size)
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

static ssize_t usercopy_read(struct file *file, char __user *buf, size_t count,
			     loff_t *ppos)
{
	struct dev_pagemap *pgmap = get_pgmap(*ppos, count);
	unsigned long left;

	if (!pgmap)
		return -ENXIO;
	left = copy_to_user(buf, __va(*ppos), count);
	put_dev_pagemap(pgmap);
	*ppos += count - left;

	return left ? -EFAULT : count;
}

static const struct file_operations usercopy_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = usercopy_read,
	.llseek = default_llseek,
};

static vm_fault_t map_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct map_vm_ops = {
	.fault = map_fault,
#ifdef CONFIG_TRANSPARENT_HUGEPAGE
	.huge_fault = map_huge_fault,
#endif
};

/* The mapping does not keep the device: it has to be unmapped in time. */
static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	phys_addr_t phys = PFN_PHYS(vma->vm_pgoff);
	size_t size = vma->vm_end - vma->vm_start, done;
	struct dev_pagemap *pgmap;
	int ret = 0;

	pgmap = get_pgmap(phys, size);
	if (!pgmap)
		return -ENXIO;

	vma->vm_ops = &map_vm_ops;
	set_vm_flags(vma, VM_MIXEDMAP | VM_HUGEPAGE);
	if (!IS_ALIGNED(phys | vma->vm_start | size, PMD_SIZE))
		for (done = 0; !ret && done < size; done += PAGE_SIZE)
			ret = vm_insert_page(vma, vma->vm_start + done,
					     pfn_to_page(PHYS_PFN(phys + done)));
	put_dev_pagemap(pgmap);

	return ret;
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = map_mmap,
};

/* Two numbers of a line, in any base. */
static int read_numbers(const char __user *buf, size_t count,
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

static ssize_t ioremap_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *ppos)
{
	unsigned long long number[2];
	void __iomem *addr;
	int ret;

	ret = read_numbers(buf, count, number);
	if (ret)
		return ret;
	addr = ioremap(number[0], number[1]);
	if (!addr)
		return -EBUSY;
	iounmap(addr);

	return count;
}

static const struct file_operations ioremap_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = ioremap_write,
};

/*
 * Where pfn_to_online_page() is a macro, it is measured as inlined into this
 * loop. The same loop without it is measured as well, to be subtracted.
 */
static noinline void measure_calls(unsigned long pfn, struct test_memmap_cost *cost)
{
	unsigned long end = pfn + TEST_MEMMAP_COST_CALLS, found = 0, flags;
	struct page *page;
	cycles_t start;

	local_irq_save(flags);
	start = get_cycles();
	for (; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		OPTIMIZER_HIDE_VAR(page);
		found += !!page;
	}
	cost->ticks = get_cycles() - start;
	local_irq_restore(flags);
	cost->found = found;
}

static noinline void measure_loop(unsigned long pfn, struct test_memmap_cost *cost)
{
	unsigned long end = pfn + TEST_MEMMAP_COST_CALLS, found = 0, flags;
	struct page *page;
	cycles_t start;

	local_irq_save(flags);
	start = get_cycles();
	for (; pfn < end; pfn++) {
		page = (struct page *)pfn;
		OPTIMIZER_HIDE_VAR(page);
		found += !!page;
	}
	cost->loop_ticks = get_cycles() - start;
	local_irq_restore(flags);
	/* Use the result, or the compiler drops the loop. */
	WARN_ON_ONCE(found > TEST_MEMMAP_COST_CALLS);
}

static ssize_t cost_read(struct file *file, char __user *buf, size_t count,
			 loff_t *ppos)
{
	struct test_memmap_cost cost = { .calls = TEST_MEMMAP_COST_CALLS };

	if (count != sizeof(cost))
		return -EINVAL;
	measure_calls(*ppos, &cost);
	measure_loop(*ppos, &cost);

	return copy_to_user(buf, &cost, sizeof(cost)) ? -EFAULT : count;
}

static const struct file_operations cost_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = cost_read,
	.llseek = default_llseek,
};

static int free_device_pages(struct page *page, unsigned int order)
{
	struct dev_pagemap *pgmap = *page_owner(page);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < 1U << order; i++)
		if (page_ref_count(page + i) != 1 || PageCompound(page + i))
			return -EINVAL;

	/* Like those of any large page that is no compound page. */
	for (i = 1; i < 1U << order; i++)
		page_ref_dec(page + i);
	__free_pages(page, order);
	if (PageBuddy(page))
		return -EUCLEAN;

	/* As if nothing had been. */
	if (*page_owner(page) != pgmap)
		ret = -ESTALE;
	*page_owner(page) = pgmap;
	for (i = 0; i < 1U << order; i++)
		page_ref_inc(page + i);

	return ret;
}

static ssize_t free_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	unsigned long long number[2];
	struct dev_pagemap *pgmap;
	int ret;

	ret = read_numbers(buf, count, number);
	if (ret)
		return ret;
	if (number[1] > LARGEST_ORDER)
		return -EINVAL;
	pgmap = get_pgmap(PFN_PHYS(number[0]), PAGE_SIZE << number[1]);
	if (!pgmap)
		return -ENXIO;
	ret = free_device_pages(pfn_to_page(number[0]), number[1]);
	put_dev_pagemap(pgmap);

	return ret ? ret : count;
}

static const struct file_operations free_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = free_write,
};

#ifdef PIN_V7
static ssize_t hold_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *ppos)
{
	struct dev_pagemap *pgmap;
	unsigned long pfn;
	int ret;

	ret = kstrtoul_from_user(buf, count, 0, &pfn);
	if (ret)
		return ret;
	pgmap = find_pgmap(pfn);
	if (!pgmap)
		return -ENXIO;
	put_dev_pagemap(xchg(&file->private_data, pgmap));

	return count;
}

static int hold_release(struct inode *inode, struct file *file)
{
	put_dev_pagemap(file->private_data);

	return 0;
}

static const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = hold_write,
	.release = hold_release,
};

static void create_pin_files(void)
{
	debugfs_create_file("hold", 0200, test_memmap_dir, NULL, &hold_fops);
}
#elif defined(CONFIG_CONTIG_ALLOC)
static ssize_t contig_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	unsigned long long number[2];
	unsigned long pfn, i;
	int ret;

	ret = read_numbers(buf, count, number);
	if (ret)
		return ret;
	if (!number[1] || number[1] > UINT_MAX)
		return -EINVAL;
	pfn = number[0];
	for (i = 0; i < number[1]; i++)
		if (!pfn_to_online_page(pfn + i))
			return -ENXIO;
	ret = alloc_contig_range(pfn, pfn + i, MIGRATE_MOVABLE, GFP_KERNEL);
	if (ret)
		return ret;
	free_contig_range(pfn, i);

	return count;
}

static const struct file_operations contig_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = contig_write,
};

static void create_pin_files(void)
{
	debugfs_create_file("contig", 0200, test_memmap_dir, NULL,
			    &contig_fops);
}
#else
static void create_pin_files(void)
{
}
#endif

#if defined(CONFIG_PCI_P2PDMA) && defined(CONFIG_BLOCK)
#define MAX_P2P_PAGES	64

struct p2p {
	struct mutex lock;		/* all of it */
	struct pci_dev *provider;
	void *memory;
	unsigned int nr_pages;
	char answer[64];
};

static int p2p_open(struct inode *inode, struct file *file)
{
	struct p2p *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	mutex_init(&p->lock);
	file->private_data = p;

	return 0;
}

static int p2p_release(struct inode *inode, struct file *file)
{
	struct p2p *p = file->private_data;

	if (p->memory)
		pci_free_p2pmem(p->provider, p->memory,
				p->nr_pages * PAGE_SIZE);
	pci_dev_put(p->provider);
	kfree(p);

	return 0;
}

static int p2p_alloc(struct p2p *p, struct pci_dev *provider, unsigned int nr)
{
	if (!provider)
		return -ENODEV;
	if (!p->memory && nr && nr <= MAX_P2P_PAGES)
		p->memory = pci_alloc_p2pmem(provider, nr * PAGE_SIZE);
	if (!p->memory || p->provider) {
		pci_dev_put(provider);
		return p->provider ? -EBUSY : -ENOMEM;
	}
	p->provider = provider;
	p->nr_pages = nr;

	return 0;
}

static struct page *p2p_page(struct p2p *p, unsigned int i)
{
	return virt_to_page(p->memory + i * PAGE_SIZE);
}

static int p2p_map(struct p2p *p, struct block_device *bdev)
{
	struct device *client = disk_to_dev(bdev->bd_disk);
	struct scatterlist *sgl, *sg;
	int distance, i, nr, ret = 0;

	while (client && !dev_is_pci(client))
		client = client->parent;
	if (!client)
		return -ENODEV;
	/* This is also what makes mapping possible at all. */
	distance = pci_p2pdma_distance(p->provider, client, false);
	if (distance < 0)
		return -EXDEV;

	sgl = kmalloc_array(p->nr_pages, sizeof(*sgl), GFP_KERNEL);
	if (!sgl)
		return -ENOMEM;
	sg_init_table(sgl, p->nr_pages);
	for_each_sg(sgl, sg, p->nr_pages, i)
		sg_set_page(sg, p2p_page(p, i), PAGE_SIZE, 0);

	nr = map_p2p_sg(client, sgl, p->nr_pages);
	if (nr) {
		snprintf(p->answer, sizeof(p->answer), "%lu %llu %d\n",
			 page_to_pfn(p2p_page(p, 0)),
			 (unsigned long long)sg_dma_address(sgl), distance);
		unmap_p2p_sg(client, sgl, p->nr_pages);
	} else {
		ret = -EIO;
	}
	kfree(sgl);

	return ret;
}

static int p2p_transfer(struct p2p *p, struct block_device *bdev,
			unsigned int op)
{
	struct bio *bio;
	unsigned int i;
	int ret = 0;

	if (!blk_queue_pci_p2pdma(bdev_get_queue(bdev)))
		return -EOPNOTSUPP;

	bio = alloc_bio(bdev, p->nr_pages, op);
	if (!bio)
		return -ENOMEM;
	if (op == REQ_OP_WRITE)
		bio->bi_iter.bi_sector = p->nr_pages * (PAGE_SIZE / SECTOR_SIZE);
	for (i = 0; !ret && i < p->nr_pages; i++)
		if (bio_add_page(bio, p2p_page(p, i), PAGE_SIZE, 0) != PAGE_SIZE)
			ret = -E2BIG;
	if (!ret)
		ret = submit_bio_wait(bio);
	bio_put(bio);

	return ret;
}

static int p2p_command(struct p2p *p, const char *op, const char *path)
{
	struct disk disk;
	int ret;

	if (!p->memory)
		return -EINVAL;
	ret = open_disk(&disk, path);
	if (ret)
		return ret;

	if (!strcmp(op, "map"))
		ret = p2p_map(p, disk.bdev);
	else if (!strcmp(op, "read"))
		ret = p2p_transfer(p, disk.bdev, REQ_OP_READ);
	else if (!strcmp(op, "write"))
		ret = p2p_transfer(p, disk.bdev, REQ_OP_WRITE);
	else
		ret = -EINVAL;
	close_disk(&disk);

	return ret;
}

static ssize_t p2p_write(struct file *file, const char __user *buf,
			 size_t count, loff_t *ppos)
{
	unsigned int domain, bus, slot, func, nr;
	struct p2p *p = file->private_data;
	char line[64], *path = line, *op;
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';

	mutex_lock(&p->lock);
	if (sscanf(line, "%x:%x:%x.%x %u", &domain, &bus, &slot, &func, &nr) == 5) {
		ret = p2p_alloc(p, pci_get_domain_bus_and_slot(domain, bus,
							       PCI_DEVFN(slot, func)), nr);
	} else {
		op = strsep(&path, " ");
		ret = path ? p2p_command(p, op, path) : -EINVAL;
	}
	mutex_unlock(&p->lock);

	return ret ? ret : count;
}

static ssize_t p2p_read(struct file *file, char __user *buf, size_t count,
			loff_t *ppos)
{
	struct p2p *p = file->private_data;
	loff_t start = 0;
	ssize_t ret;

	mutex_lock(&p->lock);
	ret = simple_read_from_buffer(buf, count, &start, p->answer,
				      strlen(p->answer));
	mutex_unlock(&p->lock);

	return ret;
}

static const struct file_operations p2p_fops = {
	.owner = THIS_MODULE,
	.open = p2p_open,
	.read = p2p_read,
	.write = p2p_write,
	.release = p2p_release,
};
#endif

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
	create_pin_files();
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
