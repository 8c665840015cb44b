// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) at the edges, with RAM and device DAX side by side: the limit
 * on locked memory, page frames in no order, mappings that fail half way, and
 * mapping over and over. Whatever happens, what was pinned is unpinned, once.
 *
 * usage: memmap_vfio_edges [namespace]
 *
 * Wants an IOMMU, QEMU's "edu" PCI device and /dev/mem. What is in the
 * namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "memmap_vfio.h"

#define NR		64UL	/* pages of a part, in most cases */
#define NR_CYCLES	1000
#define HUGE		(2 * MB / page_size)
#define DMA_ENTRIES	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
#ifdef PIN_V7
#define NR_CASES	37
#else
#define NR_CASES	33
#endif

static struct vfio vfio;
static struct dax dax;
static size_t page_size;
static int dax_fd, mem_fd;
static size_t dax_used;		/* base leaves pins behind: nothing twice */

static struct part ram_part(size_t nr)
{
	return make_part(ANONYMOUS, 0, nr);
}

/* The next pages of the device that were not used so far. */
static struct part dax_part(size_t nr)
{
	struct part part = make_part(dax_fd, dax_used * page_size, nr);

	dax_used += nr;
	return part;
}

static void test_half_way(void)
{
	struct part parts[] = { ram_part(NR), dax_part(NR), {}, ram_part(NR) };
	unsigned long pfn;

	parts[2] = make_part(UNMAPPED, 0, NR);
	test_refused(&vfio, "unmapped", parts, ARRAY_SIZE(parts));

	parts[1] = dax_part(NR);
	parts[2] = dax_part(NR);
	parts[2].readonly = true;
	test_refused(&vfio, "readonly", parts, ARRAY_SIZE(parts));

	/* The same page frames go on, but without a pin. */
	parts[1] = dax_part(NR);
	pfn = dax.data.pfn + dax_used;
	parts[2] = make_part(mem_fd, pfn * page_size, NR);
	parts[2].pfnmap = true;
	dax_used += NR;
	test_refused(&vfio, "unpinned", parts, ARRAY_SIZE(parts));
	ksft_test_result(is("references", count_references(pfn, NR), NR),
			 "unpinned_references\n");
}

/* The limit on locked memory does not bind who has this capability. */
static bool set_ipc_lock(bool on)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return false;
	if (on)
		data[0].effective |= 1U << CAP_IPC_LOCK;
	else
		data[0].effective &= ~(1U << CAP_IPC_LOCK);
	return !syscall(SYS_capset, &header, data);
}

static int map_dma_limited(const struct memory *mem, long limit)
{
	struct rlimit old, new;
	int err;

	getrlimit(RLIMIT_MEMLOCK, &old);
	new.rlim_cur = limit;
	new.rlim_max = old.rlim_max < new.rlim_cur ? new.rlim_cur : old.rlim_max;
	if (!set_ipc_lock(false) || setrlimit(RLIMIT_MEMLOCK, &new))
		return -1;
	err = map_dma(&vfio, mem);
	setrlimit(RLIMIT_MEMLOCK, &old);
	set_ipc_lock(true);

	return err;
}

/* @nr_ram: of the pages, those that count. One less is not allowed. */
static void test_limit(const char *word, const struct part *parts,
		       size_t nr_parts, size_t nr_ram)
{
	long limit = nr_ram * page_size;
	struct memory mem;
	int err;

	get_memory(&mem, parts, nr_parts);
	err = map_dma_limited(&mem, limit);
	ksft_test_result(is("errno", err, 0) &&
			 is("locked bytes", locked(), limit) &&
			 unmap_dma(&vfio, &mem) &&
			 is("locked bytes left", locked(), 0),
			 "%s_limit\n", word);
	if (nr_ram) {
		err = map_dma_limited(&mem, limit - page_size);
		ksft_test_result(is("errno", err, ENOMEM),
				 "%s_limit_short\n", word);
		if (!err)
			unmap_dma(&vfio, &mem);
	}
	ksft_test_result(check_released(&mem), "%s_limit_released\n", word);
	put_memory(&mem);
}

static void test_limits(void)
{
	struct part parts[] = { ram_part(NR), dax_part(NR), ram_part(NR) };
	struct part whole = ram_part(HUGE);

	/* Page frames in a row are pinned at a time; most others are not. */
	test_limit("ram", parts, 1, NR);
	whole.in_one_piece = true;
	test_limit("whole", &whole, 1, HUGE);
	test_limit("mixed", parts, ARRAY_SIZE(parts), 2 * NR);
	parts[1] = dax_part(NR);
	test_limit("dax", &parts[1], 1, 0);
}

/* Page by page: the device from its end on, and between pages of RAM. */
static void test_order(void)
{
	struct part parts[NR];
	struct memory mem;
	size_t i;

	for (i = NR; i--; )
		parts[i] = dax_part(1);
	get_memory(&mem, parts, NR);
	test_map(&vfio, "reverse", &mem, 0);
	put_memory(&mem);

	for (i = 0; i < NR; i++)
		parts[i] = i % 2 ? dax_part(1) : ram_part(1);
	get_memory(&mem, parts, NR);
	test_map(&vfio, "in_turns", &mem, NR / 2 * page_size);
	put_memory(&mem);
}

/* Another mapping is in the way: it stays, and nothing else comes. */
static void test_exists(void)
{
	const struct part first = dax_part(NR), second = dax_part(NR);
	struct memory mem, late;
	bool good;

	get_memory(&mem, &first, 1);
	get_memory(&late, &second, 1);
	good = !map_dma(&vfio, &mem) &&
	       is("errno", map_dma_at(&vfio, &late, IOVA + mem.size - page_size),
		  EEXIST) &&
	       is("errno", map_dma_at(&vfio, &late, IOVA - late.size + page_size),
		  EEXIST);
	ksft_test_result(good && is("pins", count_pins(&mem), NR), "exists\n");
	ksft_test_result(check_released(&late), "exists_released\n");
	ksft_test_result(unmap_dma(&vfio, &mem) && check_released(&mem),
			 "exists_first_released\n");
	put_memory(&late);
	put_memory(&mem);
}

static void test_cycles(void)
{
	const struct part parts[] = { ram_part(4), dax_part(8), ram_part(4) };
	const struct pages pages = { dax.data.pfn + dax_used - 8, 8 };
	long long start = now_ms();
	struct memory mem;
	bool good = true;
	int i;

	get_memory(&mem, parts, ARRAY_SIZE(parts));
	for (i = 0; good && i < NR_CYCLES; i++)
		good = !map_dma(&vfio, &mem) && unmap_dma(&vfio, &mem);
	ksft_print_msg("%d cycles in %lld ms\n", i, now_ms() - start);
	ksft_test_result(good, "cycles\n");
	ksft_test_result(check_released(&mem), "cycles_released\n");
	ksft_test_result(check_pages("cycles", &pages, DEVICE_MASK, DEVICE_PAGE,
				     dax.nid), "cycles_references\n");
	put_memory(&mem);
}
#ifdef PIN_V7

/* Most of what is free: the page of it that has this page frame, or NULL. */
static char *find_page(unsigned long want)
{
	static uint64_t words[4096];
	const uint64_t present = 1ULL << 63, mask = (1ULL << 55) - 1;
	size_t nr = sysconf(_SC_AVPHYS_PAGES) / 10 * 8, i, j;
	char *area;
	int fd;

	area = mmap(NULL, nr * page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (area == MAP_FAILED || fd < 0)
		ksft_exit_fail_msg("pagemap: %s\n", strerror(errno));
	madvise(area, nr * page_size, MADV_NOHUGEPAGE);
	for (i = 0; i < nr; i += ARRAY_SIZE(words)) {
		for (j = i; j < nr && j < i + ARRAY_SIZE(words); j++)
			area[j * page_size] = 1;
		if (pread(fd, words, sizeof(words), ((uintptr_t)area / page_size + i) *
			  sizeof(*words)) < 0)
			break;
		for (j = 0; j < ARRAY_SIZE(words) && i + j < nr; j++)
			if (words[j] & present && (words[j] & mask) == want) {
				close(fd);
				return area + (i + j) * page_size;
			}
	}
	close(fd);
	munmap(area, nr * page_size);
	return NULL;
}

/* RAM that begins where the device ends, mapped behind the end of the device. */
static void test_behind(void)
{
	const struct part parts[] = {
		make_part(dax_fd, (dax.data.nr - 1) * page_size, 1), ram_part(1),
	};
	static const char *const words[] = { "pinned", "locked", "unmap", "released" };
	unsigned long pfn = dax.data.pfn + dax.data.nr;
	struct memory mem;
	char *ram = NULL;
	size_t i;

	if (memmap_page(pfn).state & TEST_MEMMAP_ONLINE)
		ram = find_page(pfn);
	if (!ram) {
		for (i = 0; i < ARRAY_SIZE(words); i++)
			ksft_test_result_skip("behind_%s: no RAM to be had behind the device\n",
					      words[i]);
		return;
	}
	get_memory(&mem, parts, ARRAY_SIZE(parts));
	if (mremap(ram, page_size, page_size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   mem.addr + page_size) == MAP_FAILED)
		ksft_exit_fail_msg("mremap: %s\n", strerror(errno));
	mem.pfn[1] = pfn;
	test_map(&vfio, "behind", &mem, page_size);
	put_memory(&mem);
}
#endif

int main(int argc, char *argv[])
{
	const char *ns = begin_vfio(&vfio, argc, argv);

	page_size = sysconf(_SC_PAGESIZE);
	mem_fd = require_dev_mem();
	ksft_set_plan(NR_CASES);
	/* A few mappings at a time: whether they are given back shows early. */
	if (write_text(DMA_ENTRIES, "8"))
		ksft_print_msg("%s: can't be written\n", DMA_ENTRIES);
	open_container(&vfio);
	make_dax(ns, "4K", &dax);
	dax_fd = open_dax(&dax);
	test_half_way();
	test_limits();
	test_order();
	test_exists();
	test_cycles();
#ifdef PIN_V7
	test_behind();
#endif
	ksft_test_result(check_pages("unused", &dax.all, DEVICE_MASK,
				     DEVICE_PAGE, dax.nid), "references\n");

	ksft_exit(!ksft_get_fail_cnt());
}
