/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for the memmap selftests that is mapped DAX: a device, or a file on
 * ext4 that is mounted with -o dax; by pages or by huge pages.
 */
#ifndef _SELFTESTS_MEMMAP_FSDAX_H
#define _SELFTESTS_MEMMAP_FSDAX_H

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "memmap_dax.h"

#define FSDAX_DIR	"/tmp/memmap_fsdax"
#define MKE2FS_SECONDS	60

/*
 * Make @ns a block device for DAX, with its memmap in @map ("mem", "dev").
 * Its name is dax->name.
 */
static inline bool create_fsdax(const char *ns, const char *map,
				const char *align, struct dax *dax)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", "fsdax",
		"-M", map, "-a", align, NULL
	};
	char path[128], holder[32];
	int region, id;

	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, argv))
		return false;

	/* namespaceX.Y becomes pmemX.Y, or pmemX when Y is 0 */
	if (sscanf(ns, "namespace%d.%d", &region, &id) != 2)
		return false;
	snprintf(dax->name, sizeof(dax->name), id ? "pmem%d.%d" : "pmem%d",
		 region, id);
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%.64s/holder", ns);
	if (read_text(path, holder, sizeof(holder)))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s", holder);
	if (!read_namespace(ns, &dax->all) || !read_pages(path, &dax->data)) {
		ksft_print_msg("%s: no pages\n", path);
		return false;
	}
	snprintf(path, sizeof(path), "/sys/block/%s/device/numa_node", dax->name);
	dax->nid = read_number(path);
	if (dax->nid < 0)
		dax->nid = 0;
	return true;
}

static inline bool mount_fsdax(const struct dax *dax)
{
	char device[64];

	snprintf(device, sizeof(device), "/dev/%s", dax->name);
	mkdir(FSDAX_DIR, 0700);
	if (!mount(device, FSDAX_DIR, "ext4", 0, "dax"))
		return true;
	ksft_print_msg("mount %s: %s\n", device, strerror(errno));
	return false;
}

/* An empty ext4 whose files can be mapped by huge pages, at FSDAX_DIR. */
static inline bool make_fsdax(const struct dax *dax)
{
	char device[64];
	const char *const argv[] = {
		/* Without a journal what is free can be used again at once. */
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-O",
		"^has_journal", "-E", "lazy_itable_init=0,stride=512,stripe_width=512",
		device, NULL
	};

	snprintf(device, sizeof(device), "/dev/%s", dax->name);
	return run_command(MKE2FS_SECONDS, argv) == 0 && mount_fsdax(dax);
}

/* A file of @size bytes: a hole, or with blocks. */
static inline int make_file(const char *name, off_t size, bool hole)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), FSDAX_DIR "/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || (hole ? ftruncate(fd, size) : fallocate(fd, 0, 0, size)))
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return fd;
}

/* Map a part of it at @addr, or, when that is NULL, where huge pages can be. */
static inline void *map_dax(void *addr, int fd, off_t offset, size_t size,
			    bool huge)
{
	uintptr_t start;

	if (!addr) {
		addr = mmap(NULL, size + HUGE_SIZE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (addr == MAP_FAILED)
			ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
		start = ((uintptr_t)addr + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
		addr = (void *)start;
	}
	if (mmap(addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 fd, offset) == MAP_FAILED)
		ksft_exit_fail_msg("mmap of dax: %s\n", strerror(errno));
	if (!huge)
		madvise(addr, size, MADV_NOHUGEPAGE);
	return addr;
}

#endif
