// SPDX-License-Identifier: GPL-2.0
/*
 * Hard poison and soft offline of device memory: device DAX in sections of its
 * own, a file on ext4 with -o dax there, and device DAX that shares its section
 * with RAM. All must behave the same.
 *
 *	memmap_poison_dax OWN SHARED
 *
 * OWN and SHARED are two namespaces; their data is lost.
 */
#include <stdint.h>

#include "fs.h"
#include "poison.h"
#include "test.h"

#define NR_CASES	(1 + 5 + 2 * 7)	/* a file, two devices */
#define BUFFER_PAGES	512
#define BUFFER_SIZE	HUGE_SIZE
#define VICTIM		5	/* the page of a buffer to poison */
#define UNUSED		(BUFFER_PAGES + 7)	/* a page never used */

/*
 * COUNTED: pages that HardwareCorrupted may grow by, for good, when a page is
 * reported. PG_TOUCHED: flags that a look-up may set (referenced, dirty).
 */
#ifdef PIN_V7
#define COUNTED		1	/* and should not: see memmap_poison_count */
#define PG_TOUCHED	0x14ULL
#else
#define COUNTED		0
#define PG_TOUCHED	2ULL
#endif

/* A buffer in device DAX, or in a file on ext4 with -o dax. */
struct buffer {
	const char *place;	/* prefix of its test names */
	char *addr;
	int fd;
	unsigned long pfn;	/* first one; consecutive */
	int lsb;		/* log2 of the size of its page table entries */
	struct dax dax;		/* its device */
};

static struct test_memmap_page before[BUFFER_PAGES];

/*
 * True if all pages are as before; page number @poisoned (-1: none) must have
 * exactly one more flag, any one.
 */
static bool pages_unchanged(const char *what, unsigned long pfn, int poisoned)
{
	static struct test_memmap_page rec[BUFFER_PAGES];
	int i, bad = 0;
	uint64_t diff;
	bool good;

	page_read(pfn, rec, BUFFER_PAGES);
	for (i = 0; i < BUFFER_PAGES; i++) {
		diff = (rec[i].flags ^ before[i].flags) & ~PG_TOUCHED;
		good = rec[i].state == before[i].state &&
		       page_users(&rec[i]) == page_users(&before[i]);
		if (i == poisoned)
			good &= diff && !(diff & (diff - 1)) &&
				rec[i].flags & diff;
		else
			good &= !diff;
		if (!good && bad++ < 3)
			ksft_print_msg("%s: pfn %#lx flags %#llx, were %#llx, refcount %d, was %d, state %#x, was %#x\n",
				       what, pfn + i,
				       (unsigned long long)rec[i].flags,
				       (unsigned long long)before[i].flags,
				       rec[i].refcount, before[i].refcount,
				       rec[i].state, before[i].state);
	}
	return !bad;
}

/* Map with huge pages (device) or small pages (file), and fill. */
static void map_buffer(struct buffer *buffer)
{
	char *addr = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  buffer->fd, 0);
	unsigned long last;

	if (buffer->fd < 0 || addr == MAP_FAILED)
		ksft_exit_fail_msg("%s: mmap: %s\n", buffer->place,
				   strerror(errno));
	/* ext4 places the file: huge pages may or may not fit. */
	if (buffer->lsb == 12)
		madvise(addr, BUFFER_SIZE, MADV_NOHUGEPAGE);
	memset(addr, 'a', BUFFER_SIZE);
	buffer->addr = addr;
	buffer->pfn = page_pfn(addr);
	last = page_pfn(addr + BUFFER_SIZE - 1);
	if (last != buffer->pfn + BUFFER_PAGES - 1)
		ksft_exit_fail_msg("%s: pfns %#lx to %#lx\n", buffer->place,
				   buffer->pfn, last);
	page_read(buffer->pfn, before, BUFFER_PAGES);
}

static void map_device(struct buffer *buffer, const char *ns)
{
	dax_make(ns, "2M", &buffer->dax);
	buffer->fd = dax_open(&buffer->dax);
	buffer->lsb = 21;
	map_buffer(buffer);
}

static void map_fs_file(struct buffer *buffer, const char *ns)
{
	fs_make(ns, "mem", false, &buffer->dax);
	buffer->fd = fs_make_file("file", BUFFER_SIZE);
	buffer->lsb = 12;
	map_buffer(buffer);
}

/* Unmap; if nobody holds a page, rebind the device or unmount. */
static bool unmap_buffer(const struct buffer *buffer)
{
	int i;

	munmap(buffer->addr, BUFFER_SIZE);
	close(buffer->fd);
	page_read(buffer->pfn, before, BUFFER_PAGES);
	for (i = 0; i < BUFFER_PAGES; i++) {
		if (!page_references(&before[i]))
			continue;
		/* Unbinding would wait for ever. */
		ksft_print_msg("unmap: pfn %#lx refcount %d\n",
			       buffer->pfn + i, before[i].refcount);
		return false;
	}

	if (buffer->lsb == 21)
		return dax_bind(&buffer->dax, false) &&
		       dax_bind(&buffer->dax, true);
	if (umount(FS_DIR)) {
		ksft_print_msg("umount: %s\n", strerror(errno));
		return false;
	}
	return true;
}

/* Poison of @pfn marks and reports the first page of its folio. */
static unsigned long marked(unsigned long pfn)
{
	struct test_memmap_page rec = page_get(pfn);

	return pfn & (~0UL << rec.order);
}

/* True if no page is counted that was not reported. */
static bool is_counted(const char *what, long long before, int reported)
{
	return poison_count() == before ||
	       poison_is_count(what, before, reported * COUNTED);
}

static void result(const char *place, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", place, word);
}

/* Soft offline of device memory always fails. */
static void test_soft(const struct buffer *buffer)
{
	char *victim = buffer->addr + VICTIM * page_size();
	unsigned long pfn = buffer->pfn + VICTIM;
	long long count = poison_count();
	bool good;
	int err;

	err = madvise(victim, page_size(), MADV_SOFT_OFFLINE) ? -errno : 0;
	good = poison_is_error("madvise", err, -EIO);
	good &= poison_is_error("sysfs", poison_write(POISON_SOFT, pfn), -EIO);
	good &= poison_is_count("soft", count, 0);
	result(buffer->place, "soft",
	       pages_unchanged("soft", buffer->pfn, -1) && good);
}

/* Poisoning sends SIGBUS to the process. */
static void test_hard(const struct buffer *buffer)
{
	char *victim = buffer->addr + VICTIM * page_size();
	unsigned long pfn = buffer->pfn + VICTIM;
	unsigned long first = marked(pfn) - buffer->pfn;
	long long count = poison_count();
	bool good;

	result(buffer->place, "hit", poison_child(victim) &&
	       poison_was_hit(buffer->place, buffer->addr + first * page_size(),
			      buffer->lsb));
	/* Without a real memory error the data is still good. */
	result(buffer->place, "others", *victim == 'p' &&
	       buffer->addr[0] == 'a' && page_pfn(victim) == pfn);
	good = pages_unchanged("hard", buffer->pfn, first);
	result(buffer->place, "page", is_counted("hard", count, 1) && good);
	result(buffer->place, "release", unmap_buffer(buffer) &&
	       is_counted("release", count, 1));
}

/* The memmap's storage and the info block can't be poisoned. */
static void test_storage(const char *place, const char *ns)
{
	const unsigned int mask = TEST_MEMMAP_DEVICE;
	long long count = poison_count();
	struct test_memmap_page rec, after;
	struct dax dax = {};
	unsigned long pfn;
	bool good;

	good = dax_create(ns, "dev", "2M", &dax);
	pfn = dax.storage.pfn;
	rec = page_get(pfn);
	good = good && poison_is_error("storage", poison_write(POISON_HARD, pfn),
				    -ENXIO);
	good = good && poison_is_error("info block",
				    poison_write(POISON_HARD, dax.reserve.pfn),
				    -ENXIO);
	after = page_get(pfn);
	result(place, "storage", good && is_counted("storage", count, 2) &&
	       rec.flags == after.flags && rec.refcount == after.refcount &&
	       (rec.state & mask) == (after.state & mask));
}

/* The page has no mapping: -EBUSY. */
static void test_unused(const struct buffer *buffer)
{
	unsigned long pfn = buffer->pfn + UNUSED;
	struct test_memmap_page old = page_get(marked(pfn)), new;
	long long count = poison_count();
	bool good;

	good = poison_is_error("unused", poison_write(POISON_HARD, pfn), -EBUSY);
	good &= is_counted("unused", count, 1);
	new = page_get(marked(pfn));
	result(buffer->place, "unused", good && old.flags == new.flags &&
	       old.refcount == new.refcount);
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
	struct buffer file = { .place = "file" };
	struct pages pages;
	unsigned long pfn;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_poison_dax NAMESPACE NAMESPACE\n");
	ns_require(argv[1]);
	ns_require(argv[2]);
	if (!ns_read(argv[2], &pages))
		ksft_exit_fail_msg("%s: no pages\n", argv[2]);

	ksft_set_plan(NR_CASES);
	/* Check the setup: the section must have RAM. */
	pfn = pages.pfn;
	ksft_test_result(page_get(pfn - 1).state & TEST_MEMMAP_ONLINE ||
			 page_get(pfn + pages.nr).state & TEST_MEMMAP_ONLINE,
			 "shares_section\n");
	map_fs_file(&file, argv[1]);
	test_soft(&file);
	test_hard(&file);
	test_device("own", argv[1]);
	test_device("shared", argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
