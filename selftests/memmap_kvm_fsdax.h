/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory for the memmap selftests that is mapped DAX: a device, or a file on
 * ext4 that is mounted with -o dax; by pages or by huge pages.
 */
#ifndef _SELFTESTS_MEMMAP_KVM_FSDAX_H
#define _SELFTESTS_MEMMAP_KVM_FSDAX_H

#include <stdlib.h>
#include <sys/stat.h>

#include "memmap_ext4.h"

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
