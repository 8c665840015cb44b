// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory without a driver, for <debugfs>/test_memmap/device: a range that
 * nothing else uses is added with memremap_pages(). With each page allocation that
 * this makes, pfn_to_online_page() is called for the first page of the range.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "files.h"

struct device_range {
	struct mutex lock;		/* all of it */
	struct dev_pagemap pgmap;
	struct task_struct *adder;
	unsigned long nr_calls;		/* of pfn_to_online_page() */
	unsigned long nr_online;	/* of these, how often it was not NULL */
	bool added;
};

/* A probe of the tracepoint mm_page_alloc, which is not exported. */
static void allocates_page(void *data, struct page *page, unsigned int order,
			   gfp_t gfp_flags, int migratetype)
{
	struct device_range *device = data;

	if (current != device->adder)
		return;
	device->nr_calls++;
	if (pfn_to_online_page(PHYS_PFN(device->pgmap.range.start)))
		device->nr_online++;
}

static void find_tracepoint(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "mm_page_alloc"))
		*(struct tracepoint **)found = tp;
}

static int add(struct device_range *device)
{
	struct tracepoint *tp = NULL;
	void *addr;
	int ret;

	for_each_kernel_tracepoint(find_tracepoint, &tp);
	if (!tp)
		return -EOPNOTSUPP;
	device->adder = current;
	ret = tracepoint_probe_register(tp, allocates_page, device);
	if (ret)
		return ret;
	addr = memremap_pages(&device->pgmap, NUMA_NO_NODE);
	tracepoint_probe_unregister(tp, allocates_page, device);
	tracepoint_synchronize_unregister();
	device->added = !IS_ERR(addr);

	return PTR_ERR_OR_ZERO(addr);
}

static ssize_t device_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *ppos)
{
	struct device_range *device = file->private_data;
	unsigned long long number[2];
	int ret;

	ret = read_numbers(buf, count, number);
	if (ret)
		return ret;
	if (!number[1])
		return -EINVAL;

	ret = -EBUSY;
	mutex_lock(&device->lock);
	if (!device->added) {
		device->pgmap.type = MEMORY_DEVICE_GENERIC;
		device->pgmap.range.start = number[0];
		device->pgmap.range.end = number[0] + number[1] - 1;
		device->pgmap.nr_range = 1;
		ret = add(device);
	}
	mutex_unlock(&device->lock);

	return ret ? ret : count;
}

static ssize_t device_read(struct file *file, char __user *buf, size_t count,
			   loff_t *ppos)
{
	struct device_range *device = file->private_data;
	loff_t start = 0;
	char line[64];
	int len;

	mutex_lock(&device->lock);
	len = scnprintf(line, sizeof(line), "%lu %lu\n", device->nr_online,
			device->nr_calls);
	mutex_unlock(&device->lock);

	return simple_read_from_buffer(buf, count, &start, line, len);
}

static int device_open(struct inode *inode, struct file *file)
{
	struct device_range *device = kzalloc(sizeof(*device), GFP_KERNEL);

	if (!device)
		return -ENOMEM;
	mutex_init(&device->lock);
	file->private_data = device;

	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	struct device_range *device = file->private_data;

	if (device->added)
		memunmap_pages(&device->pgmap);
	kfree(device);

	return 0;
}

const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
	.write = device_write,
	.release = device_release,
};
