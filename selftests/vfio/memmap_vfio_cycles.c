// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) maps and unmaps a page of RAM and a page of device DAX 100000
 * times; or, with "wide", a page of device DAX at many addresses at once, until
 * leaked pins would have overflowed its refcount. Nothing may accumulate,
 * neither in the page nor in the accounting of the process, and the page stays
 * usable.
 *
 * usage: memmap_vfio_cycles [namespace [wide]]
 *
 * Needs an IOMMU and QEMU's "edu" PCI device. The contents of the namespace
 * (namespace0.0) get lost.
 */
#include <limits.h>

#include "vfio.h"

#define NR_CYCLES	100000
#define NR_WIDE		512	/* addresses of the page in a mapping */
#define NR_CASES	6
#define NR_WIDE_CASES	4

static struct vfio vfio;

/* What must be the same afterwards. */
struct sight {
	long long pins;		/* of all pages: acquired, not released */
	long locked, pinned;	/* bytes, of this process */
	int refcount;
	unsigned int state;
};

static struct sight look(unsigned long pfn)
{
	struct test_memmap_page page = page_get(pfn);

	return (struct sight){
		.pins = vfio_all_pins(),
		.locked = vfio_status("VmLck"),
		.pinned = vfio_status("VmPin"),
		.refcount = page.refcount,
		.state = page.state,
	};
}

/* Returns how often it was mapped and unmapped. */
static int cycle(const char *word, const struct vfio_memory *mem, int nr)
{
	long long start = test_ms();
	int err = 0, i;

	for (i = 0; i < nr; i++) {
		err = vfio_map(&vfio, mem);
		if (err || !vfio_unmap(&vfio, mem))
			break;
	}
	ksft_print_msg("%s: %d cycles of %zu pages in %lld ms\n", word, i,
		       mem->nr, test_ms() - start);
	if (i < nr)
		ksft_print_msg("%s: %s\n", word, err ? strerror(err) : "unmap");
	return i;
}

/* Three tests: the cycles, and nothing is left in the page and the process. */
static void test_cycles(const char *word, const struct vfio_memory *mem, int nr)
{
	struct sight old = look(mem->pfn[0]), new;

	ksft_test_result(cycle(word, mem, nr) == nr, "%s\n", word);
	new = look(mem->pfn[0]);
	ksft_test_result(test_is("refcount", new.refcount, old.refcount) &
			 test_is("state", new.state, old.state) &
			 test_is("pins", new.pins, old.pins), "%s_page\n", word);
	ksft_test_result(test_is("locked bytes", new.locked, old.locked) &
			 test_is("pinned bytes", new.pinned, old.pinned),
			 "%s_process\n", word);
}

/*
 * Touch more pages until nobody else has a reference: a CPU's LRU cache has one
 * to each of the last few pages that it faulted in.
 */
static void settle(const struct vfio_memory *mem)
{
	const char *end = (char *)mem->area + mem->area_size;
	char *more = mem->area;

	for (; page_get(mem->pfn[0]).refcount > 1; more += page_size()) {
		if (more == mem->addr)
			more += mem->size;
		if (more == end)
			ksft_exit_fail_msg("somebody has the page of RAM\n");
		*more = 1;
	}
}

/* Others can still take a reference and drop it. */
static bool vmsplice_page(char *addr)
{
	char *page = mem_map(page_size());
	bool good = false;
	int held[2];

	if (mem_hold(held, addr, 1))
		good = read(held[0], page, page_size()) == (ssize_t)page_size();
	mem_release(held);
	munmap(page, page_size());
	return good;
}

static void test_narrow(int fd)
{
	struct vfio_part part = vfio_part(VFIO_ANONYMOUS, 0, 1);
	struct vfio_memory mem = {};

	vfio_get_memory(&mem, &part, 1);
	settle(&mem);
	test_cycles("ram", &mem, NR_CYCLES);
	vfio_put_memory(&mem);

	part = vfio_part(fd, 0, 1);
	vfio_get_memory(&mem, &part, 1);
	test_cycles("dax", &mem, NR_CYCLES);
	vfio_put_memory(&mem);
}

static void test_wide(int fd)
{
	struct vfio_part parts[NR_WIDE];
	struct vfio_memory mem = {};
	int i;

	for (i = 0; i < NR_WIDE; i++)
		parts[i] = vfio_part(fd, 0, 1);
	vfio_get_memory(&mem, parts, NR_WIDE);
	/* Without consecutive pfns, each page but the first is pinned twice. */
	test_cycles("wide", &mem, INT_MAX / VFIO_PIN / (2 * NR_WIDE - 1) + 1);
	ksft_test_result(vmsplice_page(mem.addr), "wide_vmsplice\n");
	vfio_put_memory(&mem);
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	bool wide = argc > 2 && !strcmp(argv[2], "wide");
	struct dax dax = {};
	int fd;

	ksft_set_plan(wide ? NR_WIDE_CASES : NR_CASES);
	vfio_open(&vfio);
	dax_make(ns, "4K", &dax);
	fd = dax_open(&dax);
	if (wide)
		test_wide(fd);
	else
		test_narrow(fd);

	ksft_exit(!ksft_get_fail_cnt());
}
