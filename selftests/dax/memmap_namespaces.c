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
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include "dax.h"
#include "test.h"

#define GIANT_SIZE	(1UL << 30)
#define HELD		4	/* pages */
#define PART		"32M"	/* of a region: a quarter of a section */
#define PART_SIZE	(32 * MB)
#define NR_READERS	2
#define READ_ROUNDS	8	/* a namespace is destroyed, and created as another kind */

/* A namespace of some kind. */
static const struct kind {
	const char *word;	/* prefix of its case names */
	const char *mode;
	const char *map;	/* NULL: has no struct pages */
	const char *align;
} alone[] = {
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
}, parts[] = {
	{ "part_fs_dev", "fsdax", "dev", "2M" },
	{ "part_dax_mem", "devdax", "mem", "4K" },
	{ "part_raw", "raw", NULL, NULL },
	{ "part_dax_dev", "devdax", "dev", "4K" },
};

/* A part of the region, and its namespace. */
static struct part {
	const struct kind *kind;
	char ns[32];
	struct dax dax;
} part[ARRAY_SIZE(parts)];

static unsigned char garbage = NS_GARBAGE;	/* what was written last */

static bool has_altmap(const struct kind *kind)
{
	return kind->map && !strcmp(kind->map, "dev");
}

/* @more: cases of a kind with struct pages, beyond those of test_memmap() */
static unsigned int count_cases(const struct kind *kinds, size_t nr,
				unsigned int more)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		count += kinds[i].map ? 2 + 2 * has_altmap(&kinds[i]) + more : 2;
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

	if (!has_altmap(kind))
		return is_garbage(dax->name, &dax->all);
	if (size > storage)
		size = storage;
	return has_words(dax->name, dax->storage.pfn, size, last.flags,
			 dax->data.nr - heads);
}

static bool check_data(const struct kind *kind, const struct dax *dax)
{
	return page_check("data", has_altmap(kind) ? &dax->data : &dax->all,
			   DEVICE_MASK, DEVICE_PAGE, dax->nid);
}

static bool check_flag(const struct kind *kind, const struct dax *dax)
{
	return page_check_state("data", has_altmap(kind) ? &dax->data : &dax->all,
			   TEST_MEMMAP_RESERVED, 0);
}

static void test_memmap(const struct kind *kind, const struct dax *dax,
			bool good)
{
	result(kind, "page", good && check_data(kind, dax));
	result(kind, "flag", good && check_flag(kind, dax));
	if (has_altmap(kind)) {
		result(kind, "storage", good &&
		       dax_check_altmap("storage", dax, &dax->storage));
		result(kind, "reserve", good &&
		       dax_check_altmap("reserve", dax, &dax->reserve));
	}
}

static bool read_kind(const struct kind *kind, const char *ns, struct dax *dax)
{
	if (!strcmp(kind->mode, "fsdax"))
		return dax_read_fs(ns, dax);
	return dax_read(ns, dax);
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
		       read_kind(kind, ns, &dax);
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

/* With labels a region can have several namespaces, without only one. */
static bool init_labels(const char *region)
{
	const char *const command[][4] = {
		{ "ndctl", "disable-region", region, NULL },
		{ "ndctl", "init-labels", "all", NULL },
		{ "ndctl", "enable-region", region, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(command); i++)
		if (test_run(NS_SECONDS, command[i]))
			return false;
	return true;
}

/* Find the region's namespace that is not in part[]. */
static bool find_new(const char *region, struct part *new)
{
	struct pages pages;
	size_t number, i;
	char ns[32];

	for (number = 0; number < 2 * ARRAY_SIZE(part); number++) {
		snprintf(ns, sizeof(ns), "namespace%.8s.%zu",
			 region + strlen("region"), number);
		for (i = 0; i < ARRAY_SIZE(part); i++)
			if (!strcmp(part[i].ns, ns))
				break;
		if (i < ARRAY_SIZE(part) || !ns_read(ns, &pages))
			continue;
		strcpy(new->ns, ns);
		new->dax.all = pages;
		return true;
	}
	return false;
}

/* Make a namespace in the first free part of the region. */
static bool create_part(const char *region, struct part *part,
			const struct kind *kind)
{
	const char *argv[16] = {
		"ndctl", "create-namespace", "-r", region, "-s", PART, "-m",
		kind->mode,
	};
	const char *const more[] = { "-M", kind->map, "-a", kind->align };

	if (kind->map)
		memcpy(argv + 8, more, sizeof(more));
	part->kind = kind;
	part->ns[0] = '\0';
	return test_run(NS_SECONDS, argv) == 0 &&
	       find_new(region, part) &&
	       (!kind->map || read_kind(kind, part->ns, &part->dax));
}

static bool check_part(const struct part *part)
{
	const struct kind *kind = part->kind;
	const struct dax *dax = &part->dax;

	/* Not created yet. */
	if (!kind)
		return true;
	if (!part->ns[0])
		return page_is_gone("gone", &dax->all);
	if (!kind->map)
		return page_is_gone(part->ns, &dax->all);
	return check_data(kind, dax) &&
	       (!has_altmap(kind) ||
		dax_check_altmap("storage", dax, &dax->storage));
}

static bool check_parts(void)
{
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(part); i++)
		good &= check_part(&part[i]);
	return good;
}

static bool destroy_part(struct part *part)
{
	bool good = part->ns[0] && ns_destroy(part->ns);

	part->ns[0] = '\0';
	return good;
}

/*
 * Namespaces that share a section. Whatever map= says, the kernel puts the
 * memory map of less than a section into RAM. Some are destroyed and made again
 * as another kind, while their neighbours stay.
 */
static void test_parts(const char *region)
{
	const size_t nr = ARRAY_SIZE(part);
	char whole[32];
	bool good;
	size_t i;

	/* A label area without labels: still one namespace. */
	snprintf(whole, sizeof(whole), "namespace%.8s.0",
		 region + strlen("region"));
	good = ns_write_garbage(whole, nr * PART_SIZE, ++garbage) && init_labels(region);
	ksft_test_result(good, "labels\n");

	for (i = 0; i < nr; i++) {
		good = create_part(region, &part[i], &parts[i]);
		if (parts[i].map)
			test_memmap(&parts[i], &part[i].dax, good);
		else
			result(&parts[i], "no_page", good &&
			       check_part(&part[i]));
		result(&parts[i], "neighbours", check_parts());
	}

	for (good = true, i = 0; i < nr; i += 2)
		good &= destroy_part(&part[i]);
	ksft_test_result(good && check_parts(), "parts_destroyed\n");
	for (i = 0; i < nr; i += 2)
		good &= create_part(region, &part[i], &parts[(i + 2) % nr]);
	ksft_test_result(good && check_parts(), "parts_swapped\n");
	for (i = 0; i < nr; i++)
		good &= destroy_part(&part[nr - 1 - i]);
	ksft_test_result(good && check_parts(), "parts_gone\n");
}

/* Open a block device, and read it to its end, or until it is gone. */
static void read_device(const char *name, unsigned long *read_bytes, int flags, char *buf)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/dev/%.32s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return;
	while ((got = read(fd, buf, MB)) > 0)
		__atomic_fetch_add(read_bytes, got, __ATOMIC_RELAXED);
	close(fd);
}

/* A process that reads all pmem devices until it is killed. */
static pid_t start_reader(unsigned long *read_bytes, int flags)
{
	char *buf = mem_map(MB);
	pid_t pid = test_fork();
	struct dirent *entry;
	DIR *dir;

	while (!pid) {
		dir = opendir("/dev");
		while (dir && (entry = readdir(dir)))
			if (!strncmp(entry->d_name, "pmem", 4))
				read_device(entry->d_name, read_bytes, flags, buf);
		if (dir)
			closedir(dir);
	}
	munmap(buf, MB);
	return pid;
}

/*
 * Namespaces of one section come and go while their block devices are read,
 * through the page cache and with direct I/O.
 */
static void test_read(const char *region)
{
	unsigned long *read_bytes = mem_map_shared(page_size());
	bool created = init_labels(region), destroyed = true, checked, busy = true;
	const size_t nr = ARRAY_SIZE(part);
	pid_t pids[NR_READERS];
	unsigned long before;
	size_t round, i;

	for (i = 0; i < nr; i++)
		created &= create_part(region, &part[i], &parts[i]);
	checked = check_parts();
	for (i = 0; i < NR_READERS; i++)
		pids[i] = start_reader(&read_bytes[i], i ? O_DIRECT : 0);

	for (round = 0; round < READ_ROUNDS; round++) {
		i = round % nr;
		before = __atomic_load_n(read_bytes, __ATOMIC_RELAXED);
		destroyed &= destroy_part(&part[i]);
		checked &= check_parts();
		created &= create_part(region, &part[i], &parts[(i + round / nr + 1) % nr]);
		checked &= check_parts();
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
		destroyed &= destroy_part(&part[i]);
	ksft_test_result(destroyed && check_parts(), "read_gone\n");
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
		ksft_set_plan(count_cases(e820, ARRAY_SIZE(e820), 3));
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

	ksft_set_plan(count_cases(alone, ARRAY_SIZE(alone), 3) +
		      count_cases(giant, ARRAY_SIZE(giant), 3) +
		      count_cases(parts, ARRAY_SIZE(parts), 1) + 4);
	test_kinds(argv[1], alone, ARRAY_SIZE(alone), NULL);
	test_kinds(argv[3], giant, ARRAY_SIZE(giant), use_giant);
	test_parts(argv[2]);

	ksft_exit(!ksft_get_fail_cnt());
}
