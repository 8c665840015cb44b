// SPDX-License-Identifier: GPL-2.0
/*
 * The struct pages of device DAX, for every way to make it: memmap in RAM or in
 * the device itself, mapped with small or with large pages.
 *
 *	memmap_devdax [NAMESPACE]		make it in all of these ways
 *	memmap_devdax adopt UUID SIZE		name an existing one, with small
 *						pages and a memmap in the device:
 *						namespace0.0 lacks a label
 *
 * The data in the namespace (default: namespace0.0) is lost.
 */
#include <stdint.h>
#include <stdio.h>

#include "dax.h"
#include "file.h"
#include "test.h"

#define LARGE_SIZE	"/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

static struct mode {
	const char *map;
	bool large;		/* pages, in the mappings */
	bool altmap;
	char align[16];
	char word[32];		/* prefix of its case names */
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
	return page_check("data", mode->altmap ? &dax->data : &dax->all,
			   DEVICE_MASK, DEVICE_PAGE, dax->nid);
}

static bool check_data_flag(const struct mode *mode, const struct dax *dax)
{
	return page_check_state("data", mode->altmap ? &dax->data : &dax->all,
			   TEST_MEMMAP_RESERVED, 0);
}

/*
 * Map the first pages of the device; write to them, or only compare with what
 * was written before. Nobody may hold a page afterwards.
 */
static bool use_mapping(const struct dax *dax, bool write)
{
	const struct pages mapped = { dax->data.pfn, mapped_size / page_size() };
	uint64_t *word = dax_map(dax, mapped_size, 0);
	size_t i, step = page_size() / sizeof(*word);
	bool good = true;

	for (i = 0; write && i < mapped.nr; i++)
		word[i * step] = mapped.pfn + i;
	for (i = 0; good && i < mapped.nr; i++)
		good = word[i * step] == mapped.pfn + i &&
		       page_pfn(word + i * step) == mapped.pfn + i;
	if (!good)
		ksft_print_msg("%s: page %zu: %#llx in pfn %#lx\n", dax->name,
			       i - 1, (unsigned long long)word[(i - 1) * step],
			       page_pfn(word + (i - 1) * step));
	if (munmap(word, mapped_size)) {
		ksft_print_msg("%s: munmap: %s\n", dax->name, strerror(errno));
		good = false;
	}

	return page_check("unmapped", &mapped, DEVICE_MASK, DEVICE_PAGE,
			  dax->nid) && good;
}

static void test_dax(const struct mode *mode, const struct dax *dax)
{
	bool good;

	result(mode, "data_page", check_data_page(mode, dax));
	result(mode, "data_flag", check_data_flag(mode, dax));
	if (mode->altmap) {
		result(mode, "storage",
		       dax_check_altmap("storage", dax, &dax->storage));
		result(mode, "reserve",
		       dax_check_altmap("reserve", dax, &dax->reserve));
	}
	result(mode, "mmap", use_mapping(dax, true));

	/* Nothing but this device is in its memory sections. */
	result(mode, "unbind", dax_bind(dax, false) &&
	       page_is_gone("unbound", &dax->all));

	good = dax_bind(dax, true);
	result(mode, "rebind_page", good && check_data_page(mode, dax) &&
	       use_mapping(dax, false));
	result(mode, "rebind_flag", good && check_data_flag(mode, dax));
	if (mode->altmap) {
		result(mode, "rebind_storage",
		       good && dax_check_altmap("storage", dax, &dax->storage));
		result(mode, "rebind_reserve",
		       good && dax_check_altmap("reserve", dax, &dax->reserve));
	}
}

static void test_mode(const char *ns, const struct mode *mode)
{
	struct dax dax = {};
	bool good;

	good = ns_fill_with_garbage(ns, NS_GARBAGE + (mode - modes)) &&
	       dax_create(ns, mode->map, mode->align, &dax);
	result(mode, "create", good);
	if (!good) {
		int rest = NR_CASES - 1 + mode->altmap * NR_ALTMAP_CASES;

		while (rest--)
			result(mode, "not_created", false);
		return;
	}

	test_dax(mode, &dax);
	result(mode, "destroy", ns_destroy(ns) &&
	       page_is_gone("destroyed", &dax.all));
}

/* Page sizes depend on architecture and MMU: mem_4k, mem_2m, mem_64k ... */
static bool name_mode(struct mode *mode)
{
	const long long number = file_number(LARGE_SIZE);
	const size_t large = number > 0 ? number : 0;
	unsigned int kb;

	if (!large && mode->large)
		return false;
	mapped_size = large ? 2 * large : 64 * page_size();
	kb = (mode->large ? large : page_size()) >> 10;
	snprintf(mode->align, sizeof(mode->align), "%uK", kb);
	snprintf(mode->word, sizeof(mode->word), "%s_%u%c", mode->map,
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
	good = dax_adopt(uuid, size, &dax);
	result(mode, "create", good);
	if (!good)
		ksft_exit_fail_msg("no device\n");
	test_dax(mode, &dax);
}

int main(int argc, char *argv[])
{
	unsigned int plan = 0;
	const char *ns;
	size_t i;

	test_begin();
	if (argc == 4 && !strcmp(argv[1], "adopt")) {
		test_adopted(&modes[2], argv[2], argv[3]);
		ksft_exit(!ksft_get_fail_cnt());
	}
	ns = ns_require_arg(argc, argv);
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
