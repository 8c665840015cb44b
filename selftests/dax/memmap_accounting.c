// SPDX-License-Identifier: GPL-2.0
/*
 * The pages that memory maps are made of, as /proc/vmstat counts them: more
 * while a dax device is bound, and what they were when it is not.
 *
 * usage: memmap_accounting own|shared <namespace> <alignment>...
 *
 * "shared": the namespace is in a section with System RAM, whose memory map is
 * there from the start. The contents of the namespace get lost.
 */
#include "dax.h"
#include "file.h"
#include "test.h"

#define STRUCT_PAGE	64	/* bytes */

static const char *const counters[] = { "nr_memmap_pages", "nr_memmap_boot_pages" };

struct count {
	long long value[ARRAY_SIZE(counters)];
};

static struct count read_counts(const char *what)
{
	struct count count;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		count.value[i] = file_field("/proc/vmstat", counters[i]);
	ksft_print_msg("%s: %lld %lld\n", what, count.value[0], count.value[1]);
	return count;
}

static bool is_same(const struct count *a, const struct count *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/*
 * Bound, in sections that are there already nothing is counted. Otherwise it is
 * each page of the memory map with pages of 4K, and less with larger ones.
 */
static bool is_right(const struct count *before, const struct count *bound,
		     const struct dax *dax, const char *align, bool shared)
{
	long long grown = bound->value[0] - before->value[0];
	long long all = dax->all.nr * STRUCT_PAGE / page_size();

	if (bound->value[1] != before->value[1])
		return false;
	if (shared)
		return !grown;
	return strcmp(align, "4K") ? grown > 0 && grown < all : grown == all;
}

int main(int argc, char *argv[])
{
	struct count before, bound, after;
	struct dax dax;
	bool shared, good;
	int i;

	test_begin();
	if (argc < 4)
		ksft_exit_fail_msg("usage: memmap_accounting own|shared "
				   "<namespace> <alignment>...\n");
	shared = !strcmp(argv[1], "shared");
	ns_require(argv[2]);
	if (file_field("/proc/vmstat", counters[0]) < 0)
		ksft_exit_skip("no %s: needs v6.11\n", counters[0]);
	ksft_set_plan(2 * (argc - 3));
	for (i = 3; i < argc; i++) {
		dax_make(argv[2], argv[i], &dax);
		good = dax_bind(&dax, false);
		before = read_counts("unbound");
		good = good && dax_bind(&dax, true);
		bound = read_counts("bound");
		ksft_test_result(good && is_right(&before, &bound, &dax, argv[i], shared),
				 "%s_bound\n", argv[i]);
		good = good && dax_bind(&dax, false);
		after = read_counts("unbound");
		ksft_test_result(good && is_same(&before, &after), "%s_unbound\n", argv[i]);
		dax_bind(&dax, true);
	}

	ksft_exit(!ksft_get_fail_cnt());
}
