// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX pages that a driver has mapped like ordinary ones, with
 * vm_insert_page(), and whose last reference munmap() drops: they return to
 * their device, so that unbinding ends.
 *
 * Needs namespace0.0; its data is lost. A kernel with the bug leaves the device
 * half unbound: reboot.
 */
#include <sys/wait.h>

#include "dax.h"
#include "test.h"

#define NR_PAGES	16
#define NR_CASES	6

/* True if all have exactly @count references. */
static bool have_references(const struct pages *pages, int count, bool show)
{
	struct test_memmap_page rec[NR_PAGES];
	unsigned long i, bad = 0;

	page_read(pages->pfn, rec, pages->nr);
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

/* Wait until unbinding has dropped the device's own references. */
static bool wait_dropped(const struct pages *pages)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;

	while (!have_references(pages, 1, false)) {
		if (test_ms() > end)
			return have_references(pages, 1, true);
		usleep(1000);
	}
	return true;
}

int main(void)
{
	struct dax dax = {};
	struct pages pages;
	size_t size;
	char *addr;
	bool good;
	pid_t pid;

	test_begin();
	ns_require("namespace0.0");

	ksft_set_plan(NR_CASES);
	dax_make("namespace0.0", "2M", &dax);
	size = NR_PAGES * page_size();
	pages.pfn = dax.data.pfn + 1;
	pages.nr = NR_PAGES;

	/* munmap() does not drop the last reference here. */
	addr = page_map(pages.pfn, size);
	ksft_test_result(have_references(&pages, 2, true), "mapped\n");
	munmap(addr, size);
	ksft_test_result(have_references(&pages, 1, true), "unmapped\n");

	/* A child must not get references of its own. */
	addr = page_map(pages.pfn, size);
	if (madvise(addr, size, MADV_DONTFORK))
		ksft_exit_fail_msg("MADV_DONTFORK: %s\n", strerror(errno));
	pid = dax_start_bind(&dax, false);
	good = pid > 0 && wait_dropped(&pages);
	ksft_test_result(good && waitpid(pid, NULL, WNOHANG) == 0,
			 "unbind_waits\n");

	munmap(addr, size);
	good = dax_wait_bind(&dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	good = good && dax_bind(&dax, true);
	ksft_test_result(good, "rebind\n");
	ksft_test_result(good && dax_check("unused", &dax), "references\n");
	ksft_exit(!ksft_get_fail_cnt());
}
