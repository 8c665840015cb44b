// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX pages that VFIO maps for a device (type1v2): they are pinned,
 * are not counted as locked memory, and are given back, so that the DAX device
 * can be unbound afterwards. Anonymous memory is the control.
 *
 * usage: memmap_vfio [namespace [align]]
 *
 * Wants an IOMMU and QEMU's "edu" PCI device. What is in the namespace
 * (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include "memmap_vfio.h"

#define NR_CASES	17

#ifdef PIN_V7
/*
 * Unmap while the driver is being unbound. That does not wait for pins, but the
 * struct pages have to be there: it waits for who holds the pgmap.
 */
#else
/* Unmap while the driver is being unbound, which waits for just that. */
#endif
static bool test_unbind(const struct vfio *vfio, const struct dax *dax,
			const struct memory *mem)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	bool good = map_dma(vfio, mem) == 0;
#ifdef PIN_V7
	int held = hold_pgmap(mem->pfn[0]);
#endif
	pid_t pid;

	pid = start_bind(dax, false);
	while (memmap_page(mem->pfn[0]).state & TEST_MEMMAP_PGMAP) {
		if (now_ms() > end) {
			ksft_print_msg("%s: not going\n", dax->name);
			break;
		}
		usleep(1000);
	}
	good = unmap_dma(vfio, mem) && good;
#ifdef PIN_V7
	good &= held >= 0;
	close(held);
#endif
	ksft_test_result(is("locked bytes left", locked(), 0) && good,
			 "unbind_locked\n");

	good = wait_bind(dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	return good;
}

/* @size bytes of the device from @offset on. */
static void get_dax(struct memory *mem, int fd, size_t size, off_t offset)
{
	const struct part part = { .fd = fd, .size = size, .offset = offset };

	get_memory(mem, &part, 1);
}

int main(int argc, char *argv[])
{
	struct vfio vfio = {};
	const char *ns = begin_vfio(&vfio, argc, argv);
	const char *align = argc > 2 ? argv[2] : "4K";
	struct part parts[] = {
		{ .fd = ANONYMOUS, .size = 2 * MB },
		{ .size = 2 * MB, .offset = 16 * MB },
		{ .fd = ANONYMOUS, .size = 2 * MB },
	};
	struct memory mem = {};
	struct dax dax = {};
	bool good;
	int fd;

	ksft_set_plan(NR_CASES);
	open_container(&vfio);
	make_dax(ns, align, &dax);
	fd = open_dax(&dax);
	parts[1].fd = fd;

	get_memory(&mem, parts, 1);
	test_map(&vfio, "ram", &mem, 2 * MB);
	put_memory(&mem);

	/* A part of the device for each: base leaves pins behind. */
	get_dax(&mem, fd, 16 * MB, 0);
	test_map(&vfio, "dax", &mem, 0);
	put_memory(&mem);

	get_memory(&mem, parts, ARRAY_SIZE(parts));
	test_map(&vfio, "mixed", &mem, 4 * MB);
	put_memory(&mem);

	/* Without an unmap: who has the container open just goes away. */
	get_dax(&mem, fd, 2 * MB, 20 * MB);
	good = map_dma(&vfio, &mem) == 0;
	close(vfio.container);
	close(vfio.group);
	ksft_test_result(good && check_released(&mem), "closed_released\n");
	put_memory(&mem);

	ksft_test_result(check_pages("unused", &dax.all, DEVICE_MASK,
				     DEVICE_PAGE, dax.nid), "references\n");

	open_container(&vfio);
	get_dax(&mem, fd, 2 * MB, 22 * MB);
	close(fd);
	good = test_unbind(&vfio, &dax, &mem);
	put_memory(&mem);
	ksft_test_result(good && bind_dax(&dax, true), "rebind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
