// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) maps RAM while disable_hugepages, a parameter of its module, is
 * switched on and off: what is mapped and pinned is what was asked for, with
 * nothing mapped behind it, and with more RAM there.
 *
 * usage: memmap_vfio_toggle
 *
 * Needs an IOMMU, QEMU's "edu" PCI device, two CPUs and transparent huge pages.
 */
#include <pthread.h>

#include "file.h"
#include "vfio.h"

#define PARAMETER	"/sys/module/vfio_iommu_type1/parameters/disable_hugepages"
#define NR_HUGE		16UL
#define SECONDS		10
#define NR_CASES	6

static struct vfio vfio;
static volatile bool done, refused;

/*
 * Huge pages of which no two neighbours are consecutive page frames, and no
 * access behind them. A batch of VFIO's (2M) that begins in the middle of one
 * ends in the next, so that half of it is left over each time.
 */
static char *make_area(void)
{
	char *from = mem_reserve(NR_HUGE * HUGE_SIZE), *to = mem_reserve(NR_HUGE * HUGE_SIZE);
	const unsigned long half = NR_HUGE / 2, nr = HUGE_SIZE / page_size();
	unsigned long i, pfn, before = 0;

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
		pfn = page_pfn(to + i * HUGE_SIZE);
		if (page_pfn(to + (i + 1) * HUGE_SIZE - page_size()) != pfn + nr - 1 ||
		    pfn == before)
			ksft_exit_fail_msg("no huge page of its own: %#lx, %#lx\n", before, pfn);
		before = pfn + nr;
	}
	return to;
}

static void *toggle(void *unused)
{
	while (!done)
		refused |= file_write(PARAMETER, "1") || file_write(PARAMETER, "0");
	return unused;
}

/* All but the first half of the area, or one huge page less. */
static void test(const char *word, char *area, bool behind)
{
	struct vfio_memory mem = { .addr = area + HUGE_SIZE / 2 };
	bool mapped = true, locked = true, pinned = true;
	long long end, pins = vfio_all_pins();
	unsigned long rounds = 0;
	pthread_t thread;

	mem.size = (NR_HUGE - behind) * HUGE_SIZE - HUGE_SIZE / 2;
	done = false;
	if (pthread_create(&thread, NULL, toggle, NULL))
		ksft_exit_fail_msg("no thread: %s\n", strerror(errno));
	end = test_ms() + SECONDS * 1000;
	while (mapped && locked && pinned && test_ms() < end) {
		mapped = test_is("errno", vfio_map(&vfio, &mem), 0);
		locked = !mapped || test_is("locked bytes", vfio_locked(), mem.size);
		mapped = mapped && vfio_unmap(&vfio, &mem);
		pinned = test_is("pins left", vfio_all_pins() - pins, 0);
		rounds++;
	}
	done = true;
	pthread_join(thread, NULL);
	ksft_print_msg("%s: %lu times\n", word, rounds);
	ksft_test_result(mapped && !refused, "%s_mapped\n", word);
	ksft_test_result(locked && test_is("locked bytes left", vfio_locked(), 0),
			 "%s_locked\n", word);
	ksft_test_result(pinned, "%s_pinned\n", word);
}

int main(void)
{
	char *area;

	test_begin();
	vfio_require(&vfio);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2 || file_write(PARAMETER, "0"))
		ksft_exit_skip("needs two CPUs and " PARAMETER "\n");
	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	area = make_area();
	test("behind", area, true);
	test("end", area, false);

	ksft_exit(!ksft_get_fail_cnt());
}
