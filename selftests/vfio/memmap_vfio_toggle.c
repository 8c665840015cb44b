// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) maps RAM while disable_hugepages, a parameter of its module, is
 * switched on and off: what is mapped is what was asked for, and no page more.
 *
 * usage: memmap_vfio_toggle
 *
 * Needs an IOMMU, QEMU's "edu" PCI device, two CPUs and transparent huge pages.
 */
#include <pthread.h>
#include <stdint.h>

#include "file.h"
#include "vfio.h"

#define PARAMETER	"/sys/module/vfio_iommu_type1/parameters/disable_hugepages"
#define NR_HUGE		16UL
#define SECONDS		10
#define NR_CASES	2

static struct vfio vfio;
static volatile bool done;

/*
 * Huge pages of which no two neighbours are consecutive page frames, and
 * nothing behind them. A batch of VFIO's (2M) that begins in the middle of one ends
 * in the next, so that half of it is left over each time.
 */
static char *make_area(void)
{
	char *from = mem_reserve(NR_HUGE * HUGE_SIZE), *to = mem_reserve((NR_HUGE + 1) * HUGE_SIZE);
	unsigned long i, half = NR_HUGE / 2;

	from = mmap(from, NR_HUGE * HUGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (from == MAP_FAILED || madvise(from, NR_HUGE * HUGE_SIZE, MADV_HUGEPAGE))
		ksft_exit_fail_msg("huge pages: %s\n", strerror(errno));
	memset(from, 1, NR_HUGE * HUGE_SIZE);
	for (i = 0; i < NR_HUGE; i++) {
		char *page = from + (i % 2 * half + i / 2) * HUGE_SIZE;

		if (mremap(page, HUGE_SIZE, HUGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + i * HUGE_SIZE) == MAP_FAILED)
			ksft_exit_fail_msg("mremap: %s\n", strerror(errno));
	}
	return to;
}

static void *toggle(void *unused)
{
	while (!done) {
		file_write(PARAMETER, "1");
		file_write(PARAMETER, "0");
	}
	return unused;
}

int main(void)
{
	struct vfio_memory mem = { .size = (NR_HUGE - 1) * HUGE_SIZE };
	bool mapped = true, locked = true;
	pthread_t thread;
	long long end;
	int err;

	test_begin();
	vfio_require(&vfio);
	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	mem.addr = make_area() + HUGE_SIZE / 2;
	if (munmap(mem.addr + mem.size, HUGE_SIZE / 2) ||
	    pthread_create(&thread, NULL, toggle, NULL))
		ksft_exit_fail_msg("no thread: %s\n", strerror(errno));

	for (end = test_ms() + SECONDS * 1000; mapped && locked && test_ms() < end;) {
		err = vfio_map(&vfio, &mem);
		mapped = test_is("errno", err, 0);
		locked = !mapped || test_is("locked bytes", vfio_locked(), mem.size);
		if (mapped)
			mapped = vfio_unmap(&vfio, &mem);
	}
	done = true;
	pthread_join(thread, NULL);
	ksft_test_result(mapped, "mapped\n");
	ksft_test_result(locked && test_is("locked bytes left", vfio_locked(), 0), "locked\n");

	ksft_exit(!ksft_get_fail_cnt());
}
