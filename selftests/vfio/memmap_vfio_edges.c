// SPDX-License-Identifier: GPL-2.0
/*
 * Corner cases of VFIO (type1v2), with RAM and device DAX side by side: the
 * limit on locked memory, pfns in no order, mappings that fail half way, and
 * mapping over and over. What was pinned must always be unpinned, exactly once.
 *
 * usage: memmap_vfio_edges [namespace [behind]]
 *
 * Needs an IOMMU and QEMU's "edu" PCI device; with "behind", RAM that begins
 * where the namespace ends. The contents of the namespace (namespace0.0) get
 * lost.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "file.h"
#include "vfio.h"

#define NR		64UL	/* pages of a part, in most cases */
#define NR_CYCLES	1000
#define HUGE		(HUGE_SIZE / page_size())
#define DMA_ENTRIES	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"
#define MAX_ENTRIES	"8"
#define NR_CASES	30
#define NR_BEHIND	4	/* more, in test_behind() */

static struct vfio vfio;
static struct dax dax;
static struct vfio_dax from;	/* takes its pages in order */

static void test_half_way(void)
{
	struct vfio_part parts[] = { vfio_ram(NR), vfio_dax(&from, NR), {}, vfio_ram(NR) };

	parts[2] = vfio_part(VFIO_UNMAPPED, 0, NR);
	vfio_test_refused(&vfio, "unmapped", parts, ARRAY_SIZE(parts));

	parts[1] = vfio_dax(&from, NR);
	parts[2] = vfio_dax(&from, NR);
	parts[2].readonly = true;
	vfio_test_refused(&vfio, "readonly", parts, ARRAY_SIZE(parts));
}

/* With CAP_IPC_LOCK there is no limit on locked memory. */
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

static int map_dma_limited(const struct vfio_memory *mem, long limit)
{
	struct rlimit old, new;
	int err;

	if (getrlimit(RLIMIT_MEMLOCK, &old))
		return -1;
	new.rlim_cur = limit;
	new.rlim_max = old.rlim_max < new.rlim_cur ? new.rlim_cur : old.rlim_max;
	if (!set_ipc_lock(false) || setrlimit(RLIMIT_MEMLOCK, &new))
		return -1;
	err = vfio_map(&vfio, mem);
	/* No limit for what follows. */
	if (setrlimit(RLIMIT_MEMLOCK, &old) || !set_ipc_lock(true))
		ksft_exit_fail_msg("the limit stays: %s\n", strerror(errno));

	return err;
}

/* @nr_ram: pages that count as locked. A limit of one less must fail. */
static void test_limit(const char *word, const struct vfio_part *parts,
		       size_t nr_parts, size_t nr_ram)
{
	long limit = nr_ram * page_size();
	struct vfio_memory mem;
	int err;

	vfio_get_memory(&mem, parts, nr_parts);
	err = map_dma_limited(&mem, limit);
	ksft_test_result(test_is("errno", err, 0) &&
			 test_is("locked bytes", vfio_locked(), limit) &&
			 vfio_unmap(&vfio, &mem) &&
			 test_is("locked bytes left", vfio_locked(), 0),
			 "%s_limit\n", word);
	if (nr_ram) {
		err = map_dma_limited(&mem, limit - page_size());
		ksft_test_result(test_is("errno", err, ENOMEM),
				 "%s_limit_short\n", word);
		if (!err)
			vfio_unmap(&vfio, &mem);
	}
	ksft_test_result(vfio_is_released(&mem), "%s_limit_released\n", word);
	vfio_put_memory(&mem);
}

static void test_limits(void)
{
	struct vfio_part parts[] = { vfio_ram(NR), vfio_dax(&from, NR), vfio_ram(NR) };
	struct vfio_part whole = vfio_ram(HUGE);

	/* Consecutive pfns, rare in other RAM, are pinned in one go. */
	test_limit("ram", parts, 1, NR);
	whole.in_one_piece = true;
	test_limit("whole", &whole, 1, HUGE);
	test_limit("mixed", parts, ARRAY_SIZE(parts), 2 * NR);
	parts[1] = vfio_dax(&from, NR);
	test_limit("dax", &parts[1], 1, 0);
}

/* Page by page: device pages in reverse order, and alternating with RAM. */
static void test_order(void)
{
	struct vfio_part parts[NR];
	struct vfio_memory mem;
	size_t i;

	for (i = NR; i--; )
		parts[i] = vfio_dax(&from, 1);
	vfio_get_memory(&mem, parts, NR);
	vfio_test_map(&vfio, "reverse", &mem, 0);
	vfio_put_memory(&mem);

	for (i = 0; i < NR; i++)
		parts[i] = i % 2 ? vfio_dax(&from, 1) : vfio_ram(1);
	vfio_get_memory(&mem, parts, NR);
	vfio_test_map(&vfio, "in_turns", &mem, NR / 2 * page_size());
	vfio_put_memory(&mem);
}

/* A mapping that overlaps another one fails, and leaves that alone. */
static void test_exists(void)
{
	const struct vfio_part first = vfio_dax(&from, NR), second = vfio_dax(&from, NR);
	struct vfio_memory mem, late;
	bool good;

	vfio_get_memory(&mem, &first, 1);
	vfio_get_memory(&late, &second, 1);
	good = !vfio_map(&vfio, &mem) &&
	       test_is("errno", vfio_map_at(&vfio, &late, VFIO_IOVA + mem.size - page_size()),
		       EEXIST) &&
	       test_is("errno", vfio_map_at(&vfio, &late, VFIO_IOVA - late.size + page_size()),
		       EEXIST);
	ksft_test_result(good && test_is("pins", vfio_pins(&mem), NR), "exists\n");
	ksft_test_result(vfio_is_released(&late), "exists_released\n");
	ksft_test_result(vfio_unmap(&vfio, &mem) && vfio_is_released(&mem),
			 "exists_first_released\n");
	vfio_put_memory(&late);
	vfio_put_memory(&mem);
}

/* Allow few mappings at a time, so that a leak shows early. */
static bool set_entry_limit(void)
{
	int err = file_write(DMA_ENTRIES, MAX_ENTRIES);

	if (err)
		ksft_print_msg("%s: %s\n", DMA_ENTRIES, strerror(-err));
	return !err;
}

static void test_cycles(bool limited)
{
	const struct vfio_part parts[] = { vfio_ram(4), vfio_dax(&from, 8), vfio_ram(4) };
	const struct pages pages = { dax.data.pfn + from.used - 8, 8 };
	long long start = test_ms();
	struct vfio_memory mem;
	bool good = true;
	int i;

	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	for (i = 0; good && i < NR_CYCLES; i++)
		good = !vfio_map(&vfio, &mem) && vfio_unmap(&vfio, &mem);
	ksft_print_msg("%d cycles in %lld ms\n", i, test_ms() - start);
	ksft_test_result(good && limited, "cycles\n");
	ksft_test_result(vfio_is_released(&mem), "cycles_released\n");
	ksft_test_result(page_check("cycles", &pages, DEVICE_MASK, DEVICE_PAGE,
				    dax.nid), "cycles_references\n");
	vfio_put_memory(&mem);
}

/* Map most of free memory. Returns its page with the pfn @want, or NULL. */
static char *find_page(unsigned long want)
{
	const size_t size = sysconf(_SC_AVPHYS_PAGES) / 10 * 8 * page_size();
	unsigned long pfn[512];
	char *area = mem_map(size), *addr;
	size_t nr, i;

	madvise(area, size, MADV_NOHUGEPAGE);
	for (addr = area; addr < area + size; addr += nr * page_size()) {
		nr = (area + size - addr) / page_size();
		if (nr > ARRAY_SIZE(pfn))
			nr = ARRAY_SIZE(pfn);
		for (i = 0; i < nr; i++)
			addr[i * page_size()] = 1;
		page_read_pfns(addr, pfn, nr);
		for (i = 0; i < nr; i++)
			if (pfn[i] == want)
				return addr + i * page_size();
	}
	munmap(area, size);
	return NULL;
}

/* Map the last page of the device, followed by the RAM page after it. */
static void test_behind(void)
{
	const struct vfio_part parts[] = {
		vfio_part(from.fd, (dax.data.nr - 1) * page_size(), 1), vfio_ram(1),
	};
	unsigned long pfn = dax.data.pfn + dax.data.nr;
	struct vfio_memory mem;
	char *ram = NULL;

	if (page_get(pfn).state & TEST_MEMMAP_ONLINE)
		ram = find_page(pfn);
	if (!ram)
		ksft_exit_fail_msg("no RAM to be had behind the device\n");
	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	if (mremap(ram, page_size(), page_size(), MREMAP_MAYMOVE | MREMAP_FIXED,
		   mem.addr + page_size()) == MAP_FAILED)
		ksft_exit_fail_msg("mremap: %s\n", strerror(errno));
	mem.pfn[1] = pfn;
	vfio_test_map(&vfio, "behind", &mem, page_size());
	vfio_put_memory(&mem);
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	const bool behind = argc > 2;
	bool limited;

	if (behind && strcmp(argv[2], "behind"))
		ksft_exit_skip("usage: memmap_vfio_edges [namespace [behind]]\n");
	ksft_set_plan(NR_CASES + behind * NR_BEHIND);
	/* Applies to containers that are opened later. */
	limited = set_entry_limit();
	vfio_open(&vfio);
	dax_make(ns, "4K", &dax);
	from.fd = dax_open(&dax);
	test_half_way();
	test_limits();
	test_order();
	test_exists();
	test_cycles(limited);
	if (behind)
		test_behind();
	ksft_test_result(dax_check("unused", &dax), "references\n");

	ksft_exit(!ksft_get_fail_cnt());
}
