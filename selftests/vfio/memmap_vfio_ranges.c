// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1) and one mapping of RAM, device DAX and VM_PFNMAP memory (a BAR,
 * /dev/mem): each range must be pinned, counted as locked memory and unpinned
 * according to its kind. Also with many small ranges, in a VFIO_TYPE1_IOMMU
 * container, with dirty page tracking, and after the memory has moved to other
 * virtual addresses.
 *
 * usage: memmap_vfio_ranges [namespace]
 *
 * Needs an IOMMU, QEMU's "edu" PCI device and /dev/mem. The contents of the
 * namespace (namespace0.0) get lost.
 */
#include "file.h"
#include "vfio.h"

#define NR		64UL	/* pages of a part; one word of a bitmap */
#define NR_MANY		32	/* groups of three parts */
#define NR_CASES	17

static struct vfio vfio;
static struct dax dax;
static int mem_fd;
static struct vfio_dax from;	/* takes its pages in order */

/* The next pages of the device, but through /dev/mem: they are not pinned. */
static struct vfio_part mem_part(size_t nr)
{
	struct vfio_part part = vfio_dax(&from, nr);

	part.fd = mem_fd;
	part.offset += dax.data.pfn * page_size();
	part.pfnmap = true;
	return part;
}

static void test_mixed(void)
{
	struct vfio_part parts[7];
	struct vfio_memory mem;
	unsigned long pfn;

	/* In this order: the pfns of the device continue across parts. */
	parts[0] = vfio_ram(NR);
	parts[1] = vfio_dax(&from, NR);
	parts[2] = mem_part(NR);
	parts[3] = vfio_dax(&from, NR);
	parts[4] = vfio_bar_part(&vfio, NR, NULL);
	parts[5] = vfio_ram(NR);
	parts[6] = mem_part(NR);
	pfn = parts[2].offset / page_size();
	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	close(parts[4].fd);
	vfio_test_map(&vfio, "mixed", &mem, 2 * NR * page_size());
	ksft_test_result(test_is("references", page_sum_references(pfn, NR), NR),
			 "mixed_references\n");
	vfio_put_memory(&mem);
}

static void test_many(void)
{
	struct vfio_part parts[3 * NR_MANY];
	struct vfio_memory mem;
	size_t i, ram = 0;

	for (i = 0; i < ARRAY_SIZE(parts); i += 3) {
		parts[i] = vfio_dax(&from, 1 + i % 2);
		parts[i + 1] = mem_part(1 + i % 4);
		parts[i + 2] = vfio_ram(1 + i % 5);
		ram += parts[i + 2].size;
	}
	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	vfio_test_map(&vfio, "many", &mem, ram);
	vfio_put_memory(&mem);
}

/* The memory for the cases that follow. */
static void get_memory(struct vfio_memory *mem)
{
	struct vfio_part parts[] = { vfio_ram(NR), vfio_dax(&from, NR), mem_part(NR), vfio_ram(NR) };

	vfio_get_memory(mem, parts, ARRAY_SIZE(parts));
}

static bool map_memory(const struct vfio_memory *mem)
{
	return test_is("map", vfio_map(&vfio, mem), 0) &&
	       test_is("pins", vfio_pins(mem), vfio_pinnable(mem)) &&
	       test_is("locked bytes", vfio_locked(), 2 * NR * page_size());
}

/* Returns how many bytes were unmapped, or -1. */
static long unmap(unsigned long iova, size_t size, unsigned int flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	return ioctl(vfio.container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -1 : (long)unmap.size;
}

/* Unmapping the first page unmaps the whole mapping, any other nothing. */
static void test_v1(void)
{
	struct vfio_memory mem;
	bool good;

	vfio_close(&vfio);
	vfio_open_type(&vfio, VFIO_TYPE1_IOMMU);
	get_memory(&mem);
	good = map_memory(&mem) &&
	       test_is("unmapped bytes", unmap(VFIO_IOVA + NR * page_size(), NR * page_size(), 0), 0);
	ksft_test_result(good && test_is("pins", vfio_pins(&mem), vfio_pinnable(&mem)),
			 "v1_middle\n");
	ksft_test_result(test_is("unmapped bytes", unmap(VFIO_IOVA, page_size(), 0), mem.size),
			 "v1_first\n");
	ksft_test_result(vfio_is_released(&mem), "v1_released\n");
	vfio_put_memory(&mem);
	vfio_close(&vfio);
	vfio_open(&vfio);
}

/* True if all pages of @mem are dirty in @bits. */
static bool all_dirty(const struct vfio_memory *mem, const unsigned long *bits)
{
	bool good = true;
	size_t i;

	for (i = 0; i < mem->nr / NR; i++)
		good &= test_is("dirty pages", __builtin_popcountl(bits[i]), NR);
	return good;
}

static bool set_tracking(unsigned int flags)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = flags,
	};

	return !ioctl(vfio.container, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

/* All memory that the device can write is dirty, whatever its kind. */
static void test_dirty(void)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} with;
	struct {
		struct vfio_iommu_type1_dirty_bitmap dirty;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} bits = {};
	unsigned long words[4] = {};
	struct vfio_memory mem;
	bool good;

	get_memory(&mem);
	good = map_memory(&mem) && set_tracking(VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
	bits.dirty.argsz = sizeof(bits);
	bits.dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
	bits.get.iova = VFIO_IOVA;
	bits.get.size = mem.size;
	bits.get.bitmap.pgsize = page_size();
	bits.get.bitmap.size = sizeof(words);
	bits.get.bitmap.data = (void *)words;
	good = good && !ioctl(vfio.container, VFIO_IOMMU_DIRTY_PAGES, &bits);
	ksft_test_result(good && all_dirty(&mem, words), "dirty\n");

	memset(words, 0, sizeof(words));
	with.bitmap = bits.get.bitmap;
	with.unmap = (struct vfio_iommu_type1_dma_unmap){
		.argsz = sizeof(with),
		.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.iova = VFIO_IOVA,
		.size = mem.size,
	};
	good = !ioctl(vfio.container, VFIO_IOMMU_UNMAP_DMA, &with) &&
	       test_is("unmapped bytes", with.unmap.size, mem.size);
	ksft_test_result(good && all_dirty(&mem, words), "dirty_unmap\n");
	ksft_test_result(vfio_is_released(&mem) &&
			 set_tracking(VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP), "dirty_released\n");
	vfio_put_memory(&mem);
}

#ifdef PIN_V7
#define NR_VADDR_CASES	3

/* mremap() it part by part to other addresses; the pages stay the same. */
static void move(struct vfio_memory *mem)
{
	const size_t part = NR * page_size();
	char *to = mem_reserve(mem->size);
	size_t at;

	for (at = 0; at < mem->size; at += part)
		if (mremap(mem->addr + at, part, part, MREMAP_MAYMOVE | MREMAP_FIXED,
			   to + at) == MAP_FAILED)
			ksft_exit_fail_msg("mremap: %s\n", strerror(errno));
	munmap(mem->area, mem->area_size);
	mem->area = to;
	mem->area_size = mem->size;
	mem->addr = to;
}

/* What a program does to continue in another process, or after exec(). */
static void test_vaddr(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_VADDR,
		.iova = VFIO_IOVA,
	};
	struct vfio_memory mem;
	bool good;

	get_memory(&mem);
	good = map_memory(&mem) &&
	       test_is("bytes", unmap(VFIO_IOVA, mem.size, VFIO_DMA_UNMAP_FLAG_VADDR), mem.size);
	move(&mem);
	map.vaddr = (unsigned long)mem.addr;
	map.size = mem.size;
	good = good && !ioctl(vfio.container, VFIO_IOMMU_MAP_DMA, &map);
	ksft_test_result(good && test_is("pins", vfio_pins(&mem), vfio_pinnable(&mem)) &&
			 test_is("locked bytes", vfio_locked(), 2 * NR * page_size()),
			 "vaddr\n");
	ksft_test_result(vfio_unmap(&vfio, &mem), "vaddr_unmap\n");
	ksft_test_result(vfio_is_released(&mem), "vaddr_released\n");
	vfio_put_memory(&mem);
}
#else
#define NR_VADDR_CASES	0	/* no VFIO_DMA_MAP_FLAG_VADDR */

static void test_vaddr(void)
{
}
#endif

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);

	mem_fd = file_open_mem();
	ksft_set_plan(NR_CASES + NR_VADDR_CASES);
	vfio_open(&vfio);
	dax_make(ns, "4K", &dax);
	from.fd = dax_open(&dax);
	test_mixed();
	test_many();
	test_v1();
	test_dirty();
	test_vaddr();
	ksft_test_result(dax_check("unused", &dax), "references\n");
	close(from.fd);
	ksft_test_result(dax_bind(&dax, false), "unbind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
