// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever looks up the pgmap of a page while the device is being unbound finds
 * it, or finds none.
 *
 * Wants namespace0.0 to share a section with RAM, made for example with
 * memmap=64M!0x12000000: its struct pages are there even without a device, so
 * that test_memmap may be asked about them at any time. What is in the
 * namespace gets lost. Two CPUs, or there is nobody to look meanwhile.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define NS	"namespace0.0"
#define ROUNDS	20	/* bound and unbound so often */

/* What the process that looks has seen. */
static struct {
	unsigned long found;
	unsigned long none;
} *seen;

#define load(number)	__atomic_load_n(&(number), __ATOMIC_RELAXED)
#define add(number)	__atomic_fetch_add(&(number), 1, __ATOMIC_RELAXED)

static pid_t start_looking(unsigned long pfn)
{
	pid_t pid = fork();

	while (!pid) {
		if (memmap_page(pfn).state & TEST_MEMMAP_PGMAP)
			add(seen->found);
		else
			add(seen->none);
	}
	return pid;
}

/* Has the other process counted on? Not if it died, and so not for ever. */
static bool wait_for(unsigned long *number)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	unsigned long before = load(*number);

	while (load(*number) == before)
		if (now_ms() > end)
			return false;
	return true;
}

int main(void)
{
	bool bound = true, unbound = true;
	struct dax dax = {};
	pid_t pid;
	int i;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	if (!create_dax(NS, "mem", "4K", &dax) || !bind_dax(&dax, false))
		ksft_exit_skip("needs " NS ", and ndctl\n");
	if (!(memmap_page(dax.data.pfn).state & TEST_MEMMAP_VALID))
		ksft_exit_skip("needs " NS " to share a section with RAM\n");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));

	ksft_set_plan(2);
	pid = start_looking(dax.data.pfn);
	for (i = 0; i < ROUNDS && bound && unbound; i++) {
		bound = bind_dax(&dax, true) && wait_for(&seen->found);
		unbound = bind_dax(&dax, false) && wait_for(&seen->none);
	}
	kill(pid, SIGKILL);
	ksft_print_msg("%d rounds, found %lu times, and %lu times not\n", i,
		       load(seen->found), load(seen->none));
	ksft_test_result(bound, "bound\n");
	ksft_test_result(unbound, "unbound\n");
	ksft_exit(!ksft_get_fail_cnt());
}
