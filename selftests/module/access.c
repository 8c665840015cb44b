// SPDX-License-Identifier: GPL-2.0
/*
 * <debugfs>/test_memmap/usercopy, map and ioremap: device memory as it is copied from,
 * mapped into user space and mapped once more into the kernel.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "files.h"
#include "pin.h"

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

const struct file_operations usercopy_fops = {
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

const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = map_mmap,
};

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

const struct file_operations ioremap_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = ioremap_write,
};
