// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

#include "page.h"
#include "test.h"

#define CHUNK	4096	/* records in one read */
#define SHOWN	4	/* pages that are printed */

void page_read(unsigned long pfn, struct test_memmap_page *rec, size_t nr)
{
	size_t want = nr * sizeof(*rec);
	static int fd = -1;
	ssize_t got;

	if (fd < 0)
		fd = open(PAGE_FILE, O_RDONLY | O_CLOEXEC);
	got = pread(fd, rec, want, (off_t)pfn * sizeof(*rec));
	if (got != (ssize_t)want)
		ksft_exit_fail_msg("%s: pfn %#lx, %zu pages: read %zd: %s\n",
				   PAGE_FILE, pfn, nr, got, strerror(errno));
}

struct test_memmap_page page_get(unsigned long pfn)
{
	struct test_memmap_page rec;

	page_read(pfn, &rec, 1);
	return rec;
}

int page_references(const struct test_memmap_page *rec)
{
	return rec->refcount - rec->unused;
}

int page_users(const struct test_memmap_page *rec)
{
	return page_references(rec) - rec->mapped;
}

long page_sum_references(unsigned long pfn, size_t nr)
{
	long references = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		references += page_get(pfn + i).refcount;
	return references;
}

/* What walk_pages() checks for each page, and its result. */
struct walk {
	const char *what;	/* NULL: print nothing */
	unsigned int mask, want;
	bool users;		/* check nid and nr_users as well */
	int nid, nr_users;
	unsigned long bad;
};

static bool is_right(const struct walk *walk, const struct test_memmap_page *rec)
{
	return (rec->state & walk->mask) == walk->want &&
	       (!walk->users || (page_users(rec) == walk->nr_users &&
				 (walk->nid < 0 || rec->nid == walk->nid)));
}

/* True if all of @pages are right; false if there are none. */
static bool walk_pages(struct walk *walk, const struct pages *pages)
{
	static struct test_memmap_page recs[CHUNK];
	const struct test_memmap_page *rec;
	unsigned long done, step, i;

	for (done = 0; done < pages->nr; done += step) {
		step = pages->nr - done < CHUNK ? pages->nr - done : CHUNK;
		page_read(pages->pfn + done, recs, step);
		for (i = 0; i < step; i++) {
			rec = &recs[i];
			if (is_right(walk, rec) || walk->bad++ >= SHOWN || !walk->what)
				continue;
			ksft_print_msg("%s: pfn %#lx state %#x flags %#llx refcount %d users %d nid %d zone %u\n",
				       walk->what, pages->pfn + done + i, rec->state,
				       (unsigned long long)rec->flags, rec->refcount,
				       page_users(rec), rec->nid, rec->zone);
		}
	}

	if (walk->bad && walk->what)
		ksft_print_msg("%s: %lu of %lu pages are not as they should be\n",
			       walk->what, walk->bad, pages->nr);
	if (!pages->nr && walk->what)
		ksft_print_msg("%s: no pages to look at\n", walk->what);
	return pages->nr && !walk->bad;
}

bool page_check_state(const char *what, const struct pages *pages,
		      unsigned int mask, unsigned int want)
{
	struct walk walk = { .what = what, .mask = mask, .want = want };

	return walk_pages(&walk, pages);
}

bool page_is_gone(const char *what, const struct pages *pages)
{
	return page_check_state(what, pages, TEST_MEMMAP_VALID, 0);
}

bool page_check(const char *what, const struct pages *pages, unsigned int mask,
		unsigned int want, int nid)
{
	struct walk walk = {
		.what = what, .mask = mask, .want = want, .users = true, .nid = nid,
	};

	return walk_pages(&walk, pages);
}

bool page_check_users(const char *what, const struct pages *pages, int want)
{
	struct walk walk = {
		.what = what, .mask = TEST_MEMMAP_VALID, .want = TEST_MEMMAP_VALID,
		.users = true, .nid = -1, .nr_users = want,
	};

	return walk_pages(&walk, pages);
}

/*
 * Read @nr words of a file that has a 64-bit word per page. Returns how many
 * there were; @words past the end of the file are left alone.
 */
static size_t read_words(const char *path, unsigned long index, void *words, size_t nr)
{
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	got = pread(fd, words, nr * 8, (off_t)index * 8);
	if (got < 0)
		ksft_exit_fail_msg("%s: word %#lx: %s\n", path, index, strerror(errno));
	close(fd);

	return got / 8;
}

unsigned long long page_kpageflags(unsigned long pfn)
{
	unsigned long long flags;

	if (!read_words("/proc/kpageflags", pfn, &flags, 1))
		ksft_exit_fail_msg("/proc/kpageflags: nothing about pfn %#lx\n", pfn);
	return flags;
}

void page_read_kpageflags(const struct pages *pages, unsigned long long *flags)
{
	unsigned long i = read_words("/proc/kpageflags", pages->pfn, flags, pages->nr);

	for (; i < pages->nr; i++)
		flags[i] = 1ULL << KPF_NOPAGE;
}

void page_read_pfns(const void *addr, unsigned long *pfn, size_t nr)
{
	const unsigned long present = 1UL << 63, mask = (1UL << 55) - 1;
	size_t i;

	if (read_words("/proc/self/pagemap", (uintptr_t)addr / page_size(), pfn, nr) != nr)
		ksft_exit_fail_msg("/proc/self/pagemap: ends before %p\n", addr);
	for (i = 0; i < nr; i++)
		pfn[i] = pfn[i] & present ? pfn[i] & mask : 0;
}

unsigned long page_pfn(const void *addr)
{
	unsigned long pfn;

	page_read_pfns(addr, &pfn, 1);
	return pfn;
}

unsigned long page_count_mapped(const void *addr, size_t size, const struct pages *pages)
{
	unsigned long pfn[512], nr = size / page_size(), done, step, found = 0, i;

	for (done = 0; done < nr; done += step) {
		step = nr - done < ARRAY_SIZE(pfn) ? nr - done : ARRAY_SIZE(pfn);
		page_read_pfns((const char *)addr + done * page_size(), pfn, step);
		for (i = 0; i < step; i++)
			found += pfn[i] && page_in(pages, pfn[i]);
	}
	ksft_print_msg("%lu of %lu pages are from pfn %#lx to %#lx\n", found, nr,
		       pages->pfn, pages->pfn + pages->nr - 1);
	return found;
}

char *page_map(unsigned long pfn, size_t size)
{
	char *addr = mem_reserve(size);
	int fd = open(PAGE_DEBUGFS("map"), O_RDWR | O_CLOEXEC);

	if (fd < 0 || mmap(addr, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
			   (off_t)(pfn * page_size())) == MAP_FAILED)
		ksft_exit_fail_msg("map pfn %#lx: %s\n", pfn, strerror(errno));
	close(fd);

	/* SIGBUS if a huge page was requested and could not be mapped. */
	asm volatile("" : : "r" (*addr) : "memory");
	if (page_pfn(addr) != pfn)
		ksft_exit_fail_msg("pfn %#lx is not mapped\n", pfn);
	return addr;
}

int page_open_device(void)
{
	int fd = open(PAGE_DEBUGFS("device"), O_RDWR | O_CLOEXEC);

	if (fd < 0)
		ksft_exit_fail_msg("device: %s\n", strerror(errno));
	return fd;
}

int page_add_device(int fd, const char *start, const char *size)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "%s %s", start, size);

	return write(fd, text, len) == len ? 0 : -errno;
}
