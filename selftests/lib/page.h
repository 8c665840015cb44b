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

/* As PG_* and KPF_*: bits of /proc/kpageflags that the tests look at. */
#define KPF_NOPAGE		20
#define KPF_RESERVED		32

/* What a page must be that belongs to a device, in use or not. */
#define DEVICE_MASK	(TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE | \
			 TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP)
#define DEVICE_PAGE	(TEST_MEMMAP_VALID | TEST_MEMMAP_DEVICE | \
			 TEST_MEMMAP_PGMAP)

/* And one that is online, when nothing is wrong with it. */
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
 * Read the records of @nr pages from @pfn on into @rec.
 * Exits the test program with a failure when the kernel refuses.
 */
void page_read(unsigned long pfn, struct test_memmap_page *rec, size_t nr);

/* One record. */
struct test_memmap_page page_get(unsigned long pfn);

/* References that somebody has to a page of a device, beyond those of an unused one. */
int page_references(const struct test_memmap_page *rec);

/* The same without those that page tables have, which not all kernels give them. */
int page_users(const struct test_memmap_page *rec);

/* All references to the struct pages from @pfn on, where there are any. */
long page_sum_references(unsigned long pfn, size_t nr);

/*
 * Do all of @pages have exactly @want of the state bits in @mask? The first few
 * that have not are printed as diagnostics when @what is not NULL. This and what
 * follows is false when there are no pages.
 */
bool page_check_state(const char *what, const struct pages *pages,
		      unsigned int mask, unsigned int want);

/* Has none of them a struct page? */
bool page_is_gone(const char *what, const struct pages *pages);

/*
 * Are all of @pages as @mask and @want say, on node @nid, and with no reference
 * but those of the device, and of page tables?
 */
bool page_check(const char *what, const struct pages *pages, unsigned int mask,
		unsigned int want, int nid);

/* Have just @want users a reference to each of @pages, or to its large folio? */
bool page_check_users(const char *what, const struct pages *pages, int want);

/* The value of /proc/kpageflags for @pfn. */
unsigned long long page_kpageflags(unsigned long pfn);

/* The same for all of @pages. Those that it has nothing about have only KPF_NOPAGE. */
void page_read_kpageflags(const struct pages *pages, unsigned long long *flags);

/* Page frame number behind @addr of this process, 0 when not present. */
unsigned long page_pfn(const void *addr);

/* The same for @nr pages from @addr on, which may not be present either. */
void page_read_pfns(const void *addr, unsigned long *pfn, size_t nr);

/* How many pages of this memory are among @pages. */
unsigned long page_count_mapped(const void *addr, size_t size, const struct pages *pages);

/*
 * Map @size bytes of a device from @pfn on through test_memmap, by
 * vm_insert_page() or as huge pages. To be unmapped before the device is unbound.
 */
char *page_map(unsigned long pfn, size_t size);

#endif
