// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of binding a driver to device memory, unbinding it and binding it
 * again: a namespace that is made into each kind in turn, and the private memory
 * of test_hmm, which is loaded instead.
 *
 * usage: memmap_bind_cost NAMESPACE KIND...
 *
 * A kind is a word of the table below. The contents of the namespace get lost.
 *
 * There is no limit on the cost: scripts/bench/ makes a table of it. What is
 * measured is the CPU time of this thread in ns: with QEMU's -icount that is its
 * instructions, and neither those of others nor what it waits for. The same for
 * ndctl, which makes a device of what is one already, until it is in /dev.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "dax.h"
#include "hmm.h"
#include "test.h"

#define ND_PMEM		"/sys/bus/nd/drivers/nd_pmem"

static const struct kind {
	const char *word, *mode, *map, *align;	/* no mode: test_hmm's */
} kinds[] = {
	{ "fs_dev", "fsdax", "dev", "2M" },
	{ "fs_mem", "fsdax", "mem", "2M" },
	{ "dax_dev", "devdax", "dev", "2M" },
	{ "dax_4k", "devdax", "mem", "4K" },
	{ "dax_2m", "devdax", "mem", "2M" },
	{ "dax_1g", "devdax", "mem", "1G" },
	{ .word = "private" },
};

enum { BIND, UNBIND, REBIND, NR_STEPS };

/* For a plugin of QEMU's: an instruction that does nothing, and is nowhere else. */
static void mark(void)
{
#ifdef __x86_64__
	asm volatile(".byte 0x0f, 0x1f, 0x80; .ascii \"cost\"" ::: "memory");	/* nopl */
#endif
}

static unsigned long long ticks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* The same for the programs that were run, in whole microseconds. */
static unsigned long long ticks_of_programs(void)
{
	struct rusage used;

	getrusage(RUSAGE_CHILDREN, &used);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000ULL +
	       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000ULL;
}

static bool change(const struct kind *kind, const struct dax *dax, bool bind)
{
	const char *verb = bind ? "bind" : "unbind";

	if (!kind->mode)
		return bind ? hmm_load() : hmm_unload();
	if (!strcmp(kind->mode, "fsdax"))
		return dax_tell(dax, ND_PMEM, verb);
	return dax_tell(dax, DAX_DRIVER, verb);
}

/* Leaves the driver bound; nothing to do for test_hmm. */
static bool make(const struct kind *kind, const char *ns, struct dax *dax)
{
	if (!kind->mode)
		return true;
	if (!strcmp(kind->mode, "fsdax"))
		return dax_create_fs(ns, kind->map, kind->align, dax);
	return dax_create(ns, kind->map, kind->align, dax);
}

static void test_kind(const struct kind *kind, const char *ns)
{
	unsigned long long cost[NR_STEPS] = {}, made;
	struct dax dax = {};
	bool good;
	int step;

	good = make(kind, ns, &dax);
	made = ticks_of_programs();
	good = good && make(kind, ns, &dax);
	made = ticks_of_programs() - made;
	good = good && (!kind->mode || change(kind, &dax, false));
	for (step = 0; good && step < NR_STEPS; step++) {
		cost[step] = ticks();
		mark();
		good = change(kind, &dax, step != UNBIND);
		mark();
		cost[step] = ticks() - cost[step];
	}
	if (!kind->mode) {
		hmm_count_chunks(&dax.data.nr);
		good = good && hmm_unload();
	}
	good = good && dax.data.nr;
	if (good)
		ksft_print_msg("cost of %s: %lu pages, ticks to bind: %llu, to unbind: %llu, to bind again: %llu, to make: %llu\n",
			       kind->word, dax.data.nr, cost[BIND], cost[UNBIND], cost[REBIND], made);
	ksft_test_result(good, "%s\n", kind->word);
}

int main(int argc, char *argv[])
{
	const struct kind *kind;
	int i;

	test_begin();
	if (argc < 3)
		ksft_exit_skip("usage: memmap_bind_cost NAMESPACE KIND...\n");
	ns_require(argv[1]);
	ksft_set_plan(argc - 2);
	for (i = 2; i < argc; i++) {
		for (kind = kinds; strcmp(kind->word, argv[i]); )
			if (++kind == kinds + ARRAY_SIZE(kinds))
				ksft_exit_fail_msg("there is no kind %s\n", argv[i]);
		test_kind(kind, argv[1]);
	}
	ksft_exit(!ksft_get_fail_cnt());
}
