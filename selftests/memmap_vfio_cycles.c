// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) maps and unmaps a page of RAM and a page of device DAX a
 * hundred thousand times; or ("wide") a page of device DAX at many addresses at
 * a time, until it has been pinned more often than its count has room for:
 * nothing adds up, neither at the page nor in what the process has to answer
 * for, and the page is as good as new.
 *
 * usage: memmap_vfio_cycles [namespace [wide]]
 *
 * Wants an IOMMU and QEMU's "edu" PCI device. What is in the namespace
 * (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sys/uio.h>

#include "memmap_vfio.h"

#define NR_CYCLES	100000
#define NR_WIDE		512	/* addresses of the page in a mapping */
#define NR_CASES	6
#define NR_WIDE_CASES	4

static struct vfio vfio;

/* What must be the same afterwards. */
struct sight {
	long long pins;		/* of all pages: got, and not given back */
	long locked, pinned;	/* bytes, of this process */
	int refcount;
	unsigned int state;
};

static struct sight look(unsigned long pfn)
{
	struct test_memmap_page page = memmap_page(pfn);

	return (struct sight){
		.pins = count_all_pins(),
		.locked = status_bytes("VmLck"),
		.pinned = status_bytes("VmPin"),
		.refcount = page.refcount,
		.state = page.state,
	};
}

/* How often it was mapped and unmapped again. */
static int cycle(const char *word, const struct memory *mem, int nr)
{
	long long start = now_ms();
	int err = 0, i;

	for (i = 0; i < nr; i++) {
		err = map_dma(&vfio, mem);
		if (err || !unmap_dma(&vfio, mem))
			break;
	}
	ksft_print_msg("%s: %d cycles of %zu pages in %lld ms\n", word, i,
		       mem->nr, now_ms() - start);
	if (i < nr)
		ksft_print_msg("%s: %s\n", word, err ? strerror(err) : "unmap");
	return i;
}

/* One test each for: it went well, the page, and the process. */
static void test_cycles(const char *word, const struct memory *mem, int nr)
{
	struct sight old = look(mem->pfn[0]), new;

	ksft_test_result(cycle(word, mem, nr) == nr, "%s\n", word);
	new = look(mem->pfn[0]);
	ksft_test_result(is("refcount", new.refcount, old.refcount) &
			 is("state", new.state, old.state) &
			 is("pins", new.pins, old.pins), "%s_page\n", word);
	ksft_test_result(is("locked bytes", new.locked, old.locked) &
			 is("pinned bytes", new.pinned, old.pinned),
			 "%s_process\n", word);
}

/*
 * Nobody but us is to have a reference: a CPU keeps one to each of the last few
 * pages that it has made, until there are more.
 */
static void settle(const struct memory *mem)
{
	const char *end = (char *)mem->area + mem->area_size;
	const size_t page_size = sysconf(_SC_PAGESIZE);
	char *more = mem->area;

	for (; memmap_page(mem->pfn[0]).refcount > 1; more += page_size) {
		if (more == mem->addr)
			more += mem->size;
		if (more == end)
			ksft_exit_fail_msg("somebody has the page of RAM\n");
		*more = 1;
	}
}

/* Others can still get a reference, and drop it. */
static bool vmsplice_page(char *addr)
{
	const size_t page_size = sysconf(_SC_PAGESIZE);
	struct iovec piece = { .iov_base = addr, .iov_len = page_size };
	char *page = malloc(page_size);
	bool good = false;
	int ends[2];

	if (!page || pipe2(ends, O_CLOEXEC))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	if (vmsplice(ends[1], &piece, 1, 0) != (ssize_t)page_size)
		ksft_print_msg("vmsplice: %s\n", strerror(errno));
	else
		good = read(ends[0], page, page_size) == (ssize_t)page_size;
	close(ends[0]);
	close(ends[1]);
	free(page);
	return good;
}

static void test_narrow(int fd)
{
	struct part part = make_part(ANONYMOUS, 0, 1);
	struct memory mem = {};

	get_memory(&mem, &part, 1);
	settle(&mem);
	test_cycles("ram", &mem, NR_CYCLES);
	put_memory(&mem);

	part = make_part(fd, 0, 1);
	get_memory(&mem, &part, 1);
	test_cycles("dax", &mem, NR_CYCLES);
	put_memory(&mem);
}

static void test_wide(int fd)
{
	struct part parts[NR_WIDE];
	struct memory mem = {};
	int i;

	for (i = 0; i < NR_WIDE; i++)
		parts[i] = make_part(fd, 0, 1);
	get_memory(&mem, parts, NR_WIDE);
	/* Where page frames are not in a row, each but the first is pinned twice. */
	test_cycles("wide", &mem, INT_MAX / PIN / (2 * NR_WIDE - 1) + 1);
	ksft_test_result(vmsplice_page(mem.addr), "wide_vmsplice\n");
	put_memory(&mem);
}

int main(int argc, char *argv[])
{
	const char *ns = begin_vfio(&vfio, argc, argv);
	bool wide = argc > 2 && !strcmp(argv[2], "wide");
	struct dax dax = {};
	int fd;

	ksft_set_plan(wide ? NR_WIDE_CASES : NR_CASES);
	open_container(&vfio);
	make_dax(ns, "4K", &dax);
	fd = open_dax(&dax);
	if (wide)
		test_wide(fd);
	else
		test_narrow(fd);

	ksft_exit(!ksft_get_fail_cnt());
}
