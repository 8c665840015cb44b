// SPDX-License-Identifier: GPL-2.0
#include "file.h"
#include "mem.h"
#include "ram.h"
#include "test.h"

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

int ram_note(void)
{
	nr_noted = ram_read(noted, MAX_RANGES);
	return nr_noted;
}

bool ram_is(unsigned long pfn)
{
	int i;

	for (i = 0; i < nr_noted; i++)
		if (pfn >= noted[i].start && pfn < noted[i].end)
			return true;
	return false;
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
