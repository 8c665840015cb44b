// SPDX-License-Identifier: GPL-2.0
/*
 * Poison and soft offline of device memory: device DAX that has its sections
 * for itself, a file on ext4 with -o dax there, and device DAX that shares its
 * section with RAM. It must make no difference.
 *
 *	memmap_poison_dax OWN SHARED
 *
 * OWN and SHARED are two namespaces; what is in them gets lost.
 */
#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"
#include "memmap_dax_buffer.h"
#include "memmap_poison.h"

#define NR_CASES	(1 + 5 + 2 * 7)	/* a file, two devices */
#define VICTIM		5	/* the page of a buffer that is poisoned */
#define UNUSED		(BUFFER_PAGES + 7)	/* one that nobody has used */

/* What HardwareCorrupted goes up by, for good, when the kernel is told of a page. */
#ifdef PIN_V7
#define COUNTED		1	/* by action_result(), if anything can be done or not */
#else
#define COUNTED		0
#endif

static size_t page_size;

/* The page that is marked for @pfn, and whose address is told: its folio's first. */
static unsigned long marked(unsigned long pfn)
{
	struct test_memmap_page rec = memmap_page(pfn);

	return pfn & (~0UL << memmap_order(&rec));
}

static void result(const char *place, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", place, word);
}

/* Nothing can be done about a page of a device that is not worn out yet. */
static void test_soft(const struct buffer *buffer)
{
	char *victim = buffer->addr + VICTIM * page_size;
	unsigned long pfn = buffer->pfn + VICTIM;
	long long count = poisoned_pages();
	bool good;
	int err;

	err = madvise(victim, page_size, MADV_SOFT_OFFLINE) ? -errno : 0;
	good = expect_error("madvise", err, -EIO);
	good &= expect_error("sysfs", poison_by(SOFT_FILE, pfn), -EIO);
	good &= expect_poisoned("soft", count, 0);
	result(buffer->place, "soft",
	       pages_unchanged("soft", buffer->pfn, -1) && good);
}

/* It kills who has poisoned it. */
static void test_hard(const struct buffer *buffer)
{
	char *victim = buffer->addr + VICTIM * page_size;
	unsigned long pfn = buffer->pfn + VICTIM;
	unsigned long first = marked(pfn) - buffer->pfn;
	long long count = poisoned_pages() + COUNTED;
	bool good;

	result(buffer->place, "hit", hit_child(victim) &&
	       was_hit(buffer->place, buffer->addr + first * page_size,
		       buffer->lsb));
	/* For want of a machine check the data is still good. */
	result(buffer->place, "others", *victim == 'p' &&
	       buffer->addr[0] == 'a' && memmap_vaddr_to_pfn(victim) == pfn);
	good = pages_unchanged("hard", buffer->pfn, first);
	result(buffer->place, "page", expect_poisoned("hard", count, 0) && good);
	result(buffer->place, "release", unmap_buffer(buffer) &&
	       expect_poisoned("release", count, 0));
}

/* What the device keeps for itself is nobody's, no one can be told. */
static void test_storage(const char *place, const char *ns)
{
	const unsigned int mask = TEST_MEMMAP_DEVICE;
	long long count = poisoned_pages() + 2 * COUNTED;
	struct test_memmap_page rec, after;
	struct dax dax = {};
	unsigned long pfn;
	bool good;

	good = create_dax(ns, "dev", "2M", &dax);
	pfn = dax.storage.pfn;
	rec = memmap_page(pfn);
	good = good && expect_error("storage", poison_by(HARD_FILE, pfn),
				    -ENXIO);
	good = good && expect_error("info block",
				    poison_by(HARD_FILE, dax.reserve.pfn),
				    -ENXIO);
	after = memmap_page(pfn);
	result(place, "storage", good && expect_poisoned("storage", count, 0) &&
	       rec.flags == after.flags && rec.refcount == after.refcount &&
	       (rec.state & mask) == (after.state & mask));
}

/* The kernel does not know whose it is. */
static void test_unused(const struct buffer *buffer)
{
	unsigned long pfn = buffer->pfn + UNUSED;
	struct test_memmap_page before = memmap_page(marked(pfn)), after;
	long long count = poisoned_pages() + COUNTED;
	bool good;

	good = expect_error("unused", poison_by(HARD_FILE, pfn), -EBUSY);
	good &= expect_poisoned("unused", count, 0);
	after = memmap_page(marked(pfn));
	result(buffer->place, "unused", good && before.flags == after.flags &&
	       before.refcount == after.refcount);
}

static void test_device(const char *place, const char *ns)
{
	struct buffer buffer = { .place = place };

	test_storage(place, ns);
	map_device(&buffer, ns);
	test_unused(&buffer);
	test_soft(&buffer);
	test_hard(&buffer);
}

int main(int argc, char **argv)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct buffer file = { .place = "file" };
	struct pages pages;
	unsigned long pfn;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	page_size = sysconf(_SC_PAGESIZE);
	if (argc != 3 || run_command(NDCTL_SECONDS, ndctl) ||
	    !read_namespace(argv[1], &pages) ||
	    !read_namespace(argv[2], &pages))
		ksft_exit_skip("needs ndctl and two namespaces\n");

	ksft_set_plan(NR_CASES);
	/* Is it what it is said to be: is there RAM in the section? */
	pfn = pages.pfn;
	ksft_test_result(memmap_page(pfn - 1).state & TEST_MEMMAP_ONLINE ||
			 memmap_page(pfn + pages.nr).state & TEST_MEMMAP_ONLINE,
			 "shares_section\n");
	map_file(&file, argv[1]);
	test_soft(&file);
	test_hard(&file);
	test_device("own", argv[1]);
	test_device("shared", argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
