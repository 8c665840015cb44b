// SPDX-License-Identifier: GPL-2.0
/*
 * A memory map that is on its device is not in a hibernation image, and the
 * kernel that loads the image initialises it again: struct pages must be what
 * they were before, also those of a page that is mapped.
 *
 *	memmap_hibernate_altmap DISK NAMESPACE
 *
 * DISK is as in lib/hibernate.h. A kernel may refuse to hibernate instead, with
 * EPERM, as it does for secretmem.
 */
#include <sys/wait.h>

#include "dax.h"
#include "file.h"
#include "hibernate.h"
#include "test.h"

#define SHOWN	4

static struct dax dax;
static struct test_memmap_page *before, *after;

static bool in_use(void)
{
	const struct test_memmap_page rec = page_get(dax.data.pfn);

	return page_references(&rec);
}

/*
 * A child that never ends: unmapping follows what is in the struct page, and so
 * does a pipe that is closed. On v5.10 page tables hold no reference: the pipe does.
 */
static bool use_in_child(void)
{
	char *addr = dax_map(&dax, HUGE_SIZE, 0);
	const pid_t pid = fork();
#ifndef PIN_V7
	int held[2];
#endif

	if (!pid) {
		*addr = 1;
#ifndef PIN_V7
		mem_hold(held, addr, 1);
#endif
		for (;;)
			pause();
	}
	while (pid > 0 && !in_use() && !waitpid(pid, NULL, WNOHANG))
		usleep(10000);
	munmap(addr, HUGE_SIZE);
	return pid > 0;
}

static struct test_memmap_page *read_map(void)
{
	struct test_memmap_page *map = calloc(dax.data.nr, sizeof(*map));

	if (!map)
		ksft_exit_fail_msg("no memory\n");
	page_read(dax.data.pfn, map, dax.data.nr);
	return map;
}

static void show(const char *when, const struct test_memmap_page *rec)
{
	ksft_print_msg("%s: flags %#llx state %#x refcount %d order %u mapped %d\n", when,
		       (unsigned long long)rec->flags, rec->state, rec->refcount,
		       rec->order, rec->mapped);
}

static bool same_map(void)
{
	unsigned long i, bad = 0;

	for (i = 0; i < dax.data.nr; i++) {
		if (!memcmp(&before[i], &after[i], sizeof(*before)) || bad++ >= SHOWN)
			continue;
		ksft_print_msg("pfn %#lx\n", dax.data.pfn + i);
		show("before", &before[i]);
		show("after", &after[i]);
	}
	if (bad)
		ksft_print_msg("%lu of %lu pages are not as before\n", bad, dax.data.nr);
	return !bad;
}

/* False if something else than an altmap, such as the command line, forbids it. */
static bool is_available(void)
{
	char modes[128];

	return !file_read("/sys/power/disk", modes, sizeof(modes)) &&
	       !strstr(modes, "[disabled]");
}

int main(int argc, char **argv)
{
	int err;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_hibernate_altmap DISK NAMESPACE\n");
	hibernate_use(argv[1]);
	if (hibernate_is_second_boot())
		ksft_exit_fail_msg("the image was not resumed\n");
	if (!is_available())
		ksft_exit_skip("hibernation is disabled\n");
	if (!dax_create(argv[2], "dev", "2M", &dax) || !dax.storage.nr)
		ksft_exit_fail_msg("%s: no memory map on the device\n", argv[2]);

	ksft_set_plan(2);
	ksft_test_result(use_in_child() && in_use(), "mapped\n");
	before = read_map();
	err = hibernate_prepare() ? hibernate() : -ENODEV;
	after = read_map();
	if (!err)
		ksft_print_msg("resumed\n");
	ksft_test_result((!err || err == -EPERM) && same_map(), "pages\n");
	ksft_exit(!ksft_get_fail_cnt());
}
