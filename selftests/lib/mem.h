/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory of the test program itself: mapping it, and filling it with a pattern
 * that is checked later.
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

/* Map anonymous memory, untouched. Ends the test program on failure. */
void *mem_map(size_t size);

/* The same, shared with child processes. */
void *mem_map_shared(size_t size);

/*
 * Reserve @size bytes of addresses, to be mapped over, aligned to HUGE_SIZE.
 * Ends the test program on failure.
 */
void *mem_reserve(size_t size);

/* The same, aligned to @align bytes, a power of two of at least a page. */
void *mem_reserve_aligned(size_t size, size_t align);

/*
 * Map @nr pages of the file at @path, from its page @pfn on: for /dev/mem these
 * are page frames, uncached with O_SYNC in @flags. Prints the error and returns
 * MAP_FAILED on failure.
 */
void *mem_map_file(const char *path, int flags, unsigned long pfn, unsigned long nr);

/* Bind memory to the node @nid as mbind() does. Returns 0 or -errno. */
int mem_bind(void *addr, size_t size, int mode, int nid, unsigned int flags);

/*
 * Map memory of the node @nid, filled by mem_fill(). Ends the test program on
 * failure.
 */
void *mem_map_node(size_t size, int nid);

/* mem_fill() writes mem_pattern(i) to word i, mem_is_filled() checks it. */
unsigned long mem_pattern(unsigned long index);
void mem_fill(void *area, size_t size);
bool mem_is_filled(const void *area, size_t size);

/*
 * Take a reference to each of the @nr pages at @addr: a pipe holds them until
 * mem_release(), and does nothing else with them.
 */
bool mem_hold(int held[2], void *addr, size_t nr);

/* Close both ends of the pipe, which drops the references. */
void mem_release(const int held[2]);

#endif
