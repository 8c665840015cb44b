// SPDX-License-Identifier: GPL-2.0
/*
 * Four processes bind and unbind one range of device memory at once: two the
 * dax device, one the nd device that it is made from, one the namespace. The
 * one that is too late gets an error before memremap_pages() would warn about
 * it. In the end the device has all of its pages, and they can be pinned.
 *
 *	memmap_binds [NAMESPACE]
 *
 * The data in the namespace is lost.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "dax.h"
#include "file.h"
#include "test.h"

#define ROUNDS	10	/* for each process */
#define ND	"/sys/bus/nd/drivers/"

static struct dax dax;
static const char *const drivers[] = { DAX_DRIVER, DAX_DRIVER, ND "dax_pmem", ND "nd_pmem" };
static const char *devices[ARRAY_SIZE(drivers)];

#define NAMESPACE	3	/* its index: in use, never bound */

/* How often each process bound its device, or was too late or too early. */
static struct { unsigned long bound, late, early; } *done;

/* Returns 0 or -errno. */
static int bind_device(int i, const char *verb)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", drivers[i], verb);
	return file_write(path, devices[i]);
}

static pid_t start(int i)
{
	pid_t pid = test_fork();

	while (!pid) {
		int unbind_err = bind_device(i, "unbind");
		int err = bind_device(i, "bind");

		if (!err)
			__atomic_fetch_add(&done[i].bound, 1, __ATOMIC_RELAXED);
		else if (err == -EAGAIN)	/* the device is still being added */
			__atomic_fetch_add(&done[i].early, 1, __ATOMIC_RELAXED);
		else
			__atomic_fetch_add(&done[i].late, 1, __ATOMIC_RELAXED);
		if (unbind_err || err)
			usleep(1000);
	}
	return pid;
}

static bool is_done(int i)
{
	unsigned long bound = __atomic_load_n(&done[i].bound, __ATOMIC_RELAXED);

	if (i == NAMESPACE)
		return !bound && __atomic_load_n(&done[i].late, __ATOMIC_RELAXED) >= ROUNDS;
	return bound >= ROUNDS;
}

static bool run(void)
{
	long long end = test_ms() + 3 * BIND_SECONDS * 1000LL;
	pid_t pids[ARRAY_SIZE(drivers)];
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++)
		pids[i] = start(i);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		while (!is_done(i) && test_ms() < end)
			usleep(10000);
		good &= is_done(i);
	}
	/* They die after the write they are in. */
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		waitpid(pids[i], NULL, 0);
		ksft_print_msg("%s: %s: bound %lu times, too late %lu times, too early %lu times\n",
			       drivers[i], devices[i], done[i].bound, done[i].late, done[i].early);
	}
	return good;
}

static bool check_pin(void)
{
	void *addr = dax_map(&dax, HUGE_SIZE, 0);
	int held[2];
	bool good = mem_hold(held, addr, 1);

	mem_release(held);
	munmap(addr, HUGE_SIZE);
	return good;
}

int main(int argc, char *argv[])
{
	bool good;

	test_begin();
	devices[NAMESPACE] = ns_require_arg(argc, argv);
	dax_make(devices[NAMESPACE], "2M", &dax);
	/* The dax device and its nd device have the same name. */
	devices[0] = devices[1] = devices[2] = dax.name;
	done = mem_map_shared(page_size());

	ksft_set_plan(3);
	ksft_test_result(run(), "bound\n");
	bind_device(2, "bind");
	bind_device(0, "bind");
	good = dax_check("bound", &dax);
	ksft_test_result(good, "pages\n");
	ksft_test_result(good && check_pin(), "pinned\n");
	ksft_exit(!ksft_get_fail_cnt());
}
