// SPDX-License-Identifier: GPL-2.0
/*
 * The cost of mapping and unmapping with VFIO (type1v2): device DAX with pages
 * of the namespace's alignment; also RAM for 4K and 2M, and a BAR for 4K.
 *
 * usage: memmap_vfio_cost [namespace [4K|2M|1G]]
 *
 * Needs an IOMMU and QEMU's "edu" PCI device. The contents of the namespace
 * (namespace0.0) get lost.
 *
 * There is no limit on the cost: scripts/bench/ makes a table of it. There, a
 * tick is an instruction.
 */
#include <stdio.h>
#include <time.h>

#include "file.h"
#include "vfio.h"

#define TRIES	16
#define SMALL	(HUGE_SIZE / page_size())	/* 4K pages that are mapped */

static struct vfio vfio;

static unsigned long long ticks(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
#endif
}

/* The best of TRIES: a timer may fire in between. */
static void test_cost(const char *word, const struct vfio_memory *mem)
{
	unsigned long long start, map = 0, unmap = 0;
	bool good = true;
	int i;

	for (i = 0; good && i < TRIES; i++) {
		start = ticks();
		good = !vfio_map(&vfio, mem);
		start = ticks() - start;
		if (!i || start < map)
			map = start;
		start = ticks();
		good = vfio_unmap(&vfio, mem) && good;
		start = ticks() - start;
		if (!i || start < unmap)
			unmap = start;
	}
	ksft_print_msg("cost of %s: %zu pages, ticks to map: %llu, to unmap: %llu\n",
		       word, mem->size / page_size(), map, unmap);
	ksft_test_result(good && map && unmap, "%s\n", word);
}

static void test_parts(const char *word, const struct vfio_part *part)
{
	struct vfio_memory mem;

	vfio_get_memory(&mem, part, 1);
	test_cost(word, &mem);
	vfio_put_memory(&mem);
}

/* RAM has consecutive pfns here, like the device. */
static void test_small(const struct dax *dax)
{
	struct vfio_part part = vfio_part(VFIO_ANONYMOUS, 0, SMALL);

	part.in_one_piece = true;
	test_parts("ram_4k", &part);
	part = vfio_part(dax_open(dax), 0, SMALL);
	test_parts("dax_4k", &part);
	close(part.fd);
	part = vfio_bar_part(&vfio, SMALL / 2, NULL);
	test_parts("bar", &part);
	close(part.fd);
}

/* @nr large pages of the device, and for 2M also of RAM. */
static void test_large(const struct dax *dax, const char *word, size_t size, size_t nr)
{
	char *addr = mem_reserve_aligned(nr * size, size);
	const struct vfio_memory mem = { .addr = addr, .size = nr * size };
	const int prot = PROT_READ | PROT_WRITE, fd = dax_open(dax);
	char name[16];

	if (size == HUGE_SIZE) {
		if (mmap(addr, mem.size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			ksft_exit_fail_msg("%zu bytes of memory: %s\n", mem.size, strerror(errno));
		madvise(addr, mem.size, MADV_HUGEPAGE);
		memset(addr, 1, mem.size);
		snprintf(name, sizeof(name), "ram_%s", word);
		test_cost(name, &mem);
	}
	if (mmap(addr, mem.size, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		ksft_exit_fail_msg("%s: mmap: %s\n", dax->name, strerror(errno));
	snprintf(name, sizeof(name), "dax_%s", word);
	test_cost(name, &mem);
	munmap(addr, nr * size);
	close(fd);
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	const char *align = argc > 2 ? argv[2] : "4K";
	struct dax dax = {};

	ksft_set_plan(!strcmp(align, "4K") ? 3 : !strcmp(align, "2M") ? 2 : 1);
	vfio_open(&vfio);
	dax_make(ns, align, &dax);
	if (!strcmp(align, "4K"))
		test_small(&dax);
	else if (!strcmp(align, "2M"))
		test_large(&dax, "2m", HUGE_SIZE, 16);
	else
		test_large(&dax, "1g", 1024 * MB, 2);

	ksft_exit(!ksft_get_fail_cnt());
}
