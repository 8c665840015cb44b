/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Struct pages, read through test_memmap, and what /proc says about pages.
 */
#ifndef _MEMMAP_PAGE_H
#define _MEMMAP_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "mem.h"
#include "test_memmap_uapi.h"

#define PAGE_DEBUGFS(name)	"/sys/kernel/debug/test_memmap/" name
#define PAGE_FILE		PAGE_DEBUGFS("pages")

/* Bits of /proc/kpageflags that the tests check. */
#define KPF_NOPAGE		20
#define KPF_RESERVED		32

/* State of a page that belongs to a device, in use or not. */
#define DEVICE_MASK	(TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE | \
			 TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP)
#define DEVICE_PAGE	(TEST_MEMMAP_VALID | TEST_MEMMAP_DEVICE | \
			 TEST_MEMMAP_PGMAP)

/* State of a good online page. */
#define ONLINE_MASK	(TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE | \
			 TEST_MEMMAP_RESERVED | TEST_MEMMAP_DEVICE)
#define ONLINE_PAGE	(TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE)

struct pages {
	unsigned long pfn;
	unsigned long nr;
};

static inline bool page_in(const struct pages *pages, unsigned long pfn)
{
	return pfn - pages->pfn < pages->nr;
}

/*
 * Read the records of @nr pages from @pfn on into @rec. Ends the test program
 * on failure.
 */
void page_read(unsigned long pfn, struct test_memmap_page *rec, size_t nr);

/* Read one record. */
struct test_memmap_page page_get(unsigned long pfn);

/* References to a device page, beyond those of an unused one. */
int page_references(const struct test_memmap_page *rec);

/* The same without those of page tables, which not all kernels take. */
int page_users(const struct test_memmap_page *rec);

/* Sum of the refcounts of @nr pages from @pfn on, 0 without struct pages. */
long page_sum_references(unsigned long pfn, size_t nr);

/*
 * True if all of @pages have exactly @want of the state bits in @mask. Prints
 * the first few that differ unless @what is NULL. This and the next three are
 * false if there are no pages.
 */
bool page_check_state(const char *what, const struct pages *pages,
		      unsigned int mask, unsigned int want);

/* True if none of them has a struct page. */
bool page_is_gone(const char *what, const struct pages *pages);

/*
 * True if all of @pages match @want in @mask, are on node @nid, and have no
 * references but those of the device and of page tables.
 */
bool page_check(const char *what, const struct pages *pages, unsigned int mask,
		unsigned int want, int nid);

/* True if each of @pages, or its large folio, has exactly @want users. */
bool page_check_users(const char *what, const struct pages *pages, int want);

/* The value of /proc/kpageflags for @pfn. */
unsigned long long page_kpageflags(unsigned long pfn);

/* The same for all of @pages: KPF_NOPAGE for those past the end of the file. */
void page_read_kpageflags(const struct pages *pages, unsigned long long *flags);

/* The pfn mapped at @addr of this process, 0 if not present. */
unsigned long page_pfn(const void *addr);

/* The same for @nr pages from @addr on. */
void page_read_pfns(const void *addr, unsigned long *pfn, size_t nr);

/* Number of pages mapped at @addr that are among @pages. */
unsigned long page_count_mapped(const void *addr, size_t size, const struct pages *pages);

/*
 * Map @size bytes of a device from @pfn on through test_memmap, by
 * vm_insert_page() or as huge pages. Unmap it before the device is unbound.
 */
char *page_map(unsigned long pfn, size_t size);

/*
 * A device without hardware, of test_memmap: its memory is there until the fd is
 * closed. Ends the test program on failure.
 */
int page_open_device(void);

/* Add its memory, @size bytes from @start on: strings. Returns 0 or -errno. */
int page_add_device(int fd, const char *start, const char *size);

#endif
