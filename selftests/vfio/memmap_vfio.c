// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX pages that VFIO maps for a device (type1v2): they are pinned, are
 * not counted as locked memory, and are unpinned, so that the DAX device can be
 * unbound afterwards. Anonymous memory is the control.
 *
 * usage: memmap_vfio [namespace [align]]
 *
 * Needs an IOMMU and QEMU's "edu" PCI device. The contents of the namespace
 * (namespace0.0) get lost.
 */
#include "vfio.h"

#define NR_CASES	17

static struct vfio vfio;
static struct dax dax;
static int dax_fd;

/* True if the pgmap is dead, but the pages are still device pages. */
static bool is_unbinding(const struct vfio_memory *mem)
{
	const unsigned int mask = TEST_MEMMAP_PGMAP | TEST_MEMMAP_DEVICE;

	return (page_get(mem->pfn[0]).state & mask) == TEST_MEMMAP_DEVICE;
}

/* True if it was unmapped while the driver was being unbound. */
static bool unmap_while_unbinding(const struct vfio_memory *mem, pid_t *pid)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;
	bool unbinding;

	*pid = dax_start_bind(&dax, false);
	do {
		usleep(1000);
		unbinding = is_unbinding(mem);
	} while (!unbinding && test_ms() < end);
	if (!unbinding)
		ksft_print_msg("%s: was not seen being unbound\n", dax.name);
	return vfio_unmap(&vfio, mem) && unbinding;
}

#ifdef PIN_V7
/*
 * Unbinding does not wait for pins, but for the pgmap: hold that, or the struct
 * pages would be gone.
 */
static bool unmap_late(const struct vfio_memory *mem, pid_t *pid)
{
	int held = dax_hold_pgmap(mem->pfn[0]);
	bool good = unmap_while_unbinding(mem, pid);

	close(held);
	return good && held >= 0;
}
#else
/* Unbinding waits for the pins. */
static bool unmap_late(const struct vfio_memory *mem, pid_t *pid)
{
	return unmap_while_unbinding(mem, pid);
}
#endif

/* @size bytes of the device from @offset on; each case has its own part. */
static void get_dax(struct vfio_memory *mem, size_t size, off_t offset)
{
	const struct vfio_part part = { .fd = dax_fd, .size = size, .offset = offset };

	vfio_get_memory(mem, &part, 1);
}

static void test_ram(void)
{
	const struct vfio_part part = { .fd = VFIO_ANONYMOUS, .size = 2 * MB };
	struct vfio_memory mem;

	vfio_get_memory(&mem, &part, 1);
	vfio_test_map(&vfio, "ram", &mem, 2 * MB);
	vfio_put_memory(&mem);
}

static void test_dax(void)
{
	struct vfio_memory mem;

	get_dax(&mem, 16 * MB, 0);
	vfio_test_map(&vfio, "dax", &mem, 0);
	vfio_put_memory(&mem);
}

static void test_mixed(void)
{
	const struct vfio_part parts[] = {
		{ .fd = VFIO_ANONYMOUS, .size = 2 * MB },
		{ .fd = dax_fd, .size = 2 * MB, .offset = 16 * MB },
		{ .fd = VFIO_ANONYMOUS, .size = 2 * MB },
	};
	struct vfio_memory mem;

	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	vfio_test_map(&vfio, "mixed", &mem, 4 * MB);
	vfio_put_memory(&mem);
}

/* Close the container without unmapping. */
static void test_closed(void)
{
	struct vfio_memory mem;
	bool good;

	get_dax(&mem, 2 * MB, 20 * MB);
	good = vfio_map(&vfio, &mem) == 0;
	vfio_close(&vfio);
	ksft_test_result(good && vfio_is_released(&mem), "closed_released\n");
	vfio_put_memory(&mem);
}

static void test_unbind(void)
{
	struct vfio_memory mem;
	bool good;
	pid_t pid;

	vfio_open(&vfio);
	get_dax(&mem, 2 * MB, 22 * MB);
	close(dax_fd);
	good = vfio_map(&vfio, &mem) == 0;
	good = unmap_late(&mem, &pid) && good;
	ksft_test_result(test_is("locked bytes left", vfio_locked(), 0) && good,
			 "unbind_locked\n");

	good = dax_wait_bind(&dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	vfio_put_memory(&mem);
	ksft_test_result(good && dax_bind(&dax, true), "rebind\n");
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);

	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	dax_make(ns, argc > 2 ? argv[2] : "4K", &dax);
	dax_fd = dax_open(&dax);

	test_ram();
	test_dax();
	test_mixed();
	test_closed();
	ksft_test_result(dax_check("unused", &dax), "references\n");
	test_unbind();

	ksft_exit(!ksft_get_fail_cnt());
}
