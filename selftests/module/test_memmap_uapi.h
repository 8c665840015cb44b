/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What test_memmap tells user space about struct pages, and does for it.
 */
#ifndef _TEST_MEMMAP_UAPI_H
#define _TEST_MEMMAP_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Bits of struct test_memmap_page::state. */
#define TEST_MEMMAP_VALID	(1U << 0)	/* pfn_valid() */
#define TEST_MEMMAP_ONLINE	(1U << 1)	/* pfn_to_online_page() is not NULL */
#define TEST_MEMMAP_RESERVED	(1U << 2)	/* PG_reserved is set */
#define TEST_MEMMAP_DEVICE	(1U << 3)	/* the page's zone is ZONE_DEVICE */
#define TEST_MEMMAP_PGMAP	(1U << 4)	/* get_dev_pagemap() finds a live pgmap */
#define TEST_MEMMAP_OWNED	(1U << 5)	/* and it is page->pgmap, or the folio's */

/**
 * struct test_memmap_page - one record of <debugfs>/test_memmap/pages
 * @flags: page->flags as it is
 * @state: TEST_MEMMAP_* bits
 * @refcount: page_ref_count(); on kernels whose devices have large folios: that
 *	of the folio, and so are the last four
 * @nid: page_to_nid()
 * @zone: page_zonenum()
 * @order: of the folio that a page of a device belongs to
 * @unused: the references that it has while nobody uses it
 * @mapped: how many page table entries there are, each of which has a reference,
 *	too; 0 where they have none
 * @pins: how often FOLL_PIN has been there
 *
 * The record of pfn N is at file offset N * sizeof(struct test_memmap_page).
 * Without TEST_MEMMAP_VALID there is no struct page and all else is zero.
 */
struct test_memmap_page {
	__u64 flags;
	__u32 state;
	__s32 refcount;
	__s32 nid;
	__u32 zone;
	__u32 order;
	__s32 unused;
	__s32 mapped;
	__s32 pins;
};

#define TEST_MEMMAP_COST_CALLS	4096

/**
 * struct test_memmap_cost - what <debugfs>/test_memmap/cost has for the pfn at an offset
 * @calls: TEST_MEMMAP_COST_CALLS of pfn_to_online_page(), for consecutive pfns
 * @found: how often that was not NULL
 * @ticks: of get_cycles(), for all calls
 * @loop_ticks: the same for a loop that calls nothing
 */
struct test_memmap_cost {
	__u64 calls;
	__u64 found;
	__u64 ticks;
	__u64 loop_ticks;
};

#define TEST_MEMMAP_MAX_PIN	32

/**
 * struct test_memmap_range - pages that the VFIO device "test_memmap" pins
 * @iova: of the first one
 * @npage: how many, at most TEST_MEMMAP_MAX_PIN
 *
 * TEST_MEMMAP_PIN, an ioctl() of the device, pins them until TEST_MEMMAP_UNPIN,
 * until one of them is unmapped, or until the device is closed. EBUSY: it has
 * pinned others.
 */
struct test_memmap_range {
	__u64 iova;
	__u64 npage;
};

#define TEST_MEMMAP_PIN		_IOW('m', 0, struct test_memmap_range)
#define TEST_MEMMAP_UNPIN	_IO('m', 1)

#endif
