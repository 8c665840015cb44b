// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests for the struct pages of device memory.
 *
 * The tests map a physical address range with memremap_pages(), look at its
 * struct pages, and unmap it. The memory itself is never accessed, but it is
 * mapped cacheable: run this in a virtual machine only.
 *
 * The node still spans the range afterwards, and on some architectures max_pfn
 * stays raised. Therefore, the range is close to the end of RAM, and the same
 * for all tests but those that need a larger one.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "../internal.h"
#include "../mm_init.h"

/* The range covers a section, and others completely or in part. */
#define TEST_CHUNK	max_t(unsigned long, SZ_16M, PMD_SIZE)
#define TEST_SIZE	(BIT(PA_SECTION_SHIFT) + 2 * TEST_CHUNK)

#define NR_RACES	200

/* freed() */
#define NR_ROUNDS	32
#define MIN_FOLIOS	64

/* Head page, struct pages that struct folio uses, and another tail page. */
#define NR_WANT		5

/* WARN_ONCE(): without a count, because it may not warn in a second run. */
#define WARN_FIRST_TIME	(-1)

struct memremap_test {
	struct dev_pagemap *pgmap;
	struct zone *ram_zone;
	struct work_struct unmap;
	struct page want[NR_WANT];
	atomic_t nr_users;
	atomic_t nr_ready;
	int nid;
	int nr_freed;
};

struct memremap_race {
	struct kunit *test;
	struct dev_pagemap *pgmap;
	struct work_struct work;
	int nr_mapped;
	int nr_wrong;
};

static struct resource *test_res;
static phys_addr_t ram_end;

KUNIT_DEFINE_ACTION_WRAPPER(memunmap_action, memunmap_pages,
			    struct dev_pagemap *);

static void test_folio_free(struct folio *folio)
{
	struct dev_pagemap *pgmap = page_pgmap(&folio->page);
	struct memremap_test *ctx = pgmap->owner;

	ctx->nr_freed++;
	/* The driver of such a page drops the reference to the pgmap. */
	if (pgmap->type == MEMORY_DEVICE_PCI_P2PDMA)
		put_dev_pagemap(pgmap);
}

static vm_fault_t test_migrate_to_ram(struct vm_fault *vmf)
{
	return VM_FAULT_SIGBUS;
}

static const struct dev_pagemap_ops test_ops = {
	.folio_free = test_folio_free,
	.migrate_to_ram = test_migrate_to_ram,
};

/* Returns true if the range and the section after it are free. */
static bool is_unused(phys_addr_t start, u64 size)
{
	size += BIT(PA_SECTION_SHIFT);
	return region_intersects(start, size, IORESOURCE_MEM,
				 IORES_DESC_NONE) == REGION_DISJOINT &&
	       region_intersects_soft_reserve(start, size) == REGION_DISJOINT;
}

/* Find an unused range above RAM that can be mapped, NULL if all are in use. */
static struct resource *request_unused(u64 size, u64 align)
{
	struct range range = mhp_get_pluggable_range(true);
	struct resource *res = NULL;
	phys_addr_t start;

	for (start = ALIGN(max(ram_end, range.start), align);
	     start + size - 1 <= range.end && !res; start += align)
		if (is_unused(start, size))
			res = request_mem_region(start, size, "memremap_kunit");
	return res;
}

static void set_range(struct range *range, phys_addr_t start, u64 size)
{
	range->start = start;
	range->end = start + size - 1;
}

/* Returns a pgmap for the test range, with space for a second range. */
static struct dev_pagemap *alloc_pgmap(struct kunit *test)
{
	struct dev_pagemap *pgmap;

	pgmap = kunit_kzalloc(test, struct_size(pgmap, ranges, 2), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pgmap);
	pgmap->type = MEMORY_DEVICE_GENERIC;
	pgmap->ops = &test_ops;
	pgmap->owner = test->priv;
	pgmap->nr_range = 1;
	set_range(&pgmap->range, test_res->start, TEST_SIZE);
	return pgmap;
}

/* Map ctx->pgmap until the test ends. */
static void map_pgmap(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	void *addr = memremap_pages(ctx->pgmap, ctx->nid);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, addr);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, memunmap_action,
						  ctx->pgmap));
}

static const struct memremap_type {
	const char *name;
	enum memory_type type;
	bool large;
} types[] = {
	{ "private", MEMORY_DEVICE_PRIVATE },
	{ "coherent", MEMORY_DEVICE_COHERENT },
	{ "fsdax", MEMORY_DEVICE_FS_DAX },
	{ "generic", MEMORY_DEVICE_GENERIC },
	{ "generic_large", MEMORY_DEVICE_GENERIC, .large = true },
	{ "p2pdma", MEMORY_DEVICE_PCI_P2PDMA },
};

KUNIT_ARRAY_PARAM_DESC(types, types, name);

/* Map ctx->pgmap as the type of device memory that the parameter says. */
static void map_type(struct kunit *test)
{
	const struct memremap_type *type = test->param_value;
	struct memremap_test *ctx = test->priv;

	if (type->type == MEMORY_DEVICE_PRIVATE &&
	    !IS_ENABLED(CONFIG_DEVICE_PRIVATE))
		kunit_skip(test, "needs CONFIG_DEVICE_PRIVATE");

	ctx->pgmap->type = type->type;
	if (type->large && !ctx->pgmap->vmemmap_shift)
		ctx->pgmap->vmemmap_shift = PMD_SHIFT - PAGE_SHIFT;
	map_pgmap(test);
}

/* Use the result only for comparisons: the reference is dropped. */
static struct dev_pagemap *find_pgmap(unsigned long pfn)
{
	struct dev_pagemap *pgmap = get_dev_pagemap(pfn);

	put_dev_pagemap(pgmap);
	return pgmap;
}

typedef bool (*wrong_fn)(struct memremap_test *ctx, unsigned long pfn);

static void __expect_pages(struct kunit *test, wrong_fn wrong, const char *name)
{
	unsigned long nr_wrong = 0, first = 0, pfn;
	struct memremap_test *ctx = test->priv;
	struct range *range = ctx->pgmap->ranges;
	int i;

	for (i = 0; i < ctx->pgmap->nr_range; i++, range++) {
		for (pfn = PHYS_PFN(range->start);
		     pfn <= PHYS_PFN(range->end); pfn++)
			if (wrong(ctx, pfn) && !nr_wrong++)
				first = pfn;
	}

	KUNIT_EXPECT_EQ_MSG(test, nr_wrong, 0, "%s, first pfn %#lx", name,
			    first);
}

/* Expect that wrong() is false for each page of ctx->pgmap. */
#define expect_pages(test, wrong)	__expect_pages(test, wrong, #wrong)

static bool wrong_zone(struct memremap_test *ctx, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return !is_zone_device_page(page) ||
	       !zone_spans_pfn(page_zone(page), pfn);
}

static bool wrong_nid(struct memremap_test *ctx, unsigned long pfn)
{
	return page_to_nid(pfn_to_page(pfn)) != ctx->nid;
}

static bool wrong_pgmap(struct memremap_test *ctx, unsigned long pfn)
{
	return find_pgmap(pfn) != ctx->pgmap ||
	       page_pgmap(pfn_to_page(pfn)) != ctx->pgmap;
}

/* An unused page has no reference, except for MEMORY_DEVICE_GENERIC. */
static bool wrong_refcount(struct memremap_test *ctx, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	int refs = ctx->pgmap->type == MEMORY_DEVICE_GENERIC && !PageTail(page);

	return page_ref_count(page) != refs;
}

static bool wrong_folio(struct memremap_test *ctx, unsigned long pfn)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	return folio_order(folio) != ctx->pgmap->vmemmap_shift ||
	       folio_pfn(folio) != ALIGN_DOWN(pfn, folio_nr_pages(folio));
}

static bool is_online(struct memremap_test *ctx, unsigned long pfn)
{
	return pfn_to_online_page(pfn);
}

static void mapped(struct kunit *test)
{
	map_type(test);
	expect_pages(test, wrong_zone);
	expect_pages(test, wrong_nid);
	expect_pages(test, wrong_pgmap);
	expect_pages(test, wrong_refcount);
	expect_pages(test, wrong_folio);
	expect_pages(test, is_online);
}

static bool is_reserved(struct memremap_test *ctx, unsigned long pfn)
{
	return PageReserved(pfn_to_page(pfn));
}

static void not_reserved(struct kunit *test)
{
	map_type(test);
	expect_pages(test, is_reserved);
}

static void release_action(void *pgmap)
{
	struct range *range = &((struct dev_pagemap *)pgmap)->range;

	release_mem_region(range->start, range_len(range));
}

/* The struct pages of a folio as they are expected to be, each bit of them. */
static void build_folio(struct memremap_test *ctx, unsigned long pfn)
{
	struct folio *want = (struct folio *)ctx->want;
	unsigned int order = ctx->pgmap->vmemmap_shift;
	struct page *head = pfn_to_page(pfn);
	int i;

	memset(ctx->want, 0, sizeof(ctx->want));
	for (i = 0; i < NR_WANT; i++) {
		struct page *page = &ctx->want[i];

		set_page_links(page, ZONE_DEVICE, ctx->nid, pfn + i);
		atomic_set(&page->_mapcount, -1);
		page_cpupid_reset_last(page);
		page_kasan_tag_reset(page);
		if (i)
			prep_compound_tail(page, head, order);
	}

	want->pgmap = ctx->pgmap;
	set_page_count(&want->page, ctx->pgmap->type == MEMORY_DEVICE_GENERIC);
	if (order) {
		__SetPageHead(&want->page);
		prep_compound_head(&want->page, order);
		want->_deferred_list.next = &page_folio(head)->_deferred_list;
		want->_deferred_list.prev = &page_folio(head)->_deferred_list;
	}
}

static bool wrong_byte(struct memremap_test *ctx, unsigned long pfn)
{
	unsigned long index = pfn & (pgmap_vmemmap_nr(ctx->pgmap) - 1);
	struct page page = *pfn_to_page(pfn);

	if (!index)
		build_folio(ctx, pfn);
	/* Has its own test. __ClearPageReserved() refuses compound pages. */
	__clear_bit(PG_reserved, &page.flags.f);
	return memcmp(&page, &ctx->want[min(index, NR_WANT - 1)], sizeof(page));
}

/* All of the memory map is initialised, whatever was there before. */
static void __every_byte(struct kunit *test, unsigned int order, u64 size)
{
	struct memremap_test *ctx = test->priv;
	struct dev_pagemap *pgmap = ctx->pgmap;
	unsigned long pfn, nr;
	struct resource *res;

	if (order > MAX_FOLIO_ORDER)
		kunit_skip(test, "there are no folios of that size");
	/* Where struct pages do not share memory, there must be memory for each. */
	if (size / PAGE_SIZE * sizeof(struct page) > totalram_pages() * PAGE_SIZE / 4)
		kunit_skip(test, "the memory map would take a quarter of RAM");
	if (size > TEST_SIZE) {
		res = request_unused(size, max(PAGE_SIZE << order, BIT(PA_SECTION_SHIFT)));
		if (!res)
			kunit_skip(test, "no unused physical address range that is aligned");
		set_range(&pgmap->range, res->start, resource_size(res));
		KUNIT_ASSERT_EQ(test, 0,
				kunit_add_action_or_reset(test, release_action, pgmap));
	}
	pgmap->vmemmap_shift = order;
	map_type(test);

	pfn = PHYS_PFN(pgmap->range.start);
	nr = PHYS_PFN(range_len(&pgmap->range));
	memset(pfn_to_page(pfn), 0xff, nr * sizeof(struct page));
	memmap_init_zone_device(&NODE_DATA(ctx->nid)->node_zones[ZONE_DEVICE],
				pfn, nr, pgmap);
	expect_pages(test, wrong_byte);
}

static void every_byte(struct kunit *test)
{
	__every_byte(test, 0, TEST_SIZE);
}

static void every_byte_pmd(struct kunit *test)
{
	__every_byte(test, PMD_SHIFT - PAGE_SHIFT, TEST_SIZE);
}

static void every_byte_pud(struct kunit *test)
{
	__every_byte(test, PUD_SHIFT - PAGE_SHIFT, PUD_SIZE);
}

/* Enough struct pages for three threads, if there are so many CPUs. */
#define THREADS_PAGES	ALIGN(3 * SZ_16M / sizeof(struct page), PAGES_PER_SECTION)

static void every_byte_threads(struct kunit *test)
{
	__every_byte(test, 0, THREADS_PAGES * PAGE_SIZE);
}

/* Most struct pages of such a folio share memory on some architectures. */
static void every_byte_pmd_threads(struct kunit *test)
{
	const unsigned int order = PMD_SHIFT - PAGE_SHIFT;

	__every_byte(test, order, 4 * ALIGN(THREADS_PAGES, BIT(order)) * PAGE_SIZE);
}

static bool is_mapped(struct memremap_test *ctx, unsigned long pfn)
{
	return find_pgmap(pfn) || pfn_valid(pfn) || pfn_to_online_page(pfn);
}

static void unmapped(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	map_type(test);
	kunit_release_action(test, memunmap_action, ctx->pgmap);
	expect_pages(test, is_mapped);
}

static long free_pages_of_node(int nid)
{
	struct zone *zone = NODE_DATA(nid)->node_zones;
	long nr_free = 0;
	int i, cpu;

	for (i = 0; i < MAX_NR_ZONES; i++, zone++) {
		if (!populated_zone(zone))
			continue;
		nr_free += zone_page_state_snapshot(zone, NR_FREE_PAGES);
		for_each_possible_cpu(cpu)
			nr_free += per_cpu_ptr(zone->per_cpu_pageset, cpu)->count;
	}
	return nr_free;
}

/*
 * The memory map is freed. Others allocate and free memory meanwhile, so this
 * only detects a page, or another reference to it, that each folio loses.
 */
static void freed(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	const long nr_folios = TEST_SIZE / PMD_SIZE;
	long nr_lost = 0;
	int round;

	if (nr_folios < MIN_FOLIOS)
		kunit_skip(test, "there are only %ld folios in the range", nr_folios);

	ctx->pgmap->vmemmap_shift = PMD_SHIFT - PAGE_SHIFT;
	for (round = 0; round <= NR_ROUNDS; round++) {
		/* In the first round, page tables are allocated, which stay. */
		if (round == 1)
			nr_lost = free_pages_of_node(ctx->nid);
		map_pgmap(test);
		kunit_release_action(test, memunmap_action, ctx->pgmap);
	}
	nr_lost -= free_pages_of_node(ctx->nid);
	KUNIT_EXPECT_LT(test, nr_lost, NR_ROUNDS * nr_folios / 2);
}

/*
 * Allocate the first folio like a driver, and drop its last reference. If that
 * leaves a reference to the pgmap, memunmap_pages() waits for it forever.
 */
static void last_put(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	int nr_freed = 0;
	struct page *page;

	map_type(test);
	page = pfn_to_page(PHYS_PFN(test_res->start));
	if (ctx->pgmap->type == MEMORY_DEVICE_FS_DAX) {
		set_page_count(page, 1);
	} else if (ctx->pgmap->type != MEMORY_DEVICE_GENERIC) {
		zone_device_page_init(page, ctx->pgmap, 0);
		unlock_page(page);
		nr_freed = 1;
	}

	put_page(page);
	KUNIT_EXPECT_EQ(test, ctx->nr_freed, nr_freed);
	expect_pages(test, wrong_refcount);
}

/* There is no pgmap directly after a range. */
static void two_ranges(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	struct range *ranges = ctx->pgmap->ranges;

	set_range(&ranges[0], test_res->start, TEST_CHUNK);
	set_range(&ranges[1], test_res->end + 1 - TEST_CHUNK, TEST_CHUNK);
	ctx->pgmap->nr_range = 2;
	map_type(test);

	expect_pages(test, wrong_pgmap);
	KUNIT_EXPECT_NULL(test, find_pgmap(PHYS_PFN(ranges[0].end) + 1));
	KUNIT_EXPECT_NULL(test, find_pgmap(PHYS_PFN(ranges[1].end) + 1));
}

static void expect_refused(struct kunit *test, struct dev_pagemap *pgmap,
			   int error, int nr_warnings)
{
	struct memremap_test *ctx = test->priv;
	void *addr;

	kunit_warning_suppress(test) {
		addr = memremap_pages(pgmap, ctx->nid);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(addr), error);
		if (nr_warnings != WARN_FIRST_TIME)
			KUNIT_EXPECT_SUPPRESSED_WARNING_COUNT(test, nr_warnings);
		if (!IS_ERR(addr))
			memunmap_pages(pgmap);
	}
}

/* A range that overlaps a mapped one is refused. */
static void conflict(struct kunit *test)
{
	struct dev_pagemap *second = alloc_pgmap(test);
	phys_addr_t start = test_res->start + TEST_CHUNK;
	struct memremap_test *ctx = test->priv;

	/* The second range of a pgmap overlaps its first one. */
	set_range(&second->ranges[0], start, TEST_CHUNK);
	set_range(&second->ranges[1], start - TEST_CHUNK, 3 * TEST_CHUNK);
	second->nr_range = 2;
	expect_refused(test, second, -ENOMEM, 1);
	second->nr_range = 1;

	set_range(&ctx->pgmap->range, start, TEST_CHUNK);
	map_pgmap(test);

	set_range(&second->range, start, TEST_CHUNK);
	expect_refused(test, second, -ENOMEM, 1);
	set_range(&second->range, start - TEST_CHUNK / 2, TEST_CHUNK);
	expect_refused(test, second, -ENOMEM, 1);
	set_range(&second->range, start + TEST_CHUNK / 2, TEST_CHUNK);
	expect_refused(test, second, -ENOMEM, 1);
	set_range(&second->range, start - TEST_CHUNK, 3 * TEST_CHUNK);
	expect_refused(test, second, -ENOMEM, 1);

	expect_pages(test, wrong_pgmap);
}

static void unmap_work(struct work_struct *work)
{
	memunmap_pages(container_of(work, struct memremap_test, unmap)->pgmap);
}

/* Let memunmap_pages() wait for a reference to ctx->pgmap until end_dying(). */
static void start_dying(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	unsigned long pfn = PHYS_PFN(ctx->pgmap->range.start);
	int ms;

	KUNIT_ASSERT_PTR_EQ(test, get_dev_pagemap(pfn), ctx->pgmap);
	kunit_remove_action(test, memunmap_action, ctx->pgmap);
	INIT_WORK(&ctx->unmap, unmap_work);
	schedule_work(&ctx->unmap);

	for (ms = 0; ms < 10000 && find_pgmap(pfn); ms++)
		fsleep(USEC_PER_MSEC);
	KUNIT_EXPECT_NULL(test, find_pgmap(pfn));
}

static void end_dying(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	put_dev_pagemap(ctx->pgmap);
	flush_work(&ctx->unmap);
}

/* get_dev_pagemap() fails for the range, but its memory map still exists. */
static void conflict_dying(struct kunit *test)
{
	struct dev_pagemap *second = alloc_pgmap(test);
	phys_addr_t start = test_res->start + TEST_CHUNK;
	struct memremap_test *ctx = test->priv;

	set_range(&ctx->pgmap->range, start, TEST_CHUNK);
	set_range(&second->range, start, TEST_CHUNK);
	map_pgmap(test);
	start_dying(test);
	expect_refused(test, second, -ENOMEM, 1);
	expect_pages(test, wrong_zone);
	end_dying(test);

	expect_pages(test, is_mapped);
	map_pgmap(test);
	expect_pages(test, wrong_pgmap);
}

/* Try to map the range, in competition with the other worker. */
static void race(struct memremap_race *race)
{
	struct memremap_test *ctx = race->test->priv;
	struct dev_pagemap *pgmap = race->pgmap;
	void *addr;

	addr = memremap_pages(pgmap, ctx->nid);
	if (IS_ERR(addr)) {
		race->nr_wrong += PTR_ERR(addr) != -ENOMEM;
		return;
	}

	race->nr_mapped++;
	if (atomic_inc_return(&ctx->nr_users) != 1 ||
	    find_pgmap(PHYS_PFN(pgmap->range.start)) != pgmap ||
	    find_pgmap(PHYS_PFN(pgmap->range.end)) != pgmap)
		race->nr_wrong++;
	atomic_dec(&ctx->nr_users);
	memunmap_pages(pgmap);
}

static void race_work(struct work_struct *work)
{
	struct memremap_race *this = container_of(work, typeof(*this), work);
	struct memremap_test *ctx = this->test->priv;
	struct kunit_suppressed_warning *warning;
	int i;

	warning = kunit_start_suppress_warning(this->test);
	for (i = 0; i < NR_RACES; i++) {
		/* In every second round, both workers start together. */
		if (i % 2) {
			atomic_inc(&ctx->nr_ready);
			while (atomic_read(&ctx->nr_ready) < i + 1)
				cond_resched();
		}
		race(this);
	}
	kunit_end_suppress_warning(this->test, warning);
}

/* When two workers map the same range at the same time, only one succeeds. */
static void conflict_race(struct kunit *test)
{
	struct memremap_race race[2];
	int i;

	for (i = 0; i < ARRAY_SIZE(race); i++) {
		race[i] = (struct memremap_race) { .test = test };
		race[i].pgmap = alloc_pgmap(test);
		set_range(&race[i].pgmap->range, test_res->start, TEST_CHUNK);
	}
	for (i = 0; i < ARRAY_SIZE(race); i++) {
		INIT_WORK_ONSTACK(&race[i].work, race_work);
		queue_work(system_dfl_wq, &race[i].work);
	}
	for (i = 0; i < ARRAY_SIZE(race); i++) {
		flush_work(&race[i].work);
		destroy_work_on_stack(&race[i].work);
		KUNIT_EXPECT_EQ(test, race[i].nr_wrong, 0);
	}
	KUNIT_EXPECT_GT(test, race[0].nr_mapped + race[1].nr_mapped, 0);
	KUNIT_EXPECT_LT(test, race[0].nr_mapped + race[1].nr_mapped,
			2 * NR_RACES);
}

static void refused_type(struct kunit *test, enum memory_type type)
{
	struct dev_pagemap_ops ops = test_ops;
	struct dev_pagemap *pgmap = alloc_pgmap(test);

	pgmap->type = type;
	pgmap->ops = &ops;
	pgmap->owner = NULL;
	expect_refused(test, pgmap, -EINVAL, 1);
	pgmap->owner = test->priv;
	ops.folio_free = NULL;
	expect_refused(test, pgmap, -EINVAL, 1);
	if (type != MEMORY_DEVICE_PRIVATE)
		return;

	ops = test_ops;
	ops.migrate_to_ram = NULL;
	expect_refused(test, pgmap, -EINVAL, 1);
	pgmap->ops = NULL;
	expect_refused(test, pgmap, -EINVAL, 1);
}

static void refused(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	struct dev_pagemap *pgmap = ctx->pgmap;

	refused_type(test, MEMORY_DEVICE_COHERENT);
	if (IS_ENABLED(CONFIG_DEVICE_PRIVATE))
		refused_type(test, MEMORY_DEVICE_PRIVATE);

	pgmap->nr_range = 0;
	expect_refused(test, pgmap, -EINVAL, WARN_FIRST_TIME);
	pgmap->nr_range = 1;

	pgmap->vmemmap_shift = BITS_PER_LONG;
	expect_refused(test, pgmap, -EINVAL, WARN_FIRST_TIME);
	pgmap->vmemmap_shift = 0;

	/* System RAM */
	set_range(&pgmap->range, ALIGN_DOWN(__pa(pgmap), SZ_2M), SZ_2M);
	expect_refused(test, pgmap, -ENXIO, WARN_FIRST_TIME);

	/* The end is before the start. */
	set_range(&pgmap->range, test_res->start, 0);
	expect_refused(test, pgmap, -EINVAL, 0);
}

/* The range has to be unused, or a legacy pmem device (memmap=nn!ss). */
static bool request_shared(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;
	phys_addr_t start = ctx->pgmap->range.start;
	u64 size = range_len(&ctx->pgmap->range);

	if (region_intersects(start, size, IORESOURCE_MEM, IORES_DESC_NONE) !=
	    REGION_DISJOINT &&
	    region_intersects(start, size, IORESOURCE_MEM,
			      IORES_DESC_PERSISTENT_MEMORY_LEGACY) !=
	    REGION_INTERSECTS)
		return false;

	return request_mem_region(start, size, "memremap_kunit") &&
	       !kunit_add_action_or_reset(test, release_action, ctx->pgmap);
}

/* Map device memory after the end of RAM, in the same section. */
static void map_shared(struct kunit *test)
{
	struct page *ram = pfn_to_online_page(PHYS_PFN(ram_end - 1));
	phys_addr_t start = ALIGN(ram_end, memremap_compat_align());
	struct memremap_test *ctx = test->priv;

	if (!ram || start >= ALIGN(ram_end, BIT(PA_SECTION_SHIFT)))
		kunit_skip(test, "RAM does not end inside a section");
	ctx->ram_zone = page_zone(ram);
	set_range(&ctx->pgmap->range, start, memremap_compat_align());
	if (!request_shared(test))
		kunit_skip(test, "the range after the end of RAM is in use");
	map_pgmap(test);
}

/* While memunmap_pages() waits for a reference, the pages are not online. */
static void shared_dying(struct kunit *test)
{
	map_shared(test);
	start_dying(test);
	expect_pages(test, wrong_zone);
	expect_pages(test, is_online);
	end_dying(test);
}

static bool wrong_hole(struct memremap_test *ctx, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return pfn_to_online_page(pfn) || PagePoisoned(page) ||
	       !PageReserved(page) || page_zone(page) != ctx->ram_zone ||
	       page_to_nid(page) != zone_to_nid(ctx->ram_zone) ||
	       page_ref_count(page) <= 0;
}

/* The memory map is kept, and describes a hole next to RAM. */
static void shared_hole(struct kunit *test)
{
	struct memremap_test *ctx = test->priv;

	map_shared(test);
	kunit_release_action(test, memunmap_action, ctx->pgmap);
	expect_pages(test, wrong_hole);
}

static struct kunit_case memremap_cases[] = {
	KUNIT_CASE_PARAM(mapped, types_gen_params),
	KUNIT_CASE_PARAM(not_reserved, types_gen_params),
	KUNIT_CASE_PARAM(every_byte, types_gen_params),
	KUNIT_CASE_PARAM(every_byte_pmd, types_gen_params),
	KUNIT_CASE_PARAM(every_byte_pud, types_gen_params),
	KUNIT_CASE_PARAM(every_byte_threads, types_gen_params),
	KUNIT_CASE_PARAM(every_byte_pmd_threads, types_gen_params),
	KUNIT_CASE_PARAM(unmapped, types_gen_params),
	KUNIT_CASE(freed),
	KUNIT_CASE_PARAM(last_put, types_gen_params),
	KUNIT_CASE_PARAM(two_ranges, types_gen_params),
	KUNIT_CASE(conflict),
	KUNIT_CASE(conflict_dying),
	KUNIT_CASE_SLOW(conflict_race),
	KUNIT_CASE(refused),
	KUNIT_CASE(shared_dying),
	KUNIT_CASE(shared_hole),
	{}
};

static int get_end(struct resource *res, void *end)
{
	*(phys_addr_t *)end = res->end + 1;
	return 0;
}

static int memremap_suite_init(struct kunit_suite *suite)
{
	ram_end = 0;
	walk_iomem_res_desc(IORES_DESC_NONE,
			    IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
			    &ram_end, get_end);
	test_res = request_unused(TEST_SIZE, BIT(PA_SECTION_SHIFT));
	return 0;
}

static void memremap_suite_exit(struct kunit_suite *suite)
{
	if (test_res)
		release_mem_region(test_res->start, TEST_SIZE);
	test_res = NULL;
}

static int memremap_init(struct kunit *test)
{
	struct memremap_test *ctx;
	int nid;

#ifdef CONFIG_X86
	if (!cpu_feature_enabled(X86_FEATURE_HYPERVISOR))
		kunit_skip(test, "not in a virtual machine");
#endif
	if (!test_res)
		kunit_skip(test, "no unused physical address range above RAM");

	ctx = kunit_kzalloc(test, sizeof(*ctx), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ctx);
	test->priv = ctx;
	ctx->pgmap = alloc_pgmap(test);
	/* Use the last node, because a wrong node is likely to be 0. */
	for_each_online_node(nid)
		ctx->nid = nid;
	return 0;
}

static struct kunit_suite memremap_suite = {
	.name = "memremap",
	.suite_init = memremap_suite_init,
	.suite_exit = memremap_suite_exit,
	.init = memremap_init,
	.test_cases = memremap_cases,
};

kunit_test_suite(memremap_suite);

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit tests for the struct pages of device memory");
MODULE_LICENSE("GPL");
