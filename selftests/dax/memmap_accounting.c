// SPDX-License-Identifier: GPL-2.0
/*
 * The pages that memory maps are made of, as /proc/vmstat counts them: more
 * while a dax device is bound, and what they were when it is not.
 *
 * usage: memmap_accounting <namespace> <alignment>...
 *
 * The contents of the namespace get lost.
 */
#include "dax.h"
#include "file.h"
#include "test.h"

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

/* Bound, neither is less than before, nor more than the memory has pages. */
static bool is_sane(const struct count *before, const struct count *bound, unsigned long nr)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		if (bound->value[i] < before->value[i] ||
		    bound->value[i] - before->value[i] > (long long)nr)
			return false;
	return true;
}

int main(int argc, char *argv[])
{
	struct count before, bound, after;
	struct dax dax;
	bool good;
	int i;

	test_begin();
	if (argc < 3)
		ksft_exit_fail_msg("usage: memmap_accounting <namespace> <alignment>...\n");
	ns_require(argv[1]);
	if (file_field("/proc/vmstat", counters[0]) < 0)
		ksft_exit_skip("no %s: needs v6.11\n", counters[0]);
	ksft_set_plan(2 * (argc - 2));
	for (i = 2; i < argc; i++) {
		dax_make(argv[1], argv[i], &dax);
		good = dax_bind(&dax, false);
		before = read_counts("unbound");
		good = good && dax_bind(&dax, true);
		bound = read_counts("bound");
		ksft_test_result(good && is_sane(&before, &bound, dax.data.nr), "%s_bound\n", argv[i]);
		good = good && dax_bind(&dax, false);
		after = read_counts("unbound");
		ksft_test_result(good && is_same(&before, &after), "%s_unbound\n", argv[i]);
		dax_bind(&dax, true);
	}

	ksft_exit(!ksft_get_fail_cnt());
}
