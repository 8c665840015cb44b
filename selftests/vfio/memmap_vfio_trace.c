// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) and the buffer of a tracer, which user space maps read-only.
 * It is one mapping with several kinds of pages. The first page is ordinary
 * RAM; the others are reserved RAM in a persistent buffer. In an ordinary
 * buffer, whose sub-buffers have two pages here, the second page is the zero
 * page. All but the zero page are pinned, and only ordinary RAM counts as
 * locked memory.
 *
 * usage: memmap_vfio_trace
 *
 * Needs an IOMMU, QEMU's "edu" PCI device, and on the command line
 * reserve_mem=4M:4096:trace trace_instance=reserved@trace
 */
#include <sys/stat.h>

#include "file.h"
#include "trace.h"
#include "vfio.h"

#define INSTANCE(name)	TRACE "/instances/" name
#define NR		32UL	/* pages of a buffer */
#define NR_CASES	9

static struct vfio vfio;

static char *map_buffer(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *addr = mmap(NULL, NR * page_size(), PROT_READ, MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	close(fd);
	return addr;
}

static void make_usual(void)
{
	if (mkdir(INSTANCE("usual"), 0700) ||
	    file_write(INSTANCE("usual/buffer_subbuf_size_kb"), "8") ||
	    file_write(INSTANCE("usual/buffer_size_kb"), "512"))
		ksft_exit_fail_msg(INSTANCE("usual") ": can't be made\n");
}

/* Map @nr pages at @addr: @zero of the zero page, @reserved of reserved RAM. */
static void test(const char *word, char *addr, size_t nr, size_t zero, size_t reserved)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (unsigned long)addr,
		.iova = VFIO_IOVA,
		.size = nr * page_size(),
	};
	struct vfio_memory mem = { .addr = addr, .size = map.size };
	long long pins = vfio_all_pins();
	unsigned long pfn[NR];
	size_t marked = 0, i;

	page_read_pfns(addr, pfn, nr);
	for (i = 0; i < nr; i++)
		marked += !!(page_get(pfn[i]).state & TEST_MEMMAP_RESERVED);
	if (!test_is("reserved pages", marked, zero + reserved) ||
	    ioctl(vfio.container, VFIO_IOMMU_MAP_DMA, &map))
		ksft_exit_fail_msg("%s: can't be mapped: %s\n", word, strerror(errno));

	ksft_test_result(test_is("pins", vfio_all_pins() - pins, nr - zero), "%s_pinned\n", word);
	ksft_test_result(test_is("locked bytes", vfio_locked(), (nr - marked) * page_size()),
			 "%s_locked\n", word);
	ksft_test_result(vfio_unmap(&vfio, &mem) &&
			 test_is("pins left", vfio_all_pins() - pins, 0) &
			 test_is("locked bytes left", vfio_locked(), 0), "%s_released\n", word);
}

int main(void)
{
	char *addr;

	test_begin();
	vfio_require(&vfio);
	trace_mount();
	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);

	addr = map_buffer(INSTANCE("reserved/per_cpu/cpu0/trace_pipe_raw"));
	test("reserved", addr, NR, 0, NR - 1);

	make_usual();
	addr = map_buffer(INSTANCE("usual/per_cpu/cpu0/trace_pipe_raw"));
	test("zero", addr, NR, 1, 0);
	test("zero_first", addr + page_size(), NR - 1, 1, 0);

	ksft_exit(!ksft_get_fail_cnt());
}
