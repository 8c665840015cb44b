// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_stress: readers of struct pages, through test_memmap and through
 * /proc/kpageflags, while their memory comes and goes.
 */
#include "ram.h"
#include "stress.h"

#define CHUNK	4096		/* pages in one read */
#define SLICE	(32 * CHUNK)	/* pages in one action */

static struct range areas[MAX_RANGES + 2];	/* for read_pages_file() */
static int nr_ram, nr_areas;			/* RAM comes first */

bool stress_find_areas(bool with_pmem)
{
	unsigned long pages = block_pages(), i, first, last;

	for (nr_ram = ram_read(areas, MAX_RANGES); nr_ram; nr_ram--)
		if (areas[nr_ram - 1].start < boot_dimm.pages.pfn)
			break;	/* below the DIMM */
	nr_areas = nr_ram;
	for (i = 0; with_pmem && i < ARRAY_SIZE(dax); i++) {
		first = dax[i].all.pfn / pages * pages;
		last = (dax[i].all.pfn + dax[i].all.nr - 1) / pages * pages;
		if (first != last || !ram_pages(first, first + pages))
			continue;
		ksft_print_msg("%s shares a section with RAM\n", dax[i].name);
		areas[nr_areas].start = dax[i].all.pfn;
		areas[nr_areas++].end = dax[i].all.pfn + dax[i].all.nr;
	}
	return !with_pmem || nr_areas > nr_ram;
}

static void read_pages_file(void)
{
	static struct test_memmap_page rec[CHUNK];
	unsigned long area = pick(nr_areas), i;
	unsigned long start = areas[area].start, end = areas[area].end;

	start += pick(end - start);
	end = end - start > CHUNK ? start + CHUNK : end;
	page_read(start, rec, end - start);
	for (i = 0; i < end - start; i++)
		if (area >= (unsigned long)nr_ram) {
			if (rec[i].state & TEST_MEMMAP_ONLINE)
				add(shared->online_pmem);
		} else if ((rec[i].state & DEVICE_MASK) != ONLINE_PAGE) {
			add(shared->lost_ram);
		}
	count(PAGES, "pages", 0);
}

/* Returns the number of pages read, 0 at the end, or -1 and errno. */
static ssize_t read_flags(int fd, unsigned long pfn, unsigned long nr)
{
	static unsigned long long flags[CHUNK];
	unsigned long i, d;
	ssize_t got;

	got = pread(fd, flags, (nr < CHUNK ? nr : CHUNK) * sizeof(*flags),
		    pfn * sizeof(*flags));
	if (got < 0)
		return -1;
	got /= sizeof(*flags);
	for (i = 0; i < (size_t)got; i++)
		for (d = 0; d < ARRAY_SIZE(dax); d++)
			if (page_in(&dax[d].all, pfn + i) &&
			    flags[i] & ~(1ULL << KPF_NOPAGE))
				add(shared->online_pmem);
	return got;
}

static ssize_t read_range(int fd, const struct pages *pages)
{
	unsigned long done;
	ssize_t got = 1;

	for (done = 0; done < pages->nr && got > 0; done += CHUNK)
		got = read_flags(fd, pages->pfn + done, pages->nr - done);
	return got;
}

/*
 * Read the flags of all device pages, of the plugged DIMM, and of the next
 * SLICE pages of all memory. Leave out the boot DIMM: nothing keeps its pages
 * online while /proc/kpageflags reads them, so it could find poison.
 */
static void read_kpageflags(void)
{
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC), err = 0;
	static unsigned long pfn;
	ssize_t got;
	int i;

	for (i = 0; i < NR_DAX && !err; i++)
		err = read_range(fd, &dax[i].all) < 0 ? errno : 0;
	if (!err && read_range(fd, &shared->plugged) < 0)
		err = errno;
	for (i = 0; i < SLICE / CHUNK && !err; i++) {
		if (page_in(&boot_dimm.pages, pfn))
			pfn = boot_dimm.pages.pfn + boot_dimm.pages.nr;
		got = read_flags(fd, pfn, CHUNK);
		err = got < 0 ? errno : 0;
		pfn = got > 0 ? pfn + CHUNK : 0;
	}
	count(KPAGEFLAGS, "kpageflags", err);
	close(fd);
}

void stress_read(void)
{
	read_pages_file();
	if (pick(2))
		read_kpageflags();
}
