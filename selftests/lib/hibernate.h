/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hibernation to a disk: the data on it is lost. The kernel must have been
 * booted with resume=DISK, and somebody has to switch the machine on again.
 */
#ifndef _MEMMAP_HIBERNATE_H
#define _MEMMAP_HIBERNATE_H

#include <stdbool.h>
#include <sys/types.h>

/* Use this disk. Skips the whole test program without CONFIG_HIBERNATION. */
void hibernate_use(const char *disk);

/* Open it, bypassing the page cache, as the kernel's image I/O does. */
int hibernate_open_disk(int flags, unsigned long long *size);

/* Read a page of it. The result is valid until the next call. */
const char *hibernate_read_page(off_t from_end);

/*
 * Write a swap area, and a mark at the end of the disk, by which the program
 * knows that it runs in a boot that did not resume the image.
 */
bool hibernate_prepare(void);
bool hibernate_is_second_boot(void);

/* Returns 0 after resume; -errno, which it prints, when the kernel did not go to sleep. */
int hibernate(void);

#endif
