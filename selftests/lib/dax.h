/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device DAX and file system DAX: creating them, finding their page frames,
 * binding and unbinding.
 */
#ifndef _MEMMAP_DAX_H
#define _MEMMAP_DAX_H

#include <stdbool.h>
#include <sys/types.h>

#include "ns.h"
#include "page.h"

#define DAX_DRIVER	"/sys/bus/dax/drivers/device_dax"
#define KMEM_DRIVER	"/sys/bus/dax/drivers/kmem"
#define BIND_SECONDS	10	/* for binding or unbinding a driver */

/*
 * A namespace that is a dax device, or pmem with struct pages. With map=dev its
 * pages are, in this order: @reserve, which the memmap must not use (the info
 * block); @storage, which holds the memmap (the altmap); @data. With map=mem
 * the first two are ordinary device pages.
 */
struct dax {
	char name[32];
	int nid;
	struct pages all;
	struct pages reserve;
	struct pages storage;
	struct pages data;
};

/* State of pages that an altmap covers: unusable, and so PG_reserved. */
#define DAX_ALTMAP_MASK	(DEVICE_MASK | TEST_MEMMAP_RESERVED | TEST_MEMMAP_OWNED)
extern const unsigned int dax_altmap_page;

/* True if all @pages, the reserve or storage of @dax, are in that state. */
bool dax_check_altmap(const char *what, const struct dax *dax, const struct pages *pages);

/* Fill in @dax for a namespace in devdax mode, or in fsdax mode. */
bool dax_read(const char *ns, struct dax *dax);
bool dax_read_fs(const char *ns, struct dax *dax);

/* Fill in only name and data, for a namespace in devdax mode. */
bool dax_find(const char *ns, struct dax *dax);

/* Make @ns a dax device. */
bool dax_create(const char *ns, const char *map, const char *align, struct dax *dax);

/* The same with the memmap in RAM. Ends the test program on failure. */
void dax_make(const char *ns, const char *align, struct dax *dax);

/* Make @ns a block device for file system DAX. */
bool dax_create_fs(const char *ns, const char *map, const char *align, struct dax *dax);

/*
 * Set uuid and size of namespace0.0, which has no label, and have it detected
 * as a dax device: what ndctl would do, except for writing the info block.
 */
bool dax_adopt(const char *uuid, const char *size, struct dax *dax);

/*
 * Bind or unbind @dax. Unbinding waits, and can't be killed, as long as a page
 * has users: a child does it, and is left running after BIND_SECONDS. It closes
 * all inherited files, which may hold pages.
 */
pid_t dax_start_bind(const struct dax *dax, bool bind);
bool dax_wait_bind(const struct dax *dax, pid_t pid);
bool dax_bind(const struct dax *dax, bool bind);

/* Write its name to @driver/@verb (bind, unbind, new_id, remove_id); waits. */
bool dax_tell(const struct dax *dax, const char *driver, const char *verb);

/*
 * Only on v7: hold the pgmap of the page at @pfn until the returned fd is
 * closed. Unbinding the device waits for that. Returns -1 on failure.
 */
int dax_hold_pgmap(unsigned long pfn);

/* Take a reference that unbinding @dax waits for, in the same way. */
int dax_hold(const struct dax *dax);

/* True if all pages are the device's, with no users but page tables. */
bool dax_check(const char *what, const struct dax *dax);

int dax_open(const struct dax *dax);

/* The node that its memory has as System RAM; -errno, or -1 if it has none. */
int dax_target_node(const struct dax *dax);

/* Map @size bytes of it from @offset on. Ends the test program on failure. */
void *dax_map(const struct dax *dax, size_t size, off_t offset);

#endif
