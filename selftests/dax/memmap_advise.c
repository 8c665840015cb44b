// SPDX-License-Identifier: GPL-2.0
/*
 * Advice about a mapping of device DAX with pages of 2M, for all of it and for
 * a part of a page: the page tables still map what they did, and the contents
 * are there.
 *
 * usage: memmap_advise [namespace]
 *
 * Needs a namespace (namespace0.0), whose contents get lost.
 */
#include <linux/mempolicy.h>

#include "dax.h"
#include "test.h"

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif

static const struct advice {
	const char *name;
	int advice;
	int err;
} advices[] = {
	{ "free", MADV_FREE, EINVAL },	/* it is not anonymous */
	{ "willneed", MADV_WILLNEED, 0 },
	{ "cold", MADV_COLD, 0 },
	{ "pageout", MADV_PAGEOUT, 0 },
};

#define NR_CASES	(2 * (int)ARRAY_SIZE(advices) + 2)

static char *addr;
static unsigned long pfn;

/* The page tables are asked before the pages are touched again. */
static bool still_mapped(const char *what)
{
	unsigned long now = page_pfn(addr);

	if (now != pfn)
		ksft_print_msg("%s: pfn %#lx is mapped, should be %#lx\n", what, now, pfn);
	return mem_is_filled(addr, HUGE_SIZE) && now == pfn;
}

static bool advise(const struct advice *advice, size_t offset, size_t size)
{
	int err = madvise(addr + offset, size, advice->advice) ? errno : 0;

	return test_is(advice->name, err, advice->err) & still_mapped(advice->name);
}

int main(int argc, char *argv[])
{
	struct dax dax = {};
	const char *ns;
	size_t i;
	int err;

	test_begin();
	ns = ns_require_arg(argc, argv);
	ksft_set_plan(NR_CASES);
	dax_make(ns, "2M", &dax);
	addr = dax_map(&dax, HUGE_SIZE, 0);
	mem_fill(addr, HUGE_SIZE);
	pfn = page_pfn(addr);

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		ksft_test_result(advise(&advices[i], 0, HUGE_SIZE), "%s\n", advices[i].name);
		ksft_test_result(advise(&advices[i], page_size(), page_size()), "%s_part\n",
				 advices[i].name);
	}
	err = mem_bind(addr, HUGE_SIZE, MPOL_BIND, 0, MPOL_MF_STRICT | MPOL_MF_MOVE);
	if (err)
		ksft_print_msg("mbind: %s\n", strerror(-err));
	ksft_test_result(still_mapped("mbind"), "mbind\n");
	munmap(addr, HUGE_SIZE);
	ksft_test_result(dax_check("unmapped", &dax), "unmapped\n");

	ksft_exit(!ksft_get_fail_cnt());
}
