// SPDX-License-Identifier: GPL-2.0
/*
 * <debugfs>/test_memmap/free, hold and contig: the last reference to pages of a device,
 * a reference to their pgmap, and an allocation of a given range of RAM.
 */
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_ref.h>

#include "files.h"
#include "pin.h"

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

const struct file_operations free_fops = {
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

const struct file_operations hold_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = hold_write,
	.release = hold_release,
};
#endif

#ifdef CONFIG_CONTIG_ALLOC
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
	ret = alloc_range(pfn, pfn + i);
	if (ret)
		return ret;
	free_contig_range(pfn, i);

	return count;
}

const struct file_operations contig_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = contig_write,
};
#endif
