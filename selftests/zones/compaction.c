// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_readers: run compaction, and see where it has looked.
 */
#include "compaction.h"
#include "file.h"
#include "ram.h"
#include "test.h"
#include "trace.h"
#include "zone.h"

#define COMPACTION	TRACE "/events/compaction"

/* Find the zone with RAM on both sides of @pages. */
static bool find_zone_around(const struct pages *pages, struct zone *zone)
{
	const unsigned long end = pages->pfn + pages->nr;
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES);

	while (nr--) {
		*zone = zones[nr];
		if (ram_pages(zone->start, pages->pfn) && ram_pages(end, zone->end))
			return true;
	}
	ksft_print_msg("pfn %#lx to %#lx are not between RAM of one zone\n", pages->pfn,
		       end - 1);
	return false;
}

bool compaction_passed(const struct pages *pages)
{
	unsigned long start, end, nr, below = 0, inside = 0, above = 0;
	FILE *trace = file_open(TRACE_FILE);
	struct zone zone;
	char line[256], *text;
	bool good;

	good = find_zone_around(pages, &zone);
	while (good && fgets(line, sizeof(line), trace)) {
		text = strstr(line, "range=(");
		if (!text || sscanf(text, "range=(%lx ~ %lx) nr_scanned=%lu", &start,
				    &end, &nr) != 3 ||
		    start < zone.start || start >= zone.end)
			continue;
		if (end <= pages->pfn)
			below += nr;
		else if (start >= pages->pfn + pages->nr)
			above += nr;
		else
			inside += nr;
	}
	fclose(trace);
	ksft_print_msg("compaction has scanned %lu pages below the device, %lu of it, %lu above\n",
		       below, inside, above);
	return good && below && above;
}

int compaction_run(void)
{
	int err;

	trace_mount();
	if (!trace_clear(TRACE_FILE))
		return -EIO;
	err = file_write(COMPACTION "/enable", "1");
	if (err)
		return err;
	err = file_write("/proc/sys/vm/compact_memory", "1");
	return file_write(COMPACTION "/enable", "0") ? : err;
}
