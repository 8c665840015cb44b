/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of a virtual machine for the memmap selftests that is mapped DAX: a
 * device, or a file on ext4 that is mounted with -o dax; by pages or by huge
 * pages.
 */
#ifndef _SELFTESTS_MEMMAP_KVM_FSDAX_H
#define _SELFTESTS_MEMMAP_KVM_FSDAX_H

#include <stdlib.h>
#include <sys/stat.h>

#include "memmap_ext4.h"
#include "memmap_kvm.h"

#define PAGE		4096UL	/* of this architecture */
#define NR		1024UL	/* pages of the machine: two huge pages */
#define SIZE		(NR * PAGE)
#define WORDS		(PAGE / sizeof(uint32_t))
#define STATE_MASK	(DEVICE_MASK | TEST_MEMMAP_RESERVED)

static unsigned int seed = 1;

/* begin_vm(), with the seed for the second argument. */
static inline const char *begin_dax_vm(int argc, char *argv[])
{
	const char *ns = begin_vm(argc, argv);

	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0);
	ksft_print_msg("seed %u\n", seed);
	/* What is written back is mapped anew: that is up to us. */
	write_text("/proc/sys/vm/dirty_writeback_centisecs", "0");
	return ns;
}

/* Have the machine write some of its pages before @end, and say which. */
static inline bool write_some(struct vm *vm, bool *written, size_t end)
{
	bool good = true;
	size_t i;

	for (i = 0; i < NR; i++) {
		written[i] = i < end && rand_r(&seed) % 8 == 0;
		if (good && written[i])
			good = vm_ran(vm_run_pages(vm, i, 1, true));
	}
	return good;
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
