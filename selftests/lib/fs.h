/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ext4 on a namespace of persistent memory, mounted with -o dax.
 */
#ifndef _MEMMAP_FS_H
#define _MEMMAP_FS_H

#include <sys/mount.h>

#include "dax.h"

#define FS_DIR		"/tmp/memmap_fsdax"

/* Mount at FS_DIR the file system that fs_make() made on @ns. */
bool fs_mount(const char *ns);

/*
 * Mount an empty ext4 at FS_DIR whose files can be mapped by huge pages. Ends
 * the test program on failure. Without a journal, freed blocks can be reused
 * at once.
 */
void fs_make(const char *ns, const char *map, bool journal, struct dax *dax);

/* Create a @size-byte file, contiguous if possible. Returns its fd or exits. */
int fs_make_file(const char *name, size_t size);

#endif
