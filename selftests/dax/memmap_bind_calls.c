// SPDX-License-Identifier: GPL-2.0
/*
 * How often functions are called while a driver is bound to device DAX, and
 * while it is unbound: what takes long with memory of many GiB.
 *
 * usage: memmap_bind_calls NAMESPACE
 *
 * Needs kprobe events, two CPUs, and a namespace of 4 GiB, whose contents get
 * lost. The limits are far from what is counted: other parts of the kernel call
 * some of these functions, too.
 */
#include <stdio.h>

#include "dax.h"
#include "file.h"
#include "test.h"
#include "trace.h"

#define PROBES		TRACE "/kprobe_events"
#define GROUP		"memmap_bind"
#define FLUSHES		4UL	/* counted: the direct map's and the memory map's */
#define STRUCT_PAGE	64UL	/* bytes */

enum { VERIFY, FLUSH, HELPER, NR_PROBES };

static const char *const names[NR_PROBES] = { "verify", "flush", "helper" };
static const char *const functions[NR_PROBES] = {
	"vmemmap_verify", "flush_tlb_all", "padata_mt_helper"
};

struct calls {
	unsigned long nr[NR_PROBES];
};

/* Of a function that is not there, no call is counted. */
static void set_probes(void)
{
	char event[128];
	int i, err;

	trace_mount();
	for (i = 0; i < NR_PROBES; i++) {
		snprintf(event, sizeof(event), "p:" GROUP "/%s %s", names[i], functions[i]);
		err = file_write(PROBES, event);
		if (err)
			ksft_print_msg("%s: %s\n", functions[i], strerror(-err));
	}
	err = file_write(TRACE "/events/" GROUP "/enable", "1");
	if (err)
		ksft_exit_fail_msg(GROUP ": %s\n", strerror(-err));
}

static struct calls read_calls(void)
{
	FILE *profile = file_open(TRACE "/kprobe_profile");
	struct calls calls = {};
	char line[128], name[64];
	unsigned long nr;
	int i;

	while (fgets(line, sizeof(line), profile)) {
		if (sscanf(line, "%63s %lu", name, &nr) != 2)
			continue;
		for (i = 0; i < NR_PROBES; i++)
			if (!strcmp(name, names[i]))
				calls.nr[i] = nr;
	}
	fclose(profile);
	return calls;
}

/* Bind the driver, or unbind it, and count. */
static struct calls change(const struct dax *dax, bool bind)
{
	struct calls before = read_calls(), after;
	int i;

	if (!dax_bind(dax, bind))
		ksft_exit_fail_msg("%s: can't be %s\n", dax->name, bind ? "bound" : "unbound");
	after = read_calls();
	for (i = 0; i < NR_PROBES; i++) {
		after.nr[i] -= before.nr[i];
		ksft_print_msg("%s: %lu calls of %s\n", bind ? "bind" : "unbind", after.nr[i],
			       functions[i]);
	}
	return after;
}

/* Device DAX that no driver is bound to. */
static void make(const char *ns, const char *align, struct dax *dax)
{
	if (!dax_create(ns, "mem", align, dax) || !dax_bind(dax, false))
		ksft_exit_fail_msg("%s: no device DAX of %s\n", ns, align);
}

int main(int argc, char *argv[])
{
	const char *ns;
	struct calls calls;
	struct dax dax = {};

	test_begin();
	ns = ns_require_arg(argc, argv);
	set_probes();
	ksft_set_plan(4);

	/* Most of the memory map is the same page: a call for each page table. */
	make(ns, "1G", &dax);
	calls = change(&dax, true);
	ksft_test_result(calls.nr[VERIFY] &&
			 calls.nr[VERIFY] < dax.data.nr * STRUCT_PAGE / page_size() / 64,
			 "verified\n");
	calls = change(&dax, false);
	ksft_test_result(calls.nr[FLUSH] && calls.nr[FLUSH] <= FLUSHES, "flushed_1g\n");

	/* Struct pages for several threads. */
	make(ns, "4K", &dax);
	calls = change(&dax, true);
	ksft_test_result(calls.nr[HELPER] > 1, "threads\n");
	calls = change(&dax, false);
	ksft_test_result(calls.nr[FLUSH] && calls.nr[FLUSH] <= FLUSHES, "flushed_4k\n");
	ksft_exit(!ksft_get_fail_cnt());
}
