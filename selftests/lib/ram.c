// SPDX-License-Identifier: GPL-2.0
#include "file.h"
#include "mem.h"
#include "ram.h"
#include "test.h"

#define MEMBLOCK	"/sys/kernel/debug/memblock/memory"

static struct range noted[MAX_RANGES];
static int nr_noted;

int ram_read(struct range *ranges, int max)
{
	FILE *file = file_open("/proc/iomem");
	unsigned long long start, end;
	char line[256], name[64];
	int nr = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %llx-%llx : %63[^\n]", &start, &end,
			   name) != 3 || strncmp(name, "System RAM", 10))
			continue;
		if (nr == max)
			ksft_exit_fail_msg("more than %d ranges of RAM\n", max);
		ranges[nr].start = (start + page_size() - 1) / page_size();
		ranges[nr++].end = (end + 1) / page_size();
	}
	fclose(file);

	return nr;
}

int ram_read_present(struct range *ranges, int max)
{
	FILE *file = fopen(MEMBLOCK, "re");
	unsigned long long start, end;
	char line[128];
	int nr;

	if (!file)
		return ram_read(ranges, max);

	for (nr = 0; fgets(line, sizeof(line), file); nr++) {
		if (nr == max ||
		    sscanf(line, " %*d: %llx..%llx", &start, &end) != 2)
			ksft_exit_fail_msg("%s: %s", MEMBLOCK, line);
		ranges[nr].start = (start + page_size() - 1) / page_size();
		ranges[nr].end = (end + 1) / page_size();
	}
	fclose(file);

	return nr;
}

bool ranges_have(const struct range *ranges, int nr, unsigned long pfn)
{
	int i;

	for (i = 0; i < nr; i++)
		if (pfn >= ranges[i].start && pfn < ranges[i].end)
			return true;
	return false;
}

int ram_note(void)
{
	nr_noted = ram_read(noted, MAX_RANGES);
	return nr_noted;
}

bool ram_is(unsigned long pfn)
{
	return ranges_have(noted, nr_noted, pfn);
}

unsigned long ram_pages(unsigned long start, unsigned long end)
{
	struct range ram[MAX_RANGES];
	int nr = ram_read(ram, MAX_RANGES), i;
	unsigned long pages = 0, from, to;

	for (i = 0; i < nr; i++) {
		from = ram[i].start > start ? ram[i].start : start;
		to = ram[i].end < end ? ram[i].end : end;
		if (from < to)
			pages += to - from;
	}

	return pages;
}
