// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "mem.h"
#include "test.h"

static void *map_anonymous(size_t size, int flags)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (addr == MAP_FAILED)
		ksft_exit_fail_msg("%zu bytes of memory: %s\n", size, strerror(errno));
	return addr;
}

void *mem_map(size_t size)
{
	return map_anonymous(size, MAP_PRIVATE);
}

void *mem_map_shared(size_t size)
{
	return map_anonymous(size, MAP_SHARED);
}

void *mem_reserve_aligned(size_t size, size_t align)
{
	void *area = mmap(NULL, size + align, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		ksft_exit_fail_msg("%zu bytes of addresses: %s\n", size, strerror(errno));
	return (void *)(((uintptr_t)area + align - 1) & ~(align - 1));
}

void *mem_reserve(size_t size)
{
	return mem_reserve_aligned(size, HUGE_SIZE);
}

void *mem_map_file(const char *path, int flags, unsigned long pfn, unsigned long nr)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags);
	void *addr = MAP_FAILED;

	if (fd >= 0)
		addr = mmap(NULL, nr * page_size(), PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, (off_t)(pfn * page_size()));
	if (addr == MAP_FAILED)
		ksft_print_msg("%s, pfn %#lx: %s\n", path, pfn, strerror(errno));
	if (fd >= 0)
		close(fd);
	return addr;
}

int mem_bind(void *addr, size_t size, int mode, int nid, unsigned int flags)
{
	const unsigned int bits = 8 * sizeof(long);
	unsigned long mask[16] = {};

	if (nid < 0 || nid >= 8 * (int)sizeof(mask))
		return -EINVAL;
	mask[nid / bits] = 1UL << nid % bits;
	return syscall(SYS_mbind, addr, size, mode, mask, 8 * sizeof(mask), flags) ?
	       -errno : 0;
}

void *mem_map_node(size_t size, int nid)
{
	void *buf = mem_map(size);
	int err = mem_bind(buf, size, MPOL_BIND, nid, 0);

	if (err)
		ksft_exit_fail_msg("mbind: %s\n", strerror(-err));
	mem_fill(buf, size);
	return buf;
}

unsigned long mem_pattern(unsigned long index)
{
	return (index + 1) * 0x9e3779b97f4a7c15UL;
}

void mem_fill(void *area, size_t size)
{
	unsigned long *words = area, i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = mem_pattern(i);
}

bool mem_is_filled(const void *area, size_t size)
{
	const unsigned long *words = area;
	unsigned long i;

	for (i = 0; i < size / sizeof(*words); i++) {
		if (words[i] == mem_pattern(i))
			continue;
		ksft_print_msg("word %lu of %p is %#lx\n", i, area, words[i]);
		return false;
	}
	return true;
}

bool mem_hold(int held[2], void *addr, size_t nr)
{
	struct iovec iov = { addr, nr * page_size() };
	ssize_t got;

	if (pipe2(held, O_CLOEXEC | O_NONBLOCK))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	got = vmsplice(held[1], &iov, 1, 0);
	if (got != (ssize_t)iov.iov_len)
		ksft_print_msg("vmsplice: %zd of %zu: %s\n", got, iov.iov_len,
			       strerror(errno));
	return got == (ssize_t)iov.iov_len;
}

void mem_release(const int held[2])
{
	close(held[0]);
	close(held[1]);
}
