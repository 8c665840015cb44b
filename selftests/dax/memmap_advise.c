// SPDX-License-Identifier: GPL-2.0
/*
 * Advice about a mapping of device DAX with pages of 2M, mprotect() and mremap(),
 * for all of it and for a part of a page: the page tables still map what they did,
 * and the contents are there.
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
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
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
	{ "collapse", MADV_COLLAPSE, EINVAL },	/* DAX has its huge pages */
};

#define NR_CASES	(2 * (int)ARRAY_SIZE(advices) + 6)

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

/* Read-only, and writable again. */
static bool protect(void)
{
	return test_is("read-only", mprotect(addr, HUGE_SIZE, PROT_READ), 0) &
	       still_mapped("read-only") &
	       test_is("writable", mprotect(addr, HUGE_SIZE, PROT_READ | PROT_WRITE), 0) &
	       still_mapped("writable");
}

/* To other addresses, where a page of 2M fits. */
static bool move(void)
{
	char *to = mem_reserve(HUGE_SIZE);
	bool good = mremap(addr, HUGE_SIZE, HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;

	if (!good)
		ksft_print_msg("mremap: %s\n", strerror(errno));
	else
		addr = to;
	return still_mapped("mremap") && good;
}

/* A part of a page is neither protected nor moved: its vma can't be split there. */
static bool is_refused(const char *what, bool failed)
{
	return test_is(what, failed ? errno : 0, EINVAL) & still_mapped(what);
}

static void test_mapping(void)
{
	char *part = addr + page_size();

	ksft_test_result(protect(), "mprotect\n");
	ksft_test_result(is_refused("mprotect", mprotect(part, page_size(), PROT_READ)),
			 "mprotect_part\n");
	ksft_test_result(move(), "mremap\n");
#ifdef PIN_V7
	part = addr + page_size();
	ksft_test_result(is_refused("mremap", mremap(part, page_size(), page_size(),
						     MREMAP_MAYMOVE | MREMAP_FIXED,
						     mem_reserve(HUGE_SIZE)) == MAP_FAILED),
			 "mremap_part\n");
#else
	ksft_test_result_skip("mremap_part: it moves, and the old mapping stays\n");
#endif
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
	test_mapping();
	munmap(addr, HUGE_SIZE);
	ksft_test_result(dax_check("unmapped", &dax), "unmapped\n");

	ksft_exit(!ksft_get_fail_cnt());
}
