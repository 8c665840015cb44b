// SPDX-License-Identifier: GPL-2.0
/*
 * HardwareCorrupted and device DAX: it does not grow by a page that is refused,
 * nor twice by one page, and nothing is left of a device that is gone.
 *
 *	memmap_poison_count NAMESPACE
 *
 * The data of NAMESPACE is lost.
 */
#include "dax.h"
#include "poison.h"
#include "test.h"

#define UNUSED	1024	/* the number of a page that nobody maps */

/* The memory map's own memory (-ENXIO), and a page without a mapping (-EBUSY). */
static void test_refused(const char *ns)
{
	long long count = poison_count();
	struct dax dax = {};
	bool good;

	good = dax_create(ns, "dev", "2M", &dax) &&
	       poison_is_error("storage", poison_write(POISON_HARD, dax.storage.pfn), -ENXIO);
	ksft_test_result(poison_is_count("storage", count, 0) && good, "storage\n");

	count = poison_count();
	good = poison_is_error("unused", poison_write(POISON_HARD, dax.data.pfn + UNUSED), -EBUSY);
	ksft_test_result(poison_is_count("unused", count, 0) && good, "unused\n");
}

static void test_hit(const char *ns)
{
	long long before = poison_count(), count;
	struct dax dax = {};
	char *addr;
	int i;

	dax_make(ns, "2M", &dax);
	addr = dax_map(&dax, HUGE_SIZE, 0);
	/* It is reported each time: the data is lost, and the page stays in use. */
	for (i = 0; i < 3; i++)
		if (!poison_child(addr) || !poison_was_hit("hit", addr, 21))
			break;
	count = poison_count();
	ksft_print_msg("HardwareCorrupted: %lld pages, %lld before\n", count, before);
	ksft_test_result(i == 3 && count <= before + 1, "once\n");
	munmap(addr, HUGE_SIZE);
	ksft_test_result(dax_bind(&dax, false) && page_is_gone("unbound", &dax.data) &&
			 poison_is_count("unbound", before, 0), "unbound\n");
}

int main(int argc, char **argv)
{
	const char *ns;

	test_begin();
	ns = ns_require_arg(argc, argv);
	poison_count();
	ksft_set_plan(4);
	test_refused(ns);
	test_hit(ns);
	ksft_exit(!ksft_get_fail_cnt());
}
