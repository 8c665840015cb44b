/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI devices in sysfs.
 */
#ifndef _MEMMAP_PCI_H
#define _MEMMAP_PCI_H

#include "page.h"

#define PCI_DIR		"/sys/bus/pci"

/* A BAR with struct pages of device memory: MEMORY_DEVICE_PCI_P2PDMA. */
struct pci_bar {
	char path[128];		/* of the file to map */
	struct pages pages;
};

/* Find that of device @name (such as 0000:00:04.0), or of any if NULL. */
bool pci_find_p2p_bar(const char *name, struct pci_bar *bar);

#endif
