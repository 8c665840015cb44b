/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ext4 on a namespace of persistent memory, mounted with -o dax.
 */
#ifndef _SELFTESTS_MEMMAP_EXT4_H
#define _SELFTESTS_MEMMAP_EXT4_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kselftest.h"
#include "memmap_dax.h"

#define FSDAX_DIR	"/tmp/memmap_fsdax"
#define MKE2FS_SECONDS	60

/* Mount the namespace, which create_fsdax() made, at FSDAX_DIR. */
static inline bool mount_fsdax(const char *ns)
{
	char device[64];

	if (!block_name(ns, device, sizeof(device)))
		return false;
	mkdir(FSDAX_DIR, 0700);
	if (!mount(device, FSDAX_DIR, "ext4", 0, "dax"))
		return true;
	ksft_print_msg("mount %s: %s\n", device, strerror(errno));
	return false;
}

/*
 * An empty ext4 whose files can be mapped by huge pages, at FSDAX_DIR. Without
 * a journal what is free can be used again at once.
 */
static inline void make_fsdax(const char *ns, const char *map, bool journal,
			      struct dax *dax)
{
	char device[64];
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-O",
		journal ? "has_journal" : "^has_journal",
		"-E", "lazy_itable_init=0,stride=512,stripe_width=512",
		device, NULL
	};

	if (!create_fsdax(ns, map, "2M", dax) ||
	    !block_name(ns, device, sizeof(device)) ||
	    run_command(MKE2FS_SECONDS, argv) || !mount_fsdax(ns))
		ksft_exit_fail_msg("no file system on %s\n", ns);
}

#endif
