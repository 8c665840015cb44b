// SPDX-License-Identifier: GPL-2.0
/*
 * Where the memory map of persistent memory is, and what is in it, for every
 * kind of namespace: alone on a DIMM without labels, many in one region of a
 * DIMM with a label area, and with pages of 1 GiB.
 *
 *	memmap_namespaces ALONE REGION GIANT
 *	memmap_namespaces E820
 *	memmap_namespaces read REGION
 *
 * Needs two namespaces and a region, such as namespace2.0 region1 namespace0.0.
 * ALONE fills whole memory sections, GIANT has 2 GiB and is aligned to 1 GiB,
 * REGION is on a DIMM with a label area. E820 fills whole memory sections, too,
 * but only the firmware's memory map has it (e820 type 12), as with
 * memmap=128M!0x18000000. With "read", two processes read every pmem block device
 * that is there, while namespaces of REGION are destroyed and created. The data
 * in all of them is lost.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include "region.h"
#include "test.h"

#define GIANT_SIZE	(1UL << 30)
#define HELD		4	/* pages */
#define NR_READERS	2
#define READ_ROUNDS	8	/* a namespace is destroyed, and created as another kind */

static const struct kind alone[] = {
	{ "raw", "raw", NULL, NULL },
	{ "sector", "sector", NULL, NULL },
	{ "fs_mem_4k", "fsdax", "mem", "4K" },
	{ "fs_mem_2m", "fsdax", "mem", "2M" },
	{ "fs_dev_4k", "fsdax", "dev", "4K" },
	{ "fs_dev_2m", "fsdax", "dev", "2M" },
}, e820[] = {	/* ndctl's fsdax with map=mem is the raw namespace here */
	{ "e820_fs_mem", "fsdax", "mem", "2M" },
	{ "e820_fs_dev", "fsdax", "dev", "2M" },
	{ "e820_dax_mem", "devdax", "mem", "2M" },
	{ "e820_dax_dev", "devdax", "dev", "2M" },
}, giant[] = {
	{ "dax_mem_1g", "devdax", "mem", "1G" },
	{ "dax_dev_1g", "devdax", "dev", "1G" },
	{ "fs_dev_1g", "fsdax", "dev", "1G" },
}, parts[REGION_PARTS] = {
	{ "part_fs_dev", "fsdax", "dev", "2M" },
	{ "part_dax_mem", "devdax", "mem", "4K" },
	{ "part_raw", "raw", NULL, NULL },
	{ "part_dax_dev", "devdax", "dev", "4K" },
};

static unsigned char garbage = NS_GARBAGE;	/* what was written last */

/* @more: results of a kind with struct pages, beyond those of test_memmap() */
static unsigned int count_results(const struct kind *kinds, size_t nr, unsigned int more)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		count += kinds[i].map ? 2 + 2 * kind_has_altmap(&kinds[i]) + more : 2;
	return count;
}

static void result(const struct kind *kind, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", kind->word, word);
}

/* Count the words that are @want, through /dev/mem, not the pmem device. */
static unsigned long count_words(unsigned long pfn, size_t size, uint64_t want)
{
	unsigned long found = 0;
	uint64_t *word;
	size_t i;

	word = mem_map_file("/dev/mem", 0, pfn, size / page_size());
	if (word == MAP_FAILED)
		ksft_exit_fail_msg("the device can't be looked at\n");
	for (i = 0; i < size / sizeof(*word); i++)
		found += word[i] == want;
	munmap(word, size);

	return found;
}

static bool has_words(const char *what, unsigned long pfn, size_t size,
		      uint64_t word, unsigned long want)
{
	unsigned long found = count_words(pfn, size, word);

	if (found < want)
		ksft_print_msg("%s: %lu words %#llx from pfn %#lx on, should be %lu\n",
			       what, found, (unsigned long long)word, pfn, want);
	return found >= want;
}

/* Room for a memory map, in bytes. */
static size_t map_size(const struct pages *all)
{
	return all->nr * 64 + 4 * MB;
}

/* True if the garbage written last is there, from 1 MiB on. */
static bool is_garbage(const char *what, const struct pages *all)
{
	uint64_t word;

	memset(&word, garbage, sizeof(word));
	return has_words(what, all->pfn + MB / page_size(), map_size(all), word,
			 map_size(all) / sizeof(word));
}

/* Use other garbage each time. It must be there before the device is used. */
static bool fill(const char *ns, struct pages *all)
{
	return ns_fill_with_garbage(ns, ++garbage) && ns_read(ns, all) &&
	       is_garbage(ns, all);
}

/*
 * With map=dev the device must have as many struct pages as data pages; all
 * have the same flags, except the first two of a large folio. With map=mem the
 * garbage must be untouched.
 */
static bool check_place(const struct kind *kind, const struct dax *dax)
{
	struct test_memmap_page last = page_get(dax->data.pfn + dax->data.nr - 1);
	const size_t storage = dax->storage.nr * page_size();
	size_t size = map_size(&dax->all);
	unsigned long heads = last.order ? 2 * (dax->data.nr >> last.order) : 0;

	if (!kind_has_altmap(kind))
		return is_garbage(dax->name, &dax->all);
	if (size > storage)
		size = storage;
	return has_words(dax->name, dax->storage.pfn, size, last.flags,
			 dax->data.nr - heads);
}

static void test_memmap(const struct kind *kind, const struct dax *dax, bool good)
{
	result(kind, "page", good && kind_check_data(kind, dax));
	result(kind, "flag", good && kind_check_flag(kind, dax));
	if (kind_has_altmap(kind)) {
		result(kind, "storage", good &&
		       dax_check_altmap("storage", dax, &dax->storage));
		result(kind, "reserve", good &&
		       dax_check_altmap("reserve", dax, &dax->reserve));
	}
}

static void test_kind(const char *ns, const struct kind *kind,
		      bool (*use)(const struct dax *dax))
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", kind->mode,
		NULL
	};
	struct dax dax = {};
	bool good;

	if (!kind->map) {
		good = test_run(NS_SECONDS, argv) == 0 &&
		       ns_read(ns, &dax.all);
		result(kind, "no_page", good && page_is_gone(kind->word, &dax.all));
	} else {
		good = fill(ns, &dax.all) &&
		       ns_set_mode(ns, kind->mode, kind->map, kind->align) &&
		       kind_read(kind, ns, &dax);
		test_memmap(kind, &dax, good);
		result(kind, "place", good && check_place(kind, &dax));
		if (use)
			result(kind, "use", good && use(&dax));
		else
			/* It is always aligned to a subsection. */
			result(kind, "align", good &&
			       dax.data.pfn * page_size() % HUGE_SIZE == 0);
	}
	result(kind, "destroy", good && ns_destroy(ns) &&
	       page_is_gone("destroyed", &dax.all));
}

/* Check pages next to the held ones: only the device may hold them. */
static bool check_around(const char *what, const struct pages *pages, int nid)
{
	const struct test_memmap_page page = page_get(pages->pfn);

	/* A large folio has the references to all its pages. */
	if (page.order)
		return page_check_state(what, pages, DEVICE_MASK, DEVICE_PAGE) &&
		       page.nid == nid && page_users(&page) == HELD;
	return page_check(what, pages, DEVICE_MASK, DEVICE_PAGE, nid);
}

/*
 * One access maps a whole page of 1 GiB, or there is a SIGBUS. Its struct pages
 * are small ones with their own references, or one large folio.
 */
static bool use_giant(const struct dax *dax)
{
	const size_t middle = GIANT_SIZE / 2;
	struct pages before = { dax->data.pfn, middle / page_size() };
	struct pages pages = { before.pfn + before.nr, HELD };
	struct pages after = { pages.pfn + HELD, before.nr - HELD };
	const uint64_t magic = 0x6d656d6d61702121;
	struct test_memmap_page page;
	int held[2];
	char *addr;
	bool good;

	if (strncmp(dax->name, "dax", 3))
		return dax->data.pfn * page_size() % GIANT_SIZE == 0;

	addr = dax_map(dax, GIANT_SIZE, 0);
	*(uint64_t *)(addr + middle) = magic;
	good = count_words(pages.pfn, page_size(), magic) == 1;
	if (!good)
		ksft_print_msg("%s: what was written is not in pfn %#lx\n",
			       dax->name, pages.pfn);
	good &= mem_hold(held, addr + middle, HELD);
	page = page_get(pages.pfn);
	good &= page_check_users("held", &pages, page.order ? HELD : 1);
	good &= check_around("before", &before, dax->nid);
	good &= check_around("after", &after, dax->nid);
	mem_release(held);
	munmap(addr, GIANT_SIZE);

	return page_check_users("released", &pages, 0) && good;
}

/*
 * Namespaces that share a section. Whatever map= says, the kernel puts the
 * memory map of less than a section into RAM. Some are destroyed and made again
 * as another kind, while their neighbours stay.
 */
static void test_parts(const char *region)
{
	const size_t nr = ARRAY_SIZE(parts);
	bool good;
	size_t i;

	ksft_test_result(region_init_garbage(region), "labels\n");

	for (i = 0; i < nr; i++) {
		good = region_create(i, &parts[i]);
		if (parts[i].map)
			test_memmap(&parts[i], region_dax(i), good);
		else
			result(&parts[i], "no_page", good && region_check_part(i));
		result(&parts[i], "neighbours", region_check());
	}

	for (good = true, i = 0; i < nr; i += 2)
		good &= region_destroy(i);
	ksft_test_result(good && region_check(), "parts_destroyed\n");
	for (i = 0; i < nr; i += 2)
		good &= region_create(i, &parts[(i + 2) % nr]);
	ksft_test_result(good && region_check(), "parts_swapped\n");
	for (i = 0; i < nr; i++)
		good &= region_destroy(nr - 1 - i);
	ksft_test_result(good && region_check(), "parts_gone\n");
}

/*
 * Namespaces of one section come and go while their block devices are read,
 * through the page cache and with direct I/O.
 */
static void test_read(const char *region)
{
	unsigned long *read_bytes = mem_map_shared(page_size());
	bool created = region_init(region), destroyed = true, checked, busy = true;
	const size_t nr = ARRAY_SIZE(parts);
	pid_t pids[NR_READERS];
	unsigned long before;
	size_t round, i;

	for (i = 0; i < nr; i++)
		created &= region_create(i, &parts[i]);
	checked = region_check();
	for (i = 0; i < NR_READERS; i++)
		pids[i] = region_start_reader(&read_bytes[i], i ? O_DIRECT : 0);

	for (round = 0; round < READ_ROUNDS; round++) {
		i = round % nr;
		before = __atomic_load_n(read_bytes, __ATOMIC_RELAXED);
		destroyed &= region_destroy(i);
		checked &= region_check();
		created &= region_create(i, &parts[(i + round / nr + 1) % nr]);
		checked &= region_check();
		busy &= __atomic_load_n(read_bytes, __ATOMIC_RELAXED) != before;
	}
	for (i = 0; i < NR_READERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		ksft_print_msg("%lu MiB read%s\n", read_bytes[i] / MB, i ? " directly" : "");
		busy &= read_bytes[i] > 0;
	}

	ksft_test_result(created, "read_created\n");
	ksft_test_result(destroyed, "read_destroyed\n");
	ksft_test_result(checked, "read_pages\n");
	ksft_test_result(busy, "read_busy\n");
	for (destroyed = true, i = 0; i < nr; i++)
		destroyed &= region_destroy(i);
	ksft_test_result(destroyed && region_check(), "read_gone\n");
}

static void test_kinds(const char *ns, const struct kind *kinds, size_t nr,
		       bool (*use)(const struct dax *dax))
{
	size_t i;

	for (i = 0; i < nr; i++)
		test_kind(ns, &kinds[i], use);
}

int main(int argc, char *argv[])
{
	test_begin();
	if (argc == 2) {
		ns_require(argv[1]);
		ksft_set_plan(count_results(e820, ARRAY_SIZE(e820), 3));
		test_kinds(argv[1], e820, ARRAY_SIZE(e820), NULL);
		ksft_exit(!ksft_get_fail_cnt());
	}
	if (argc == 3 && !strcmp(argv[1], "read") && !strncmp(argv[2], "region", 6)) {
		ksft_set_plan(5);
		test_read(argv[2]);
		ksft_exit(!ksft_get_fail_cnt());
	}
	if (argc != 4 || strncmp(argv[2], "region", 6))
		ksft_exit_skip("usage: memmap_namespaces NAME [REGION NAME]|read REGION\n");
	ns_require(argv[1]);
	ns_require(argv[3]);

	ksft_set_plan(count_results(alone, ARRAY_SIZE(alone), 3) +
		      count_results(giant, ARRAY_SIZE(giant), 3) +
		      count_results(parts, ARRAY_SIZE(parts), 1) + 4);
	test_kinds(argv[1], alone, ARRAY_SIZE(alone), NULL);
	test_kinds(argv[3], giant, ARRAY_SIZE(giant), use_giant);
	test_parts(argv[2]);

	ksft_exit(!ksft_get_fail_cnt());
}
