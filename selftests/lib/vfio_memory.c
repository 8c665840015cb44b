// SPDX-License-Identifier: GPL-2.0
/*
 * The memory that is mapped for a device: assembling it, and counting pins.
 */
#include <stdint.h>

#include "file.h"
#include "vfio.h"

#define SPLIT_HUGE_PAGES "/sys/kernel/debug/split_huge_pages"

static void set_part(struct vfio_memory *mem, size_t at, const struct vfio_part *part)
{
	const int prot = PROT_READ | (part->readonly ? 0 : PROT_WRITE);
	unsigned long *pfn = mem->pfn + at / page_size();
	const size_t nr = part->size / page_size();
	char *addr = mem->addr + at;
	size_t i;

	if (part->fd == VFIO_UNMAPPED) {
		if (munmap(addr, part->size))
			ksft_exit_fail_msg("munmap of a part: %s\n", strerror(errno));
		return;
	}
	if (part->fd != VFIO_ANONYMOUS &&
	    mmap(addr, part->size, prot, MAP_SHARED | MAP_FIXED, part->fd,
		 part->offset) == MAP_FAILED)
		ksft_exit_fail_msg("mmap of a part: %s\n", strerror(errno));
	if (part->pfnmap || part->readonly)
		return;
	if (part->in_one_piece)
		madvise(addr, part->size, MADV_HUGEPAGE);
	for (i = 0; i < nr; i++)
		addr[i * page_size()] = 1;
	/* Split large pages: their pins are counted differently. */
	if (part->in_one_piece && file_write(SPLIT_HUGE_PAGES, "1"))
		ksft_exit_fail_msg(SPLIT_HUGE_PAGES ": can't be written\n");
	page_read_pfns(addr, pfn, nr);
	for (i = 0; part->in_one_piece && i < nr; i++)
		if (pfn[i] != pfn[0] + i)
			ksft_exit_fail_msg("no RAM in one piece\n");
}

void vfio_get_memory(struct vfio_memory *mem, const struct vfio_part *parts, size_t nr)
{
	size_t at, i;

	mem->size = 0;
	for (i = 0; i < nr; i++)
		mem->size += parts[i].size;
	mem->nr = mem->size / page_size();
	mem->pfn = calloc(mem->nr, sizeof(*mem->pfn));
	if (!mem->pfn)
		ksft_exit_fail_msg("no memory\n");
	mem->area_size = mem->size + HUGE_SIZE;
	mem->area = mem_map(mem->area_size);

	/* Aligned as a DAX device may need it, and no large pages. */
	mem->addr = (char *)(((uintptr_t)mem->area + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1));
	madvise(mem->area, mem->area_size, MADV_NOHUGEPAGE);
	for (at = 0, i = 0; i < nr; at += parts[i].size, i++)
		set_part(mem, at, &parts[i]);
}

void vfio_put_memory(struct vfio_memory *mem)
{
	munmap(mem->area, mem->area_size);
	free(mem->pfn);
}

long vfio_pinnable(const struct vfio_memory *mem)
{
	long pages = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++)
		pages += mem->pfn[i] != 0;
	return pages;
}

/* None of them may be in a large folio. */
long vfio_pins(const struct vfio_memory *mem)
{
	long pins = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++)
		if (mem->pfn[i])
			pins += page_get(mem->pfn[i]).pins;
	return pins;
}

static long long count_of(const char *name)
{
	long long number = file_field("/proc/vmstat", name);

	if (number < 0)
		ksft_exit_fail_msg("/proc/vmstat: no %s\n", name);
	return number;
}

long long vfio_all_pins(void)
{
	int err;

	/* Fold the per-CPU counts into the global ones. */
	err = file_write("/proc/sys/vm/stat_refresh", "1");
	if (err)
		ksft_exit_fail_msg("stat_refresh: %s\n", strerror(-err));
	return count_of("nr_foll_pin_acquired") - count_of("nr_foll_pin_released");
}

long vfio_status(const char *name)
{
	long long kb = file_field("/proc/self/status", name);

	/* A wrong count may be negative, but only by whole pages: never -1. */
	if (kb == -1)
		ksft_exit_fail_msg("/proc/self/status: no %s\n", name);
	return kb * 1024;
}

long vfio_locked(void)
{
	return vfio_status("VmLck");
}

bool vfio_is_released(const struct vfio_memory *mem)
{
	return test_is("pins left", vfio_pins(mem), 0) &
	       test_is("locked bytes left", vfio_locked(), 0);
}
