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
#define NS_GARBAGE	0xa5	/* the first byte for what is on media that is new to us */

/* Skip the whole test program when there is no ndctl, or no namespace @ns. */
void ns_require(const char *ns);

/* The same for the first argument, or namespace0.0: returns it. */
const char *ns_require_arg(int argc, char *argv[]);

/* The pages from @path/resource on, as many as @path/size says. */
bool ns_read_pages(const char *path, struct pages *pages);

/* The pages of a namespace. */
bool ns_read(const char *ns, struct pages *pages);

/* The block device of @ns, such as /dev/pmem0. */
bool ns_block_device(const char *ns, char *name, size_t size);

bool ns_create_raw(const char *ns);

/* Give @ns the @mode ("devdax", "fsdax") and its memmap in @map ("mem", "dev"). */
bool ns_set_mode(const char *ns, const char *mode, const char *map, const char *align);

bool ns_destroy(const char *ns);

/*
 * Write garbage to @ns, which is raw, up to @end; but not where it begins. Another
 * @byte each time tells it from what was written to the same place before.
 */
bool ns_write_garbage(const char *ns, unsigned long end, unsigned char byte);

/*
 * Fill what is going to be the memmap's storage, so that a struct page that
 * nobody initialises is recognised: nothing zeroes the storage. Leave out the
 * start of the namespace, which is looked at for known formats.
 */
bool ns_fill_with_garbage(const char *ns, unsigned char byte);

#endif
