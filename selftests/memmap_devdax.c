// SPDX-License-Identifier: GPL-2.0
/*
 * The struct pages of device DAX, for every way to make it: memmap in RAM or
 * in the device itself, mapped with small or with large pages.
 *
 *	memmap_devdax [NAMESPACE]		make it in all of these ways
 *	memmap_devdax adopt UUID SIZE		name the one that is there already,
 *						with small pages and a memmap in the
 *						device: namespace0.0 lacks a label
 *
 * What is in the namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define LARGE_SIZE	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

static struct mode {
	const char *map;
	bool large;		/* pages, in the mappings */
	bool altmap;
	char align[16];
	char word[32];		/* what the names of its cases start with */
} modes[] = {
	{ "mem", false, false, "", "" },
	{ "mem", true, false, "", "" },
	{ "dev", false, true, "", "" },
	{ "dev", true, true, "", "" },
};

static size_t mapped_size;	/* bytes: two large pages, if there are any */

#define NR_CASES	8
#define NR_ALTMAP_CASES	4	/* more with an altmap */

static void result(const struct mode *mode, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", mode->word, word);
}

static bool check_data_page(const struct mode *mode, const struct dax *dax)
{
	return check_pages("data", mode->altmap ? &dax->data : &dax->all,
			   DEVICE_MASK, DEVICE_PAGE, dax->nid);
}

static bool check_data_flag(const struct mode *mode, const struct dax *dax)
{
	return check_state("data", mode->altmap ? &dax->data : &dax->all,
			   TEST_MEMMAP_RESERVED, 0);
}

/* These struct pages have no owner, that is why they stay reserved. */
static bool check_altmap(const char *what, const struct dax *dax,
			 const struct pages *pages)
{
	return check_pages(what, pages, DEVICE_MASK | TEST_MEMMAP_RESERVED,
			   DEVICE_PAGE | TEST_MEMMAP_RESERVED, dax->nid);
}

/*
 * Map the first pages of the device; write to them, or only compare with what
 * was written before. Afterwards nobody must be left holding a page.
 */
static bool use_mapping(const struct dax *dax, bool write)
{
	const struct pages mapped = {
		dax->data.pfn, mapped_size / sysconf(_SC_PAGESIZE)
	};
	uint64_t *word;
	size_t i, step = sysconf(_SC_PAGESIZE) / sizeof(*word);
	bool good = true;
	int fd;

	fd = open_dax(dax);
	if (fd < 0)
		return false;
	word = mmap(NULL, mapped_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (word == MAP_FAILED) {
		ksft_print_msg("mmap %s: %s\n", dax->name, strerror(errno));
		return false;
	}

	for (i = 0; write && i < mapped.nr; i++)
		word[i * step] = mapped.pfn + i;
	for (i = 0; good && i < mapped.nr; i++)
		good = word[i * step] == mapped.pfn + i &&
		       memmap_vaddr_to_pfn(word + i * step) == mapped.pfn + i;
	if (!good)
		ksft_print_msg("%s: page %zu: %#llx in pfn %#lx\n", dax->name,
			       i - 1, (unsigned long long)word[(i - 1) * step],
			       memmap_vaddr_to_pfn(word + (i - 1) * step));
	munmap(word, mapped_size);

	return check_pages("unmapped", &mapped, DEVICE_MASK, DEVICE_PAGE,
			   dax->nid) && good;
}

static void test_dax(const struct mode *mode, const struct dax *dax)
{
	bool good;

	result(mode, "data_page", check_data_page(mode, dax));
	result(mode, "data_flag", check_data_flag(mode, dax));
	if (mode->altmap) {
		result(mode, "storage",
		       check_altmap("storage", dax, &dax->storage));
		result(mode, "reserve",
		       check_altmap("reserve", dax, &dax->reserve));
	}
	result(mode, "mmap", use_mapping(dax, true));

	/* Nothing but this device is in its memory sections. */
	result(mode, "unbind", bind_dax(dax, false) &&
	       check_state("unbound", &dax->all, TEST_MEMMAP_VALID, 0));

	good = bind_dax(dax, true);
	result(mode, "rebind_page", good && check_data_page(mode, dax) &&
	       use_mapping(dax, false));
	result(mode, "rebind_flag", good && check_data_flag(mode, dax));
	if (mode->altmap) {
		result(mode, "rebind_storage",
		       good && check_altmap("storage", dax, &dax->storage));
		result(mode, "rebind_reserve",
		       good && check_altmap("reserve", dax, &dax->reserve));
	}
}

static void test_mode(const char *ns, const struct mode *mode)
{
	struct dax dax = {};
	bool good;

	good = fill_with_garbage(ns) &&
	       create_dax(ns, mode->map, mode->align, &dax);
	result(mode, "create", good);
	if (!good) {
		int rest = NR_CASES - 1 + mode->altmap * NR_ALTMAP_CASES;

		while (rest--)
			result(mode, "not_created", false);
		return;
	}

	test_dax(mode, &dax);
	result(mode, "destroy", destroy_namespace(ns) &&
	       check_state("destroyed", &dax.all, TEST_MEMMAP_VALID, 0));
}

/* Sizes of pages differ with architecture and MMU: mem_4k, mem_2m, mem_64k ... */
static bool name_mode(struct mode *mode)
{
	long long large = read_number(LARGE_SIZE);
	unsigned long kb;

	if (large <= 0 && mode->large)
		return false;
	mapped_size = large > 0 ? 2 * large : 64 * sysconf(_SC_PAGESIZE);
	kb = (mode->large ? large : sysconf(_SC_PAGESIZE)) >> 10;
	snprintf(mode->align, sizeof(mode->align), "%luK", kb);
	snprintf(mode->word, sizeof(mode->word), "%s_%lu%c", mode->map,
		 kb >> 10 ? kb >> 10 : kb, kb >> 10 ? 'm' : 'k');
	return true;
}

static void test_adopted(struct mode *mode, const char *uuid, const char *size)
{
	struct dax dax = {};
	bool good;

	if (!name_mode(mode))
		ksft_exit_skip("needs transparent huge pages\n");
	ksft_set_plan(NR_CASES - 1 + NR_ALTMAP_CASES);
	good = adopt_dax(uuid, size, &dax);
	result(mode, "create", good);
	if (!good)
		ksft_exit_fail_msg("no device\n");
	test_dax(mode, &dax);
}

int main(int argc, char *argv[])
{
	const char *ns = argc > 1 ? argv[1] : "namespace0.0";
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct pages pages;
	unsigned int plan = 0;
	size_t i;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc == 4 && !strcmp(argv[1], "adopt")) {
		test_adopted(&modes[2], argv[2], argv[3]);
		ksft_exit(!ksft_get_fail_cnt());
	}
	if (!read_namespace(ns, &pages))
		ksft_exit_skip("needs %s\n", ns);
	if (run_command(NDCTL_SECONDS, ndctl))
		ksft_exit_skip("needs ndctl\n");

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (!name_mode(&modes[i]))
			ksft_exit_skip("needs transparent huge pages\n");
		plan += NR_CASES + modes[i].altmap * NR_ALTMAP_CASES;
	}
	ksft_set_plan(plan);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		test_mode(ns, &modes[i]);

	ksft_exit(!ksft_get_fail_cnt());
}
