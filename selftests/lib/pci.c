// SPDX-License-Identifier: GPL-2.0
#include <glob.h>
#include <stdio.h>

#include "pci.h"
#include "test.h"

#define NR_BARS	6

/* The first lines of @dir/resource are the BARs: "start end flags". */
static bool find_bar(const char *dir, struct pci_bar *bar)
{
	unsigned long long start, end;
	char path[128], line[128];
	bool found = false;
	FILE *bars;
	int i;

	snprintf(path, sizeof(path), "%.96s/resource", dir);
	bars = fopen(path, "re");
	for (i = 0; bars && !found && i < NR_BARS; i++) {
		if (!fgets(line, sizeof(line), bars))
			break;
		if (sscanf(line, "%llx %llx", &start, &end) != 2 || !start)
			continue;
		bar->pages.pfn = start / page_size();
		bar->pages.nr = (end - start + 1) / page_size();
		found = page_get(bar->pages.pfn).state & TEST_MEMMAP_DEVICE;
		snprintf(bar->path, sizeof(bar->path), "%.96s/resource%d", dir, i);
	}
	if (bars)
		fclose(bars);
	return found;
}

bool pci_find_p2p_bar(const char *name, struct pci_bar *bar)
{
	char pattern[128], *end;
	bool found = false;
	glob_t dirs;
	size_t i;

	snprintf(pattern, sizeof(pattern), PCI_DIR "/devices/%.40s/p2pmem",
		 name ? name : "*");
	if (glob(pattern, 0, NULL, &dirs))
		return false;
	for (i = 0; i < dirs.gl_pathc && !found; i++) {
		end = strrchr(dirs.gl_pathv[i], '/');
		*end = '\0';
		found = find_bar(dirs.gl_pathv[i], bar);
	}
	globfree(&dirs);
	if (found)
		ksft_print_msg("%s: pfn %#lx\n", bar->path, bar->pages.pfn);
	return found;
}
