// SPDX-License-Identifier: GPL-2.0
/*
 * get_dev_pagemap(), for a page of a device that is being unbound, returns its
 * pgmap or NULL.
 *
 *	memmap_teardown devdax	a dax device, whose pgmap has its own reference
 *	memmap_teardown pmem	raw pmem; on v5.10 its pgmap uses the queue's
 *
 * A bad look-up shows only in the kernel log: an oops with devdax, with pmem
 * just a KASAN report. Without KASAN the results only say that look-ups ran all
 * the time.
 *
 * Needs namespace0.0 to share a section with RAM, made for example with
 * memmap=64M!0x12000000: its struct pages exist even without a device, so that
 * test_memmap can read them at any time. The data in the namespace is lost.
 * Needs two CPUs, so that look-ups run during unbinding.
 */
#include <signal.h>
#include <stdio.h>

#include "dax.h"
#include "file.h"
#include "test.h"

#define NS	"namespace0.0"
#define ROUNDS	20	/* of binding and unbinding */

#define PMEM_DRIVER	"/sys/bus/nd/drivers/nd_pmem"

/* Results of the look-up process. */
static struct {
	unsigned long found;
	unsigned long none;
} *seen;

static unsigned long meanwhile;	/* look-ups during unbinding, all rounds */

#define load(number)	__atomic_load_n(&(number), __ATOMIC_RELAXED)
#define add(number)	__atomic_fetch_add(&(number), 1, __ATOMIC_RELAXED)

static const char *driver, *device;

/* Nobody holds a page, so this does not wait. */
static bool bind_device(bool bind)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "%s/%s", driver, bind ? "bind" : "unbind");
	err = file_write(path, device);
	if (err)
		ksft_print_msg("%s: %s: %s\n", path, device, strerror(-err));
	return !err;
}

static pid_t start_looking(unsigned long pfn)
{
	pid_t pid = test_fork();

	while (!pid) {
		if (page_get(pfn).state & TEST_MEMMAP_PGMAP)
			add(seen->found);
		else
			add(seen->none);
	}
	return pid;
}

/* Wait for @number to grow, but not for ever: the process may have died. */
static bool wait_for(unsigned long *number)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;
	unsigned long before = load(*number);

	while (load(*number) == before)
		if (test_ms() > end)
			return false;
	return true;
}

/* True for device DAX, false for pmem. */
static bool require(int argc, char **argv)
{
	const bool devdax = argc == 2 && !strcmp(argv[1], "devdax");

	test_begin();
	if (!devdax && (argc != 2 || strcmp(argv[1], "pmem")))
		ksft_exit_skip("usage: memmap_teardown devdax|pmem\n");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	ns_require(NS);
	return devdax;
}

/* Make it, unbind it, return the pfn of a page. */
static unsigned long make_device(bool devdax)
{
	static struct dax dax;
	struct pages pages;

	driver = devdax ? DAX_DRIVER : PMEM_DRIVER;
	device = devdax ? dax.name : NS;
	if (devdax ? !dax_create(NS, "mem", "4K", &dax) : !ns_create_raw(NS))
		ksft_exit_fail_msg("ndctl does not make the device\n");
	if (!ns_read(NS, &pages))
		ksft_exit_fail_msg(NS ": no pages\n");
	if (devdax)
		pages = dax.data;
	if (!bind_device(false))
		ksft_exit_fail_msg("%s can't be unbound\n", device);
	if (!(page_get(pages.pfn).state & TEST_MEMMAP_VALID))
		ksft_exit_skip("needs " NS " to share a section with RAM\n");
	return pages.pfn;
}

static bool unbind_watched(void)
{
	unsigned long before = load(seen->found) + load(seen->none);
	bool good = bind_device(false);

	meanwhile += load(seen->found) + load(seen->none) - before;
	return good && wait_for(&seen->none);
}

static void run(unsigned long pfn)
{
	bool bound = true, unbound = true;
	pid_t pid;
	int i;

	pid = start_looking(pfn);
	for (i = 0; i < ROUNDS && bound && unbound; i++) {
		bound = bind_device(true) && wait_for(&seen->found);
		unbound = unbind_watched();
	}
	kill(pid, SIGKILL);
	ksft_print_msg("%d rounds, found %lu times, and %lu times not; %lu look-ups during unbinding\n",
		       i, load(seen->found), load(seen->none), meanwhile);
	ksft_test_result(bound && load(seen->found), "bound\n");
	ksft_test_result(unbound && load(seen->none) && meanwhile, "unbound\n");
}

int main(int argc, char **argv)
{
	unsigned long pfn = make_device(require(argc, argv));

	seen = mem_map_shared(sizeof(*seen));

	ksft_set_plan(2);
	run(pfn);
	ksft_exit(!ksft_get_fail_cnt());
}
