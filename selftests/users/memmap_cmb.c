// SPDX-License-Identifier: GPL-2.0
/*
 * A controller memory buffer that is smaller than a subsection can't have struct
 * pages: it is no p2pmem, nothing is left of the attempt, and the drive works
 * without it.
 *
 * usage: memmap_cmb
 *
 * Needs an NVMe drive with a controller memory buffer of 1 MiB, whose contents get
 * lost.
 */
#include <glob.h>
#include <linux/limits.h>
#include <stdio.h>

#include "file.h"
#include "nvme.h"
#include "pci.h"
#include "test.h"

#define NR_BARS		6
#define NR_PAGES	16

static struct nvme drive;

static bool find_drive(void)
{
	glob_t dirs;
	bool found;

	found = !glob(PCI_DIR "/devices/*/nvme", 0, NULL, &dirs);
	if (found)
		sscanf(dirs.gl_pathv[0], PCI_DIR "/devices/%40[^/]", drive.name);
	globfree(&dirs);
	return found && nvme_find_disk(&drive);
}

/* The buffer is the BAR of 1 MiB. */
static bool find_buffer(struct pages *pages)
{
	unsigned long long start, end;
	char path[PATH_MAX], line[128];
	bool found = false;
	FILE *bars;
	int i;

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/resource", drive.name);
	bars = file_open(path);
	for (i = 0; i < NR_BARS && !found && fgets(line, sizeof(line), bars); i++)
		found = sscanf(line, "%llx %llx", &start, &end) == 2 && end - start + 1 == MB;
	fclose(bars);
	if (found)
		*pages = (struct pages){ start / page_size(), MB / page_size() };
	return found;
}

/* The folder may be there without any. */
static bool has_p2pmem(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/p2pmem/size", drive.name);
	return file_number(path) > 0;
}

static bool transfer(void)
{
	size_t size = NR_PAGES * page_size();
	char *buf = mem_map(2 * size);
	bool good;

	mem_fill(buf, size);
	good = nvme_io(&drive, true, buf, NR_PAGES, 0) &&
	       nvme_io(&drive, false, buf + size, NR_PAGES, 0) && !memcmp(buf, buf + size, size);
	munmap(buf, 2 * size);
	return good;
}

static void test_drive(const char *prefix, const struct pages *buffer)
{
	ksft_test_result(!has_p2pmem(), "%sno_p2pmem\n", prefix);
	ksft_test_result(page_is_gone("buffer", buffer), "%sno_struct_pages\n", prefix);
	ksft_test_result(transfer(), "%stransfer\n", prefix);
}

int main(void)
{
	struct pages buffer;

	test_begin();
	if (!find_drive() || !find_buffer(&buffer))
		ksft_exit_skip("needs an NVMe drive with a controller memory buffer of 1 MiB\n");

	ksft_set_plan(6);
	test_drive("", &buffer);
	if (file_write(PCI_DIR "/drivers/nvme/unbind", drive.name) ||
	    file_write(PCI_DIR "/drivers/nvme/bind", drive.name) || !nvme_find_disk(&drive))
		ksft_exit_fail_msg("%s: not bound again\n", drive.name);
	test_drive("again_", &buffer);
	ksft_exit(!ksft_get_fail_cnt());
}
