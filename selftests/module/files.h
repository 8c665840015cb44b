/* SPDX-License-Identifier: GPL-2.0 */
/* The files under <debugfs>/test_memmap, see main.c, and what they share. */
#ifndef _TEST_MEMMAP_FILES_H
#define _TEST_MEMMAP_FILES_H

#include <linux/fs.h>
#include <linux/notifier.h>
#include <linux/types.h>

struct dev_pagemap;

extern struct notifier_block going_online_nb;

extern const struct file_operations contig_fops;
extern const struct file_operations cost_fops;
extern const struct file_operations device_fops;
extern const struct file_operations free_fops;
extern const struct file_operations going_online_fops;
extern const struct file_operations hold_fops;
extern const struct file_operations ioremap_fops;
extern const struct file_operations map_fops;
extern const struct file_operations p2p_fops;
extern const struct file_operations usercopy_fops;

/*
 * The pgmap that all of [@phys, @phys + @size), in bytes, belongs to, with a
 * reference, or NULL.
 */
struct dev_pagemap *get_pgmap(phys_addr_t phys, size_t size);

/* Two numbers of a line, in any base. Returns 0, -EINVAL or -EFAULT. */
int read_numbers(const char __user *buf, size_t count,
		 unsigned long long number[2]);

#endif
