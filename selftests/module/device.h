/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TEST_MEMMAP_DEVICE_H
#define _TEST_MEMMAP_DEVICE_H

#include <linux/fs.h>

extern const struct file_operations device_fops;

#endif
