// SPDX-License-Identifier: GPL-2.0
/*
 * p2pmem of an NVMe drive in user space: it can be allocated with mmap(), its
 * pages are not reserved, the drive reads into them and writes from them, and
 * they return to the pool, also when mmap() fails half way. Unbinding the driver
 * unmaps them. /proc/PID/mem reads what a mapping of the BAR maps.
 *
 * usage: memmap_p2pmem
 *
 * Needs an NVMe drive with p2pmem, whose contents get lost.
 */
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/wait.h>

#include "fault.h"
#include "file.h"
#include "nvme.h"
#include "pci.h"
#include "test.h"

#define NR_PAGES	16
#define NR_CASES	12

static struct nvme drive;
static struct pci_bar bar;
static int p2pmem;	/* a file to map */

/* At @place, if it is not NULL. */
static char *allocate(char *place, int flags, off_t offset)
{
	return mmap(place, NR_PAGES * page_size(), PROT_READ | PROT_WRITE,
		    flags | (place ? MAP_FIXED : 0), p2pmem, offset);
}

static int open_p2pmem(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/p2pmem/allocate", drive.name);
	return open(path, O_RDWR | O_CLOEXEC);
}

static long long available(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/p2pmem/available", drive.name);
	return file_number(path);
}

/* The drive writes what is in p2pmem, and reads it back into it. */
static bool transfer(char *p2p)
{
	size_t size = NR_PAGES * page_size();
	char *buf = mem_map(size);
	bool good;

	mem_fill(p2p, size);
	good = nvme_io(&drive, true, p2p, NR_PAGES, 0) &&
	       nvme_io(&drive, false, buf, NR_PAGES, 0) && mem_is_filled(buf, size);
	memset(p2p, 0, size);
	good = good && nvme_io(&drive, false, p2p, NR_PAGES, 0) && mem_is_filled(p2p, size);
	munmap(buf, size);
	return good;
}

/* As a debugger does: generic_access_phys() reads the BAR. The drive's queues are at its start. */
static bool access_bar(void)
{
	size_t size = NR_PAGES * page_size();
	int fd = open(bar.path, O_RDWR | O_CLOEXEC);
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 (bar.pages.nr - NR_PAGES) * page_size()), *buf = mem_map(size);
	bool good;

	if (map == MAP_FAILED)
		return false;
	mem_fill(map, size);
	good = pread(mem, buf, size, (unsigned long)map) == (ssize_t)size && mem_is_filled(buf, size);
	munmap(buf, size);
	munmap(map, size);
	close(mem);
	close(fd);
	return good;
}

/* A child unmaps it, too. */
static bool child_sees(char *p2p)
{
	size_t size = NR_PAGES * page_size();
	pid_t child = test_fork();
	int status;

	if (!child)
		_exit(!mem_is_filled(p2p, size) || munmap(p2p, size));
	return waitpid(child, &status, 0) == child && !status && mem_is_filled(p2p, size);
}

/*
 * There is no memory for page tables: for the first, at first, and then for the
 * second, when pages that the first one maps have been inserted.
 */
static bool fails_half_way(long long before)
{
	unsigned long space, failed = 0;
	bool refused = true, good = true;
	char *place, *p2p;

	for (space = 0; refused && good; space++) {
		place = mem_reserve(2 * HUGE_SIZE);
		fault_begin(FAULT_PAGES, space);
		p2p = allocate(place + HUGE_SIZE - NR_PAGES / 2 * page_size(), MAP_SHARED, 0);
		refused = fault_end();
		failed += p2p == MAP_FAILED;
		munmap(place, 2 * HUGE_SIZE);
		good = test_is("available", available(), before);
	}
	ksft_print_msg("mmap() failed %lu times\n", failed);
	return good && failed >= 2;
}

static bool unbind(char *p2p)
{
	close(p2pmem);
	return !file_write(PCI_DIR "/drivers/nvme/unbind", drive.name) &&
	       test_is("mapped pfn", page_pfn(p2p), 0) && page_is_gone("unbound", &bar.pages);
}

static bool bind(void)
{
	return !file_write(PCI_DIR "/drivers/nvme/bind", drive.name) && nvme_find_disk(&drive) &&
	       pci_find_p2p_bar(drive.name, &bar);
}

int main(void)
{
	unsigned int mask = TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP | TEST_MEMMAP_RESERVED;
	long long before;
	char *p2p, *c;

	test_begin();
	if (!pci_find_p2p_bar(NULL, &bar))
		ksft_exit_skip("needs CONFIG_PCI_P2PDMA and an NVMe drive with p2pmem\n");
	c = strstr(bar.path, "/devices/") + strlen("/devices/");
	snprintf(drive.name, sizeof(drive.name), "%.*s", (int)strcspn(c, "/"), c);
	if (!nvme_find_disk(&drive))
		ksft_exit_fail_msg("%s: no disk\n", drive.name);

	fault_require();
	p2pmem = open_p2pmem();
	ksft_set_plan(NR_CASES);
	before = available();
	ksft_test_result(access_bar(), "access\n");
	ksft_test_result(allocate(NULL, MAP_PRIVATE, 0) == MAP_FAILED && errno == EINVAL,
			 "private_refused\n");
	ksft_test_result(allocate(NULL, MAP_SHARED, page_size()) == MAP_FAILED && errno == EINVAL,
			 "offset_refused\n");
	p2p = allocate(NULL, MAP_SHARED, 0);
	if (p2p == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	ksft_test_result(test_is("available", before - available(), NR_PAGES * page_size()),
			 "mapped\n");
	ksft_test_result(page_check_state("p2pmem", &bar.pages, mask, mask & ~TEST_MEMMAP_RESERVED),
			 "not_reserved\n");
	ksft_test_result(page_in(&bar.pages, page_pfn(p2p)), "pfn\n");
	ksft_test_result(transfer(p2p), "transfer\n");
	ksft_test_result(child_sees(p2p), "child\n");
	munmap(p2p, NR_PAGES * page_size());
	ksft_test_result(test_is("available", available(), before), "unmapped\n");
	ksft_test_result(fails_half_way(before), "half_way\n");
	p2p = allocate(NULL, MAP_SHARED, 0);
	ksft_test_result(p2p != MAP_FAILED && transfer(p2p) && unbind(p2p), "unbind_mapped\n");
	ksft_test_result(bind() && test_is("available", available(), before), "bound_again\n");

	ksft_exit(!ksft_get_fail_cnt());
}
