/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ext4 on a namespace of persistent memory, mounted with -o dax.
 */
#ifndef _MEMMAP_FS_H
#define _MEMMAP_FS_H

#include <sys/mount.h>

#include "dax.h"

#define FS_DIR		"/tmp/memmap_fsdax"

/* Mount the namespace, which fs_make() was called for, at FS_DIR. */
bool fs_mount(const char *ns);

/*
 * An empty ext4 whose files can be mapped by huge pages, at FS_DIR, or the end of
 * the test program. Without a journal what is free can be used again at once.
 */
void fs_make(const char *ns, const char *map, bool journal, struct dax *dax);

/* A file of @size bytes there, in one piece if it can be, or the end. Returns its fd. */
int fs_make_file(const char *name, size_t size);

#endif
