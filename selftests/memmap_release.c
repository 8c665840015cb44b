// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX pages that a driver has mapped like ordinary ones, by
 * vm_insert_page(), and whose last reference is dropped by munmap(): they go
 * back to their device, so that unbinding it ends.
 *
 * Wants namespace0.0; what is in it gets lost. A kernel that has the bug is
 * left with the device half unbound: reboot.
 */
#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define NR_PAGES	16
#define NR_CASES	6

/* Has each of @pages just @count references? */
static bool have_references(const struct pages *pages, int count, bool show)
{
	struct test_memmap_page rec[NR_PAGES];
	unsigned long i, bad = 0;

	memmap_read(pages->pfn, rec, pages->nr);
	for (i = 0; i < pages->nr; i++) {
		if (rec[i].refcount == count)
			continue;
		if (show && !bad)
			ksft_print_msg("pfn %#lx has %d references, not %d\n",
				       pages->pfn + i, rec[i].refcount, count);
		bad++;
	}
	return !bad;
}

/* Unbinding has dropped the references that the device itself held. */
static bool wait_dropped(const struct pages *pages)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;

	while (!have_references(pages, 1, false)) {
		if (now_ms() > end)
			return have_references(pages, 1, true);
		usleep(1000);
	}
	return true;
}

int main(void)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct dax dax = {};
	struct pages pages;
	size_t size;
	char *addr;
	bool good;
	pid_t pid;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, ndctl) ||
	    !read_namespace("namespace0.0", &pages))
		ksft_exit_skip("needs ndctl and namespace0.0\n");

	ksft_set_plan(NR_CASES);
	make_dax("namespace0.0", "2M", &dax);
	size = NR_PAGES * sysconf(_SC_PAGESIZE);
	pages.pfn = dax.data.pfn + 1;
	pages.nr = NR_PAGES;

	/* Not the last reference: nothing is special about it. */
	addr = map_pages(pages.pfn, size);
	ksft_test_result(have_references(&pages, 2, true), "mapped\n");
	munmap(addr, size);
	ksft_test_result(have_references(&pages, 1, true), "unmapped\n");

	/* A child must not get references of its own. */
	addr = map_pages(pages.pfn, size);
	if (madvise(addr, size, MADV_DONTFORK))
		ksft_exit_fail_msg("MADV_DONTFORK: %s\n", strerror(errno));
	pid = start_bind(&dax, false);
	good = pid > 0 && wait_dropped(&pages);
	ksft_test_result(good && waitpid(pid, NULL, WNOHANG) == 0,
			 "unbind_waits\n");

	munmap(addr, size);
	good = wait_bind(&dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	good = good && bind_dax(&dax, true);
	ksft_test_result(good, "rebind\n");
	ksft_test_result(good && check_pages("unused", &dax.all, DEVICE_MASK,
					     DEVICE_PAGE, dax.nid),
			 "references\n");
	ksft_exit(!ksft_get_fail_cnt());
}
