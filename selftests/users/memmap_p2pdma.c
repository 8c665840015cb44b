// SPDX-License-Identifier: GPL-2.0
/*
 * p2pmem, such as the controller memory buffer of an NVMe drive: its pages are
 * not reserved; they can be mapped for DMA by the drive itself, by one below
 * the same PCI switch, and by one that is reached through the host bridge; a
 * drive reads into them and writes from them; and the driver can be unbound
 * afterwards.
 *
 * usage: memmap_p2pdma
 *
 * Needs an NVMe drive with p2pmem, and two without: of these, the one with more
 * bridges above it is the one below the switch. The contents of all drives get
 * lost. DMA debugging (CONFIG_DMA_API_DEBUG) must report nothing. Transfers
 * through a host bridge that is not known to pass them must be refused.
 */
#include <dirent.h>
#include <linux/limits.h>
#include <stdio.h>

#include "file.h"
#include "nvme.h"
#include "pci.h"
#include "test.h"

#define P2PDMA_FILE	PAGE_DEBUGFS("p2pdma")
#define UNBIND		PCI_DIR "/drivers/nvme/unbind"
#define BIND		PCI_DIR "/drivers/nvme/bind"
#define ERRORS		"/sys/kernel/debug/dma-api/error_count"
#define NR_PAGES	16
#define NR_CASES	10

static struct nvme provider, neighbour, far;
static struct pci_bar bar;	/* the provider's p2pmem */

static void find_drives(void)
{
	char path[PATH_MAX], real[PATH_MAX], *c;
	struct dirent *entry;
	struct nvme drive;
	DIR *dir;

	dir = opendir(PCI_DIR "/devices");
	while (dir && (entry = readdir(dir))) {
		memset(&drive, 0, sizeof(drive));
		snprintf(drive.name, sizeof(drive.name), "%s", entry->d_name);
		snprintf(path, sizeof(path), PCI_DIR "/devices/%s/nvme", drive.name);
		if (access(path, F_OK) || !realpath(path, real))
			continue;
		for (c = real; *c; c++)
			drive.depth += *c == '/';
		snprintf(path, sizeof(path), PCI_DIR "/devices/%s/p2pmem", drive.name);
		if (!access(path, F_OK)) {
			provider = drive;
		} else if (!far.depth || drive.depth <= far.depth) {
			neighbour = far;
			far = drive;
		} else {
			neighbour = drive;
		}
	}
	if (dir)
		closedir(dir);
}

/* True if all p2pmem is device memory and not reserved. */
static bool not_reserved(const char *what)
{
	unsigned int mask = TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP |
			    TEST_MEMMAP_RESERVED;

	return page_check_state(what, &bar.pages, mask, mask & ~TEST_MEMMAP_RESERVED);
}

/* True if only the device has references. */
static bool unused(void)
{
	struct test_memmap_page rec;
	unsigned long i;

	for (i = 0; i < bar.pages.nr; i++) {
		rec = page_get(bar.pages.pfn + i);
		if (!page_references(&rec))
			continue;
		ksft_print_msg("pfn %#lx: %d references\n", bar.pages.pfn + i, rec.refcount);
		return false;
	}
	return true;
}

/* Returns 0 or -errno. */
static int command(int fd, const char *op, const char *what)
{
	char line[64];
	int len, err;

	len = snprintf(line, sizeof(line), "%s %s", op, what);
	err = write(fd, line, len) == len ? 0 : -errno;
	if (err)
		ksft_print_msg("%s: %s\n", line, strerror(-err));
	return err;
}

/* As in cpu_supports_p2pdma(): AMD Zen and newer. */
static bool bridge_known(void)
{
	char line[256];
	int family = 0;
	bool amd = false;
	FILE *cpus;

	cpus = fopen("/proc/cpuinfo", "re");
	while (cpus && fgets(line, sizeof(line), cpus)) {
		amd |= !!strstr(line, "AuthenticAMD");
		if (sscanf(line, "cpu family : %d", &family) == 1)
			break;	/* the vendor comes before it */
	}
	if (cpus)
		fclose(cpus);
	return amd && family >= 0x17;
}

/* Map the p2pmem for @drive, have it read into it and write from it. */
static bool transfer(const struct nvme *drive, unsigned int seed)
{
	size_t size = NR_PAGES * page_size(), i;
	unsigned long long dma;
	char answer[64] = "", text[16];
	unsigned long pfn;
	int fd, distance;
	char *buf;
	bool good;

	buf = mem_map(2 * size);
	fd = open(P2PDMA_FILE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (i = 0; i < size; i++)
		buf[i] = (i * 2654435761U + seed) >> 13;
	snprintf(text, sizeof(text), "%d", NR_PAGES);

	/* Zero the disk's second NR_PAGES: the drive will write to them. */
	good = nvme_io(drive, true, buf, NR_PAGES, 0) &&
	       nvme_io(drive, true, buf + size, NR_PAGES, NR_PAGES) &&
	       !command(fd, provider.name, text) &&
	       !command(fd, "map", drive->disk) &&
	       read(fd, answer, sizeof(answer) - 1) > 0 &&
	       sscanf(answer, "%lu %llu %d", &pfn, &dma, &distance) == 3;
	ksft_print_msg("%s: pfn, DMA address, distance: %s", drive->name,
		       answer[0] ? answer : "none\n");
	/* QEMU's bridges and buses don't translate addresses. */
	good = good && page_in(&bar.pages, pfn) && dma == pfn * page_size() &&
	       !command(fd, "read", drive->disk) && unused() &&
	       !command(fd, "write", drive->disk) &&
	       nvme_io(drive, false, buf + size, NR_PAGES, NR_PAGES) &&
	       !memcmp(buf, buf + size, size);
	close(fd);
	munmap(buf, 2 * size);
	return good;
}

/* True if it is refused before anything is mapped. */
static bool refused(const struct nvme *drive)
{
	int fd = open(P2PDMA_FILE, O_RDWR | O_CLOEXEC);
	bool good;

	good = !command(fd, provider.name, "1") &&
	       command(fd, "map", drive->disk) == -EXDEV;
	close(fd);
	return good;
}

static void require_drives(void)
{
	test_begin();
	find_drives();
	if (access(P2PDMA_FILE, F_OK) || !far.depth || !neighbour.depth ||
	    !provider.depth)
		ksft_exit_skip("needs CONFIG_PCI_P2PDMA, an NVMe drive with p2pmem and two more\n");
	if (!pci_find_p2p_bar(provider.name, &bar) || !nvme_find_disk(&provider) ||
	    !nvme_find_disk(&neighbour) || !nvme_find_disk(&far))
		ksft_exit_fail_msg("no p2pmem, or not all drives\n");
}

static void test_dma_errors(long long before)
{
	if (before < 0)
		ksft_test_result_skip("dma_errors: needs CONFIG_DMA_API_DEBUG\n");
	else
		ksft_test_result(file_number(ERRORS) == before && !before,
				 "dma_errors\n");
}

int main(void)
{
	long long errors;

	require_drives();
	errors = file_number(ERRORS);

	ksft_set_plan(NR_CASES);
	ksft_test_result(not_reserved("p2pmem"), "not_reserved\n");
	ksft_test_result(unused(), "references\n");
	ksft_test_result(transfer(&provider, 1), "own_transfer\n");
	ksft_test_result(transfer(&neighbour, 2), "switch_transfer\n");
	if (bridge_known())
		ksft_test_result(transfer(&far, 3), "bridge_transfer\n");
	else
		ksft_test_result(refused(&far), "bridge_refused\n");
	ksft_test_result(unused(), "references_after\n");
	test_dma_errors(errors);
	/* With a reference left, unbinding would wait forever. */
	ksft_test_result(unused() && !file_write(UNBIND, provider.name) &&
			 !(page_get(bar.pages.pfn).state & TEST_MEMMAP_PGMAP),
			 "unbind\n");
	ksft_test_result(!file_write(BIND, provider.name) && nvme_find_disk(&provider) &&
			 pci_find_p2p_bar(provider.name, &bar) &&
			 not_reserved("bound again"), "again_not_reserved\n");
	ksft_test_result(transfer(&neighbour, 4), "again_transfer\n");

	ksft_exit(!ksft_get_fail_cnt());
}
