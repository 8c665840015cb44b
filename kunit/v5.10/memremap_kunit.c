// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the struct pages that memremap_pages() makes.
 *
 * For every type of device memory, map an unused physical range, check each of
 * its struct pages, and unmap it. There is no memory in the range, and it is
 * never accessed. The range is a little longer than a section, so that it
 * covers one section in part, where sections are larger than 32 MiB.
 *
 * Adding memory raises max_pfn for good. Therefore, the range is searched for
 * upwards from the end of System RAM, not downwards from the end of the address
 * space like in request_free_mem_region(), and is the same for all cases.
 *
 * A case is a type and a property: private_not_reserved, generic_zone, ...
 * Each counts the pages that lack the property and expects none, so there is
 * one failed expectation for any number of wrong pages (KUnit's log is small).
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#define TEST_SIZE	((1UL << PA_SECTION_SHIFT) + 2 * SZ_16M)

struct memremap_test {
	struct dev_pagemap pgmap;
	struct resource *res;
	struct work_struct unmap;
	int nid;
	bool mapped;
};

/* The test for a property: true if the page of @pfn lacks it. */
typedef bool (*lacks_fn)(struct memremap_test *ctx, unsigned long pfn);

static bool lacks_not_reserved(struct memremap_test *ctx, unsigned long pfn)
{
	return PageReserved(pfn_to_page(pfn));
}

static bool lacks_zone(struct memremap_test *ctx, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return !is_zone_device_page(page) ||
	       !zone_spans_pfn(page_zone(page), pfn);
}

static bool lacks_nid(struct memremap_test *ctx, unsigned long pfn)
{
	return page_to_nid(pfn_to_page(pfn)) != ctx->nid;
}

/* The pgmap of @pfn. No reference is held: only compare the pointer. */
static struct dev_pagemap *memremap_test_find(unsigned long pfn)
{
	struct dev_pagemap *pgmap = get_dev_pagemap(pfn, NULL);

	put_dev_pagemap(pgmap);
	return pgmap;
}

/* The page knows its pgmap, and the pgmap is found by the pfn. */
static bool lacks_pgmap(struct memremap_test *ctx, unsigned long pfn)
{
	return memremap_test_find(pfn) != &ctx->pgmap ||
	       pfn_to_page(pfn)->pgmap != &ctx->pgmap;
}

/* The page is not in use; its only reference is that of memremap_pages(). */
static bool lacks_refcount(struct memremap_test *ctx, unsigned long pfn)
{
	return page_ref_count(pfn_to_page(pfn)) != 1;
}

static bool lacks_not_online(struct memremap_test *ctx, unsigned long pfn)
{
	return pfn_to_online_page(pfn);
}

/* After memunmap_pages(): the pfn has no pgmap and no valid struct page. */
static bool lacks_unmapped(struct memremap_test *ctx, unsigned long pfn)
{
	return memremap_test_find(pfn) || pfn_valid(pfn) ||
	       pfn_to_online_page(pfn);
}

static void memremap_test_map(struct kunit *test, enum memory_type type)
{
	struct memremap_test *ctx = test->priv;
	void *addr;

	ctx->pgmap.type = type;
	addr = memremap_pages(&ctx->pgmap, ctx->nid);
	KUNIT_ASSERT_FALSE(test, IS_ERR(addr));
	ctx->mapped = true;
}

static void memremap_test_unmap(struct memremap_test *ctx)
{
	if (ctx->mapped)
		memunmap_pages(&ctx->pgmap);
	ctx->mapped = false;
}

static void memremap_test_count(struct kunit *test, lacks_fn lacks)
{
	struct memremap_test *ctx = test->priv;
	unsigned long start = PHYS_PFN(ctx->res->start);
	unsigned long nr = PHYS_PFN(TEST_SIZE);
	unsigned long wrong = 0, first = 0, pfn;

	for (pfn = start; pfn < start + nr; pfn++) {
		if (!lacks(ctx, pfn))
			continue;
		if (!wrong++)
			first = pfn;
	}

	KUNIT_EXPECT_EQ_MSG(test, wrong, 0UL, "of %lu pages, first pfn %#lx",
			    nr, first);
}

#define MEMREMAP_CASE(kind, type, property)				\
static void kind##_##property(struct kunit *test)			\
{									\
	memremap_test_map(test, type);					\
	memremap_test_count(test, lacks_##property);			\
}

#define MEMREMAP_CASE_UNMAPPED(kind, type)				\
static void kind##_unmapped(struct kunit *test)				\
{									\
	memremap_test_map(test, type);					\
	memremap_test_unmap(test->priv);				\
	memremap_test_count(test, lacks_unmapped);			\
}

MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, not_reserved)
MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, zone)
MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, nid)
MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, pgmap)
MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, refcount)
MEMREMAP_CASE(private, MEMORY_DEVICE_PRIVATE, not_online)
MEMREMAP_CASE_UNMAPPED(private, MEMORY_DEVICE_PRIVATE)

MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, not_reserved)
MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, zone)
MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, nid)
MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, pgmap)
MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, refcount)
MEMREMAP_CASE(fsdax, MEMORY_DEVICE_FS_DAX, not_online)
MEMREMAP_CASE_UNMAPPED(fsdax, MEMORY_DEVICE_FS_DAX)

MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, not_reserved)
MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, zone)
MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, nid)
MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, pgmap)
MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, refcount)
MEMREMAP_CASE(generic, MEMORY_DEVICE_GENERIC, not_online)
MEMREMAP_CASE_UNMAPPED(generic, MEMORY_DEVICE_GENERIC)

MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, not_reserved)
MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, zone)
MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, nid)
MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, pgmap)
MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, refcount)
MEMREMAP_CASE(p2pdma, MEMORY_DEVICE_PCI_P2PDMA, not_online)
MEMREMAP_CASE_UNMAPPED(p2pdma, MEMORY_DEVICE_PCI_P2PDMA)

/* Map only the second of the first three chunks of 16 MiB. */
static void memremap_test_map_chunk(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	ctx->pgmap.range.start = ctx->res->start + SZ_16M;
	ctx->pgmap.range.end = ctx->pgmap.range.start + SZ_16M - 1;
	memremap_test_map(test, MEMORY_DEVICE_GENERIC);
}

/* Expect that memremap_pages() finds a conflict. It warns about that. */
static void memremap_test_refused(struct kunit *test, resource_size_t start,
				  resource_size_t size)
{
	struct memremap_test *ctx = test->priv;
	struct dev_pagemap *pgmap;
	void *addr;

	pgmap = kunit_kzalloc(test, sizeof(*pgmap), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pgmap);
	pgmap->type = MEMORY_DEVICE_GENERIC;
	pgmap->range.start = start;
	pgmap->range.end = start + size - 1;
	pgmap->nr_range = 1;

	addr = memremap_pages(pgmap, ctx->nid);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(addr), -ENOMEM);
	if (!IS_ERR(addr))
		memunmap_pages(pgmap);
}

static void memremap_test_expect_mapped(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	unsigned long first = PHYS_PFN(ctx->pgmap.range.start);
	unsigned long pfn, wrong = 0;

	for (pfn = first; pfn < first + PHYS_PFN(SZ_16M); pfn++)
		wrong += lacks_pgmap(ctx, pfn);
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
}

/* A range that encloses a mapped one is refused. */
static void conflict(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	memremap_test_map_chunk(test);
	memremap_test_refused(test, ctx->res->start, 3 * SZ_16M);
	memremap_test_expect_mapped(test);
}

static void memremap_test_unmap_work(struct work_struct *work)
{
	memunmap_pages(&container_of(work, struct memremap_test, unmap)->pgmap);
}

/*
 * While memunmap_pages() waits for a reference, get_dev_pagemap() returns NULL,
 * but the range is still refused.
 */
static void conflict_dying(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	unsigned long pfn;
	int ms;

	memremap_test_map_chunk(test);
	pfn = PHYS_PFN(ctx->pgmap.range.start);
	KUNIT_ASSERT_PTR_EQ(test, get_dev_pagemap(pfn, NULL), &ctx->pgmap);
	ctx->mapped = false;
	INIT_WORK(&ctx->unmap, memremap_test_unmap_work);
	schedule_work(&ctx->unmap);
	for (ms = 0; ms < 10000 && memremap_test_find(pfn); ms++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_FALSE(test, !!memremap_test_find(pfn));

	memremap_test_refused(test, ctx->pgmap.range.start, SZ_16M);

	put_dev_pagemap(&ctx->pgmap);
	flush_work(&ctx->unmap);
	memremap_test_map_chunk(test);
	memremap_test_expect_mapped(test);
}

static struct kunit_case memremap_cases[] = {
	KUNIT_CASE(private_not_reserved),
	KUNIT_CASE(private_zone),
	KUNIT_CASE(private_nid),
	KUNIT_CASE(private_pgmap),
	KUNIT_CASE(private_refcount),
	KUNIT_CASE(private_not_online),
	KUNIT_CASE(private_unmapped),
	KUNIT_CASE(fsdax_not_reserved),
	KUNIT_CASE(fsdax_zone),
	KUNIT_CASE(fsdax_nid),
	KUNIT_CASE(fsdax_pgmap),
	KUNIT_CASE(fsdax_refcount),
	KUNIT_CASE(fsdax_not_online),
	KUNIT_CASE(fsdax_unmapped),
	KUNIT_CASE(generic_not_reserved),
	KUNIT_CASE(generic_zone),
	KUNIT_CASE(generic_nid),
	KUNIT_CASE(generic_pgmap),
	KUNIT_CASE(generic_refcount),
	KUNIT_CASE(generic_not_online),
	KUNIT_CASE(generic_unmapped),
	KUNIT_CASE(p2pdma_not_reserved),
	KUNIT_CASE(p2pdma_zone),
	KUNIT_CASE(p2pdma_nid),
	KUNIT_CASE(p2pdma_pgmap),
	KUNIT_CASE(p2pdma_refcount),
	KUNIT_CASE(p2pdma_not_online),
	KUNIT_CASE(p2pdma_unmapped),
	KUNIT_CASE(conflict),
	KUNIT_CASE(conflict_dying),
	{}
};

/* memremap_pages() needs both for private memory. They are never called. */
static void memremap_test_free(struct page *page)
{
}

static vm_fault_t memremap_test_migrate_to_ram(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops memremap_test_ops = {
	.page_free = memremap_test_free,
	.migrate_to_ram = memremap_test_migrate_to_ram,
};

static struct resource *memremap_test_region(void)
{
	const resource_size_t step = 1UL << PA_SECTION_SHIFT;
	static resource_size_t start;
	int tries;

	if (!start)
		start = ALIGN(__pa(high_memory - 1) + 1, step);

	for (tries = 0; tries < SZ_8K; tries++, start += step) {
		if (region_intersects(start, TEST_SIZE, IORESOURCE_MEM,
				      IORES_DESC_NONE) == REGION_DISJOINT)
			return request_mem_region(start, TEST_SIZE,
						  "memremap_kunit");
	}

	return NULL;
}

static int memremap_test_init(struct kunit *test)
{
	struct memremap_test *ctx;
	int nid;

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	ctx->res = memremap_test_region();
	if (!ctx->res)
		return -EBUSY;

	/* The last node: if the node id is lost, node 0 would be wrong. */
	for_each_online_node(nid)
		ctx->nid = nid;
	ctx->pgmap.range.start = ctx->res->start;
	ctx->pgmap.range.end = ctx->res->start + TEST_SIZE - 1;
	ctx->pgmap.nr_range = 1;
	ctx->pgmap.ops = &memremap_test_ops;
	ctx->pgmap.owner = ctx;

	test->priv = ctx;
	return 0;
}

/* This also runs after a case was aborted, or after init has failed. */
static void memremap_test_exit(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	if (!ctx)
		return;
	memremap_test_unmap(ctx);
	release_mem_region(ctx->res->start, resource_size(ctx->res));
}

static struct kunit_suite memremap_suite = {
	.name = "memremap",
	.init = memremap_test_init,
	.exit = memremap_test_exit,
	.test_cases = memremap_cases,
};

kunit_test_suite(memremap_suite);

MODULE_DESCRIPTION("KUnit tests of the struct pages that memremap_pages() makes");
MODULE_LICENSE("GPL");
