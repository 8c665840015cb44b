/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NVMe drives, and I/O that bypasses the page cache.
 */
#ifndef _MEMMAP_NVME_H
#define _MEMMAP_NVME_H

#include <linux/limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct nvme {
	char name[NAME_MAX + 1];	/* of the PCI device: 0000:01:00.0 */
	char disk[64];			/* /dev/nvme0n1 */
	int depth;			/* bridges above it */
};

/* Find the disk of @drive->name. Namespaces are scanned after the probe: waits. */
bool nvme_find_disk(struct nvme *drive);

/* Write @nr pages of @buf to @page and later of the disk, or read them. */
bool nvme_io(const struct nvme *drive, bool write, char *buf, size_t nr, off_t page);

#endif
