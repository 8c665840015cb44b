/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Namespaces of persistent memory, made with ndctl.
 */
#ifndef _MEMMAP_NS_H
#define _MEMMAP_NS_H

#include <stdbool.h>
#include <stddef.h>

#include "page.h"

#define NS_DIR		"/sys/bus/nd/devices"
#define NS_SECONDS	30	/* for one ndctl command */
#define NS_GARBAGE	0xa5	/* first @byte for ns_write_garbage() */

/* Skip the whole test program when there is no ndctl, or no namespace @ns. */
void ns_require(const char *ns);

/* The same for the first argument, or namespace0.0. Returns the namespace. */
const char *ns_require_arg(int argc, char *argv[]);

/* Read a range of pages from @path/resource and @path/size, in bytes. */
bool ns_read_pages(const char *path, struct pages *pages);

/* The pages of a namespace. */
bool ns_read(const char *ns, struct pages *pages);

/* The block device of @ns, such as /dev/pmem0. */
bool ns_block_device(const char *ns, char *name, size_t size);

bool ns_create_raw(const char *ns);

/*
 * Set the mode ("devdax", "fsdax") of @ns, its memmap ("mem", "dev"), and its
 * alignment, which for device DAX is the size of its pages. "4K" is the
 * kernel's page size, even if that is larger.
 */
bool ns_set_mode(const char *ns, const char *mode, const char *map, const char *align);

bool ns_destroy(const char *ns);

/*
 * Fill @ns, which is raw, with @byte from 1 MB up to @end, in bytes. Another
 * @byte each time tells it from what was written there before.
 */
bool ns_write_garbage(const char *ns, unsigned long end, unsigned char byte);

/*
 * Fill the memmap's future storage, to recognise a struct page that is not
 * initialised: nothing zeroes the storage. Leaves out the start of the
 * namespace, which is probed for known formats.
 */
bool ns_fill_with_garbage(const char *ns, unsigned char byte);

#endif
