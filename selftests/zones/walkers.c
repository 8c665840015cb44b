// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_zones: what walks all pages by zone or by pfn.
 */
#include "file.h"
#include "page.h"
#include "test.h"
#include "walkers.h"

#define PAGE_OWNER	"/sys/kernel/debug/page_owner"
#define SHOWN		3	/* wrong records printed */

/*
 * Count pageblocks as /proc/pagetypeinfo does: check the page at the zone's
 * start and then one every pageblock; count those that are online and in the
 * zone.
 */
static unsigned long count_pageblocks(const struct zone *zone,
				      unsigned long step)
{
	struct test_memmap_page rec;
	unsigned long pfn, nr = 0;

	for (pfn = zone->start; pfn < zone->end; pfn += step) {
		rec = page_get(pfn);
		if (rec.state & TEST_MEMMAP_ONLINE && rec.nid == zone->nid &&
		    rec.zone == zone->index)
			nr++;
	}

	return nr;
}

bool walkers_count_pageblocks(const struct zone *zones, int nr_zones)
{
	struct pageblocks blocks;
	bool good = nr_zones;
	long shown, count;
	int i;

	zone_read_pageblocks(&blocks);
	for (i = 0; i < nr_zones; i++) {
		shown = zone_pageblocks(&blocks, &zones[i]);
		count = blocks.pages ?
			(long)count_pageblocks(&zones[i], blocks.pages) : -2;
		if (shown == count)
			continue;
		ksft_print_msg("node %d zone %s: %ld pageblocks, not %ld\n",
			       zones[i].nid, zones[i].name, shown, count);
		good = false;
	}
	return good;
}

bool walkers_has_page_owner(void)
{
	static char cmdline[4096];

	file_read("/proc/cmdline", cmdline, sizeof(cmdline));
	return strstr(cmdline, "page_owner=on");
}

bool walkers_check_page_owner(void)
{
	unsigned long records = 0, wrong = 0;
	static char buf[16384];
	ssize_t got = -1;
	long pfn;	/* v5.10 prints it in decimal, v7.3.4 in hexadecimal */
	char *text;
	int fd;

	fd = open(PAGE_OWNER, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && (got = read(fd, buf, sizeof(buf) - 1)) > 0) {
		buf[got] = '\0';
		records++;
		text = strstr(buf, "PFN ");
		if (text && sscanf(text, "PFN %li", &pfn) == 1 &&
		    page_get(pfn).state & TEST_MEMMAP_ONLINE)
			continue;
		if (wrong++ < SHOWN)
			ksft_print_msg("page_owner: not online: %.60s\n",
				       text ? text : buf);
	}
	if (got < 0)
		ksft_print_msg("page_owner: %s\n", strerror(errno));
	close(fd);
	ksft_print_msg("page_owner: %lu of %lu records are wrong\n", wrong,
		       records);
	return !got && records && !wrong;
}
