/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A buffer of 2 MiB in device DAX, or in a file on ext4 with -o dax, for the
 * memmap selftests; and whether those who have used it left its pages alone.
 */
#ifndef _SELFTESTS_MEMMAP_DAX_BUFFER_H
#define _SELFTESTS_MEMMAP_DAX_BUFFER_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_ext4.h"

#define BUFFER_PAGES	512
#define BUFFER_SIZE	(2UL << 20)
#define FSDAX_FILE	FSDAX_DIR "/file"
#ifdef PIN_V7
#define PG_TOUCHED	0x14ULL	/* referenced, dirty: who looks a page up, or writes to it */
#else
#define PG_TOUCHED	2ULL	/* referenced: who looks a page up may set or clear it */
#endif
#define WAIT_USERS_MS	5000	/* for what is closed, but not at once */

/* A file of @size bytes there, in one piece if it can be. Returns its fd. */
static inline int create_fsdax_file(size_t size)
{
	int fd = open(FSDAX_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char zeroes[4096] = {};
	size_t done;

	if (fd >= 0 && posix_fallocate(fd, 0, size))
		ksft_print_msg("%s: can't be had in one piece\n", FSDAX_FILE);
	for (done = 0; fd >= 0 && done < size; done += sizeof(zeroes))
		if (write(fd, zeroes, sizeof(zeroes)) != sizeof(zeroes))
			ksft_exit_fail_msg("%s: %s\n", FSDAX_FILE,
					   strerror(errno));
	if (fd < 0)
		ksft_print_msg("%s: %s\n", FSDAX_FILE, strerror(errno));
	return fd;
}

struct buffer {
	const char *place;	/* what the names of its tests begin with */
	char *addr;
	int fd;
	unsigned long pfn;	/* they are consecutive */
	int lsb;		/* log2 of the size of its page table entries */
	struct dax dax;		/* where it is */
};

static struct test_memmap_page buffer_before[BUFFER_PAGES];

static inline void remember_pages(unsigned long pfn)
{
	memmap_read(pfn, buffer_before, BUFFER_PAGES);
}

/*
 * All pages are as they were; but if @poisoned is the number of one, that has
 * one flag more, whichever it is. Says what is not, as @what.
 */
static inline bool pages_unchanged(const char *what, unsigned long pfn,
				   int poisoned)
{
	static struct test_memmap_page rec[BUFFER_PAGES];
	struct test_memmap_page *before = buffer_before;
	uint64_t diff;
	int i, bad = 0;
	bool good;

	memmap_read(pfn, rec, BUFFER_PAGES);
	for (i = 0; i < BUFFER_PAGES; i++, before++) {
		diff = (rec[i].flags ^ before->flags) & ~PG_TOUCHED;
		good = rec[i].state == before->state &&
		       memmap_users(&rec[i]) == memmap_users(before);
		if (i == poisoned)
			good &= diff && !(diff & (diff - 1)) &&
				rec[i].flags & diff;
		else
			good &= !diff;
		if (!good && bad++ < 3 && what)
			ksft_print_msg("%s: pfn %#lx flags %#llx, were %#llx, refcount %d, was %d, state %#x, was %#x\n",
				       what, pfn + i,
				       (unsigned long long)rec[i].flags,
				       (unsigned long long)before->flags,
				       rec[i].refcount, before->refcount,
				       rec[i].state, before->state);
	}
	return !bad;
}

/* Map it, by huge pages of a device and small ones of a file; fill it. */
static inline void map_buffer(struct buffer *buffer)
{
	char *addr = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  buffer->fd, 0);
	unsigned long last;

	if (buffer->fd < 0 || addr == MAP_FAILED)
		ksft_exit_fail_msg("%s: mmap: %s\n", buffer->place,
				   strerror(errno));
	/* Where a file is in its device, and so what fits, is up to ext4. */
	if (buffer->lsb == 12)
		madvise(addr, BUFFER_SIZE, MADV_NOHUGEPAGE);
	memset(addr, 'a', BUFFER_SIZE);
	buffer->addr = addr;
	buffer->pfn = memmap_vaddr_to_pfn(addr);
	last = memmap_vaddr_to_pfn(addr + BUFFER_SIZE - 1);
	if (last != buffer->pfn + BUFFER_PAGES - 1)
		ksft_exit_fail_msg("%s: pfns %#lx to %#lx\n", buffer->place,
				   buffer->pfn, last);
	remember_pages(buffer->pfn);
}

static inline void map_device(struct buffer *buffer, const char *ns)
{
	make_dax(ns, "2M", &buffer->dax);
	buffer->fd = open_dax(&buffer->dax);
	buffer->lsb = 21;
	map_buffer(buffer);
}

static inline void map_file(struct buffer *buffer, const char *ns)
{
	make_fsdax(ns, "mem", false, &buffer->dax);
	buffer->fd = create_fsdax_file(BUFFER_SIZE);
	buffer->lsb = 12;
	map_buffer(buffer);
}

/* One test is over: it must not have changed the pages. The next one begins. */
static inline void buffer_result(const struct buffer *buffer, const char *word,
				 bool good)
{
	long long end = now_ms() + WAIT_USERS_MS;

	while (!pages_unchanged(NULL, buffer->pfn, -1) && now_ms() < end)
		usleep(10000);
	good &= pages_unchanged(word, buffer->pfn, -1);
	ksft_test_result(good, "%s_%s\n", buffer->place, word);
	remember_pages(buffer->pfn);
}

/* All who had the pages have gone: the device, or the file system, can go. */
static inline bool unmap_buffer(const struct buffer *buffer)
{
	int i;

	munmap(buffer->addr, BUFFER_SIZE);
	close(buffer->fd);
	remember_pages(buffer->pfn);
	for (i = 0; i < BUFFER_PAGES; i++) {
		if (!memmap_references(&buffer_before[i]))
			continue;
		/* Who takes the device away would wait for ever. */
		ksft_print_msg("unmap: pfn %#lx refcount %d\n",
			       buffer->pfn + i, buffer_before[i].refcount);
		return false;
	}

	if (buffer->lsb == 21)
		return bind_dax(&buffer->dax, false) &&
		       bind_dax(&buffer->dax, true);
	if (umount(FSDAX_DIR)) {
		ksft_print_msg("umount: %s\n", strerror(errno));
		return false;
	}
	return true;
}

#endif
