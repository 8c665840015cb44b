// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) and page frames that come out of a VM_PFNMAP mapping: a BAR,
 * with and without struct pages, and /dev/mem. They have no pin and get none,
 * lose none, and are not counted as locked memory, other than the RAM around
 * them.
 *
 * usage: memmap_vfio_pfnmap [namespace]
 *
 * Wants an IOMMU, QEMU's "edu" PCI device and /dev/mem; and for one part a PCI
 * device with p2pmem. What is in the namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <glob.h>

#include "memmap_vfio.h"

#define NR		64	/* pages of a part */
#define NR_CASES	18

static struct vfio vfio;
static size_t page_size;
static int mem_fd;

/* Map NR pages of a file between RAM. They have no pin, and get none. */
static void test_pfnmap(const char *word, int fd, off_t offset,
			unsigned long pfn)
{
	struct part parts[] = {
		make_part(ANONYMOUS, 0, NR),
		make_part(fd, offset, NR),
		make_part(ANONYMOUS, 0, NR),
	};
	long references = count_references(pfn, NR);
	struct memory mem;
	bool good;

	parts[1].pfnmap = true;
	get_memory(&mem, parts, ARRAY_SIZE(parts));
	test_map(&vfio, word, &mem, 2 * NR * page_size);

	good = !map_dma(&vfio, &mem) &&
	       is("references", count_references(pfn, NR), references) &&
	       unmap_dma(&vfio, &mem);
	ksft_test_result(good && is("references left", count_references(pfn, NR),
				    references), "%s_references\n", word);
	put_memory(&mem);
}

/* A BAR of the device itself: there is no struct page. */
static void test_bar(void)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	char path[64];
	int fd;

	fd = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, vfio.name);
	if (fd < 0 || ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info) ||
	    !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		ksft_exit_fail_msg("%s: no BAR: %s\n", vfio.name,
				   strerror(errno));
	snprintf(path, sizeof(path), PCI "/devices/%s/resource", vfio.name);
	test_pfnmap("bar", fd, info.offset, read_number(path) / page_size);
	close(fd);
}

/* A BAR that has struct pages, those of a device: MEMORY_DEVICE_PCI_P2PDMA. */
static int open_p2p_bar(unsigned long *pfn)
{
	char path[160], line[128] = "";
	unsigned long long start;
	int bar, fd = -1;
	FILE *bars;
	glob_t dirs;
	size_t i;

	if (glob(PCI "/devices/*/p2pmem", 0, NULL, &dirs))
		return -1;
	for (i = 0; fd < 0 && i < dirs.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%.128s/../resource", dirs.gl_pathv[i]);
		bars = fopen(path, "re");
		for (bar = 0; bars && fd < 0 && bar < 6; bar++) {
			if (!fgets(line, sizeof(line), bars))
				break;
			start = strtoull(line, NULL, 0);
			*pfn = start / page_size;
			if (!start || !(memmap_page(*pfn).state & TEST_MEMMAP_DEVICE))
				continue;
			snprintf(path, sizeof(path), "%.128s/../resource%d",
				 dirs.gl_pathv[i], bar);
			ksft_print_msg("%s: pfn %#lx\n", path, *pfn);
			fd = open(path, O_RDWR | O_CLOEXEC);
		}
		if (bars)
			fclose(bars);
	}
	globfree(&dirs);
	return fd;
}

static void test_p2p(void)
{
	static const char *const words[] = {
		"pinned", "locked", "unmap", "released", "references"
	};
	unsigned long pfn;
	int fd = open_p2p_bar(&pfn);
	size_t i;

	if (fd < 0) {
		for (i = 0; i < ARRAY_SIZE(words); i++)
			ksft_test_result_skip("p2p_%s: no PCI device with p2pmem\n",
					      words[i]);
		return;
	}
	test_pfnmap("p2p", fd, 0, pfn);
	close(fd);
}

/*
 * The pages of a device by way of /dev/mem: who unmaps them can't tell that
 * they have no pin, so that they can't be mapped. Other than what it leaves
 * behind, whose pgmap is gone.
 */
static void test_devmem(const struct dax *dax)
{
	const off_t offset = dax->data.pfn * page_size;
	struct part parts[] = {
		make_part(ANONYMOUS, 0, NR),
		make_part(mem_fd, offset, NR),
	};

	parts[1].pfnmap = true;
	test_refused(&vfio, "devmem", parts, ARRAY_SIZE(parts));

	if (!bind_dax(dax, false))
		ksft_exit_fail_msg("%s: can't be unbound\n", dax->name);
	test_pfnmap("left_behind", mem_fd, offset, dax->data.pfn);
	ksft_test_result(bind_dax(dax, true) &&
			 check_pages("rebind", &dax->all, DEVICE_MASK,
				     DEVICE_PAGE, dax->nid), "rebind\n");
}

int main(int argc, char *argv[])
{
	const char *ns = begin_vfio(&vfio, argc, argv);
	struct dax dax = {};

	page_size = sysconf(_SC_PAGESIZE);
	mem_fd = require_dev_mem();
	ksft_set_plan(NR_CASES);
	open_container(&vfio);
	test_bar();
	test_p2p();
	make_dax(ns, "4K", &dax);
	test_devmem(&dax);

	ksft_exit(!ksft_get_fail_cnt());
}
