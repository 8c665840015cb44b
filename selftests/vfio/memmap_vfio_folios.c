// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) and device DAX with pages of 2M or 1G: whole pages, a range
 * that begins and ends in the middle of one, and a single small page of one.
 * Each small page has one pin, and does not count as locked memory.
 *
 * usage: memmap_vfio_folios [namespace [align]]
 *
 * Needs an IOMMU and QEMU's "edu" PCI device. The contents of the namespace
 * (namespace0.0) get lost.
 */
#include "vfio.h"

#define NR_PAGES	2	/* large ones */
#define NR_CASES	10

static struct vfio vfio;
static struct dax dax;

/* True if there are @want more pins than @before, and no locked memory. */
static bool check(const char *what, long long before, long want)
{
	return test_is(what, vfio_all_pins() - before, want) &
	       test_is("locked bytes", vfio_locked(), 0);
}

static void test_map(const char *word, char *addr, size_t size)
{
	const struct vfio_memory mem = { .addr = addr, .size = size };
	const long long before = vfio_all_pins();
	bool good;

	good = test_is("map", vfio_map(&vfio, &mem), 0) &&
	       check("pins", before, size / page_size());
	ksft_test_result(good, "%s_pinned\n", word);
	good = vfio_unmap(&vfio, &mem);
	ksft_test_result(check("pins left", before, 0) && good, "%s_released\n", word);
}

static void test_closed(char *addr, size_t size)
{
	const struct vfio_memory mem = { .addr = addr, .size = size };
	const long long before = vfio_all_pins();
	bool good;

	good = test_is("map", vfio_map(&vfio, &mem), 0) &&
	       check("pins", before, size / page_size());
	ksft_test_result(good, "closed_pinned\n");
	vfio_close(&vfio);
	ksft_test_result(check("pins left", before, 0), "closed_released\n");
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	const char *align = argc > 2 ? argv[2] : "2M";
	const size_t size = (strcmp(align, "1G") ? 2 : 1024) * MB;
	char *addr;
	int fd;

	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	dax_make(ns, align, &dax);
	if (dax.data.nr < NR_PAGES * size / page_size())
		ksft_exit_skip("needs a larger namespace\n");
	addr = mem_reserve_aligned(NR_PAGES * size, size);
	fd = dax_open(&dax);
	if (mmap(addr, NR_PAGES * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 fd, 0) == MAP_FAILED)
		ksft_exit_fail_msg("%s: mmap: %s\n", dax.name, strerror(errno));
	close(fd);

	test_map("whole", addr, NR_PAGES * size);
	test_map("middle", addr + size / 2, size);
	test_map("page", addr + size / 2, page_size());
	test_closed(addr, NR_PAGES * size);
	munmap(addr, NR_PAGES * size);
	ksft_test_result(dax_check("unused", &dax), "references\n");
	ksft_test_result(dax_bind(&dax, false), "unbind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
