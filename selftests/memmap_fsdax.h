/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file system on DAX for the memmap selftests: making and mounting it, files
 * mapped with small or with large page table entries, and looking at the
 * struct pages behind them.
 */
#ifndef _SELFTESTS_MEMMAP_FSDAX_H
#define _SELFTESTS_MEMMAP_FSDAX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_ext4.h"

#define FS_NAMESPACE	"namespace0.0"
#define FILE_SIZE	(2 * HUGE_SIZE)

/* In a shared section base says that they are online; that is a case apart. */
#define USED_MASK	(DEVICE_MASK & ~TEST_MEMMAP_ONLINE)

/* How files are mapped, the first word of the names of cases and files. */
struct way {
	const char *word;
	bool huge;
};

static const struct way ways[] = { { "4k", false }, { "2m", true } };

struct file {
	const struct dax *dax;
	int fd;
	char *addr;
	unsigned long *pfn;	/* behind each page, once touch_file() was here */
	size_t nr;
};

/* Skip the whole test program unless there is what a file system needs. */
static inline void require_fs(void)
{
	const char *const argv[] = { "mke2fs", "-V", NULL };
	struct pages pages;

	memmap_require();
	memmap_require_disposable();
	if (!read_namespace(FS_NAMESPACE, &pages))
		ksft_exit_skip("needs " FS_NAMESPACE "\n");
	if (run_command(NDCTL_SECONDS, argv))
		ksft_exit_skip("needs mke2fs\n");
}

/*
 * Unmount it for good. Where RAM shares the section, the struct pages do not
 * go with the namespace, but they are no device's any more.
 */
static inline bool destroy_fs(const struct dax *dax)
{
	rmdir(FSDAX_DIR);
	return destroy_namespace(FS_NAMESPACE) &&
	       check_state("destroyed", &dax->data, TEST_MEMMAP_PGMAP, 0);
}

/* Something to be recognised: contents @number of a file or a buffer. */
static inline void fill(void *area, size_t size, unsigned int number)
{
	uint64_t *word = area;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		word[i] = (uint64_t)number << 32 | i;
}

static inline bool is_filled(const char *what, const void *area, size_t size,
			     unsigned int number)
{
	const uint64_t *word = area;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++) {
		if (word[i] == ((uint64_t)number << 32 | i))
			continue;
		ksft_print_msg("%s: word %zu of contents %u is %#llx\n", what,
			       i, number, (unsigned long long)word[i]);
		return false;
	}
	return true;
}

/* RAM, aligned for O_DIRECT. There is one such buffer. */
static inline char *ram_buffer(void)
{
	static char *area;

	if (!area)
		area = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		ksft_exit_fail_msg("no memory: %s\n", strerror(errno));
	return area;
}

static inline int open_file(const struct way *way, const char *word, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), FSDAX_DIR "/%s_%s", way->word, word);
	fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	if (fd < 0 || (flags & O_CREAT && posix_fallocate(fd, 0, FILE_SIZE)))
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return fd;
}

/*
 * Large pages want the address to be aligned like the offset in the file: a
 * page beside that, and there are only small ones.
 */
static inline char *map_file(int fd, bool huge, int flags)
{
	uintptr_t addr;
	void *area;

	area = mmap(NULL, FILE_SIZE + 2 * HUGE_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	addr = ((uintptr_t)area + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	if (!huge)
		addr += sysconf(_SC_PAGESIZE);
	if (area == MAP_FAILED ||
	    mmap((void *)addr, FILE_SIZE, PROT_READ | PROT_WRITE,
		 flags | MAP_FIXED, fd, 0) == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	return (char *)addr;
}

/* A new file, mapped. Nothing has touched the mapping. */
static inline void make_file(const struct dax *dax, const struct way *way,
			     struct file *file)
{
	file->dax = dax;
	file->fd = open_file(way, "file", O_CREAT);
	file->addr = map_file(file->fd, way->huge, MAP_SHARED);
	file->nr = FILE_SIZE / sysconf(_SC_PAGESIZE);
	file->pfn = calloc(file->nr, sizeof(*file->pfn));
	if (!file->pfn)
		ksft_exit_fail_msg("no memory\n");
}

/* Have all of it mapped, and note the page frames. */
static inline void touch_file(struct file *file)
{
	size_t page_size = sysconf(_SC_PAGESIZE), i;

	for (i = 0; i < file->nr; i++) {
		file->addr[i * page_size] = 1;
		file->pfn[i] = memmap_vaddr_to_pfn(file->addr + i * page_size);
	}
}

/* Pages of a file that somebody has a reference to. */
struct held {
	size_t first, nr;
};

/* The users of page @i: of a large folio, all that its pages have. */
static inline int users_of(const struct file *file, size_t i,
			   const struct test_memmap_page *rec,
			   const struct held *held)
{
	unsigned int order = memmap_order(rec);
	int users = 0;
	size_t j;

	for (j = 0; held && j < held->nr; j++)
		users += file->pfn[held->first + j] >> order ==
			 file->pfn[i] >> order;
	return users;
}

/*
 * Are @nr pages of the file from @first on those of the device that they
 * should be, in what @mask says, and has nobody a reference but to those @held?
 */
static inline bool check_file(const char *what, const struct file *file,
			      size_t first, size_t nr,
			      const struct held *held, unsigned int mask)
{
	const struct dax *dax = file->dax;
	struct test_memmap_page rec;
	unsigned long pfn;
	size_t bad = 0, i;

	for (i = first; i < first + nr; i++) {
		pfn = file->pfn[i];
		rec = memmap_page(pfn);
		if (pfn >= dax->data.pfn && pfn < dax->data.pfn + dax->data.nr &&
		    (rec.state & mask) == (DEVICE_PAGE & mask) &&
		    memmap_users(&rec) == users_of(file, i, &rec, held) &&
		    rec.nid == dax->nid)
			continue;
		if (bad++ < 3)
			ksft_print_msg("%s: page %zu: pfn %#lx state %#x refcount %d nid %d\n",
				       what, i, pfn, rec.state, rec.refcount,
				       rec.nid);
	}
	if (bad)
		ksft_print_msg("%s: %zu of %zu pages are not as they should be\n",
			       what, bad, nr);
	return !bad;
}

/* Nobody but the device holds a page of the file, mapped or not. */
static inline bool is_idle(const char *what, const struct file *file)
{
	return check_file(what, file, 0, file->nr, NULL, USED_MASK);
}

#endif
