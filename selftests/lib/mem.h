/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the test program itself: having some, with something in it that is
 * recognised later on.
 */
#ifndef _MEMMAP_MEM_H
#define _MEMMAP_MEM_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#define MB		(1UL << 20)
#define HUGE_SIZE	(2 * MB)

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Anonymous memory that nothing has touched; or the end of the test program. */
void *mem_map(size_t size);

/*
 * Addresses for @size bytes, to be mapped over, from one on that is aligned as a
 * huge page wants it; or the end of the test program.
 */
void *mem_reserve(size_t size);

/* The same, aligned to @align, a power of two of no less than a page. */
void *mem_reserve_aligned(size_t size, size_t align);

/*
 * Map @nr pages of the file at @path, from its page @pfn on: those of /dev/mem
 * are page frames, uncached with O_SYNC in @flags. Returns MAP_FAILED, and says
 * why, if it can't.
 */
void *mem_map_file(const char *path, int flags, unsigned long pfn, unsigned long nr);

/* Bind memory to the node @nid as mbind() does. Returns 0 or -errno. */
int mem_bind(void *addr, size_t size, int mode, int nid, unsigned int flags);

/* The word at @index of what is written by mem_fill(), and whether all still is. */
unsigned long mem_pattern(unsigned long index);
void mem_fill(void *area, size_t size);
bool mem_is_filled(const void *area, size_t size);

/*
 * Take a reference to each of the @nr pages at @addr, until mem_release(): a
 * pipe keeps them, and nothing happens to them meanwhile.
 */
bool mem_hold(int held[2], void *addr, size_t nr);

/* Both ends of the pipe: it gives back what it still has. */
void mem_release(const int held[2]);

#endif
