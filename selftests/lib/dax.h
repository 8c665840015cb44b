/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device DAX and file system DAX: making it, finding out which page frames it
 * has, binding and unbinding.
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
 * block); @storage, which the memmap is in (the altmap); @data. With map=mem the
 * first two are device pages like any other.
 */
struct dax {
	char name[32];
	int nid;
	struct pages all;
	struct pages reserve;
	struct pages storage;
	struct pages data;
};

/* What a page must be that an altmap covers: nobody may use it, so it stays reserved. */
#define DAX_ALTMAP_MASK	(DEVICE_MASK | TEST_MEMMAP_RESERVED | TEST_MEMMAP_OWNED)
extern const unsigned int dax_altmap_page;

/* Is each of @pages, the reserve or the storage of @dax, like that? */
bool dax_check_altmap(const char *what, const struct dax *dax, const struct pages *pages);

/* Find out about a namespace that is device DAX, or file system DAX. */
bool dax_read(const char *ns, struct dax *dax);
bool dax_read_fs(const char *ns, struct dax *dax);

/* The data of a namespace that is device DAX already, and nothing more. */
bool dax_find(const char *ns, struct dax *dax);

/* Make @ns a dax device. */
bool dax_create(const char *ns, const char *map, const char *align, struct dax *dax);

/* The same, with the memory map in RAM; or the end of the test program. */
void dax_make(const char *ns, const char *align, struct dax *dax);

/* Make @ns a block device for file system DAX. */
bool dax_create_fs(const char *ns, const char *map, const char *align, struct dax *dax);

/*
 * Name namespace0.0, which lacks a label, and have it found out that it is a
 * dax device: by hand, what ndctl would do, but for writing the info block.
 */
bool dax_adopt(const char *uuid, const char *size, struct dax *dax);

/*
 * Bind or unbind @dax. Unbinding waits, and can't be killed, for as long as
 * somebody holds a page: leave that to a child, and leave the child behind. It
 * has none of our files, or it could be the one that holds.
 */
pid_t dax_start_bind(const struct dax *dax, bool bind);
bool dax_wait_bind(const struct dax *dax, pid_t pid);
bool dax_bind(const struct dax *dax, bool bind);

/* Have @driver do @verb (bind, unbind, new_id, remove_id) with it, and wait. */
bool dax_tell(const struct dax *dax, const char *driver, const char *verb);

/*
 * Only on v7: hold the pgmap of the page at @pfn, which its unbinding waits for,
 * until what this returns is closed. Returns -1 if it can't.
 */
int dax_hold_pgmap(unsigned long pfn);

/* Hold something of @dax that its unbinding waits for, in the same way. */
int dax_hold(const struct dax *dax);

/* All of its pages are the device's, and only that has references. */
bool dax_check(const char *what, const struct dax *dax);

int dax_open(const struct dax *dax);

/* Map @size bytes of it from @offset on; or the end of the test program. */
void *dax_map(const struct dax *dax, size_t size, off_t offset);

#endif
