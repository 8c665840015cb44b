// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) and a device without an IOMMU of its own, like a mediated
 * device, which pins pages with vfio_pin_pages(): RAM, device DAX, and
 * VM_PFNMAP memory, which is not pinned. At first it is alone in its container;
 * then a device with an IOMMU joins, for which all memory is pinned, and leaves
 * again.
 *
 * usage: memmap_vfio_pins [namespace | ram]
 *
 * Needs an IOMMU, QEMU's "edu" PCI device and /dev/mem. The contents of the
 * namespace (namespace0.0) get lost. With "ram" it
 * needs two CPUs and no namespace: RAM that is pinned gets unmapped, then by two
 * processes at once.
 */
#include <sched.h>

#include "file.h"
#include "vfio.h"

#define DEVICE		"/sys/devices/platform/test_memmap"
#define NR		64UL	/* pages of a part */
#define NR_PIN		8UL	/* pages that the device pins */
#define NR_CASES	18
#define NR_RACES	100
#define RACE_SECONDS	10	/* until a round has hung */

static struct vfio emulated, edu;
static struct vfio_memory mem;	/* RAM, device DAX, /dev/mem */
static struct dax dax;
static int device;

static void open_device(void)
{
	if (!vfio_find_group(&emulated, DEVICE))
		ksft_exit_fail_msg(DEVICE ": no group\n");
	vfio_open(&emulated);
	device = ioctl(emulated.group, VFIO_GROUP_GET_DEVICE_FD, "test_memmap");
	if (device < 0)
		ksft_exit_fail_msg("test_memmap: %s\n", strerror(errno));
}

static void get_memory(void)
{
	const int fd = dax_open(&dax), mem_fd = file_open_mem();
	struct vfio_part parts[] = {
		vfio_ram(NR),
		vfio_part(fd, 0, NR),
		vfio_part(mem_fd, (dax.data.pfn + NR) * page_size(), NR),
	};

	parts[2].pfnmap = true;
	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	close(mem_fd);
	close(fd);
}

static bool pin_at(size_t offset, size_t npage)
{
	struct test_memmap_range range = { .iova = VFIO_IOVA + offset, .npage = npage };

	return test_is("pin", ioctl(device, TEST_MEMMAP_PIN, &range), 0);
}

/* Pin NR_PIN pages of the memory, from number @page on. */
static bool pin(size_t page)
{
	return pin_at(page * page_size(), NR_PIN);
}

static bool unpin(void)
{
	return test_is("unpin", ioctl(device, TEST_MEMMAP_UNPIN), 0);
}

static bool is(size_t pins, size_t locked)
{
	return test_is("pins", vfio_pins(&mem), pins) &
	       test_is("locked pages", vfio_locked() / page_size(), locked);
}

static void test_pin(const char *word, size_t page, size_t pins, size_t locked)
{
	bool good = !vfio_map(&emulated, &mem) && is(0, 0) && pin(page);

	ksft_test_result(is(pins, locked) && good, "%s_pinned\n", word);
	good = unpin();
	ksft_test_result(is(0, 0) && vfio_unmap(&emulated, &mem) && good, "%s_released\n", word);
}

/* Pin the last page of the RAM, as vfio-ccw may: by the address of its middle. */
static void test_unaligned(void)
{
	bool good = !vfio_map(&emulated, &mem) && pin_at(NR * page_size() - page_size() / 2, 1);

	good = is(1, 1) && good;
	good = unpin() && good;
	ksft_test_result(is(0, 0) && vfio_unmap(&emulated, &mem) && good, "unaligned\n");
}

/* Unmapping unpins the device's pages first, of which @locked are RAM. */
static void test_unmap(size_t page, size_t locked)
{
	bool good = !vfio_map(&emulated, &mem) && pin(page) && is(NR_PIN, locked);

	ksft_test_result(vfio_unmap(&emulated, &mem) && good, "unmap\n");
	ksft_test_result(vfio_is_released(&mem), "unmap_released\n");
}

static bool join(bool yes)
{
	const int err = yes ? ioctl(edu.group, VFIO_GROUP_SET_CONTAINER, &emulated.container) :
			      ioctl(edu.group, VFIO_GROUP_UNSET_CONTAINER);

	return test_is(yes ? "join" : "leave", err, 0);
}

/*
 * Half of what the device has pinned is RAM, the other half is device DAX. RAM
 * that is pinned for both counts once.
 */
static void test_join(void)
{
	bool good;

	vfio_open_group(&edu);
	good = !vfio_map(&emulated, &mem) && pin(NR - NR_PIN / 2) && is(NR_PIN, NR_PIN / 2);

	good = join(true) && good;
	ksft_test_result(is(2 * NR + NR_PIN, NR) && good, "join\n");
	good = join(false) && good;
	ksft_test_result(is(NR_PIN, NR_PIN / 2) && good, "leave\n");
	good = join(true) && good;
	ksft_test_result(is(2 * NR + NR_PIN, NR) && good, "join_again\n");
	good = unpin() && good;
	ksft_test_result(is(2 * NR, NR) && good, "join_unpinned\n");
	ksft_test_result(vfio_unmap(&emulated, &mem) && good, "join_unmap\n");
	ksft_test_result(vfio_is_released(&mem), "join_released\n");
}

/*
 * Replace device DAX that the device has pinned, which does not count as
 * locked, with RAM. All of the RAM counts once it is pinned for the IOMMU.
 */
static void test_remap(void)
{
	void *place = mem.addr + NR * page_size();
	bool good = join(false) && !vfio_map(&emulated, &mem) && pin(NR) && is(NR_PIN, 0);

	if (mmap(place, NR * page_size(), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	good = join(true) && good;
	ksft_test_result(is(NR + NR_PIN, 2 * NR) && good, "remap\n");
	good = unpin();
	ksft_test_result(vfio_unmap(&emulated, &mem) && vfio_is_released(&mem) && good,
			 "remap_released\n");
}

/* Shared with the processes that unmap, in each round once. */
static volatile struct {
	int round;
	int done[2];
} *races;

static void start_unmapping(int i)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	int round;

	if (test_fork())
		return;
	for (round = 1;; round++) {
		while (races->round < round)
			sched_yield();
		unmap = (struct vfio_iommu_type1_dma_unmap) {
			.argsz = sizeof(unmap),
			.iova = VFIO_IOVA,
			.size = mem.size,
		};
		if (ioctl(emulated.container, VFIO_IOMMU_UNMAP_DMA, &unmap))
			_exit(errno);
		races->done[i] = round;
	}
}

static bool run_race(int round)
{
	long long end = test_ms() + RACE_SECONDS * 1000;
	bool good = !vfio_map(&emulated, &mem) && pin(0);

	races->round = round;
	while ((races->done[0] < round || races->done[1] < round) && test_ms() < end)
		usleep(100);
	return good && races->done[0] == round && races->done[1] == round;
}

/* Two processes unmap memory that the device has pinned. */
static void test_race(void)
{
	int round = 1;

	races = mem_map_shared(sizeof(*races));
	start_unmapping(0);
	start_unmapping(1);
	while (round <= NR_RACES && run_race(round))
		round++;
	ksft_test_result(test_is("rounds", round - 1, NR_RACES), "race\n");
	/* Closing the device, and ending, would wait for those that hang. */
	if (round <= NR_RACES) {
		fflush(stdout);
		_exit(KSFT_FAIL);
	}
}

static void test_ram(void)
{
	const struct vfio_part ram = vfio_ram(NR);

	test_begin();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	ksft_set_plan(3);
	open_device();
	vfio_get_memory(&mem, &ram, 1);
	test_unmap(0, NR_PIN);
	test_race();
	close(device);
	vfio_put_memory(&mem);
	ksft_exit(!ksft_get_fail_cnt());
}

int main(int argc, char *argv[])
{
	const char *ns;

	if (argc == 2 && !strcmp(argv[1], "ram"))
		test_ram();
	ns = vfio_begin(&edu, argc, argv);

	ksft_set_plan(NR_CASES);
	open_device();
	dax_make(ns, "4K", &dax);
	get_memory();
	test_pin("ram", 0, NR_PIN, NR_PIN);
	test_unaligned();
	test_pin("dax", NR, NR_PIN, 0);
	test_pin("unpinned", 2 * NR, 0, 0);
	test_unmap(NR - NR_PIN / 2, NR_PIN / 2);
	test_join();
	test_remap();
	close(device);
	vfio_put_memory(&mem);
	ksft_test_result(dax_bind(&dax, false), "unbind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
