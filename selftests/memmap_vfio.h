/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VFIO for the memmap selftests: QEMU's "edu" PCI device in a container of its
 * own (type1v2), memory that is made of several parts to be mapped for it, and
 * looking at the pins and at the locked memory that this leads to.
 */
#ifndef _SELFTESTS_MEMMAP_VFIO_H
#define _SELFTESTS_MEMMAP_VFIO_H

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap_dax.h"

#define PCI		"/sys/bus/pci"
#define EDU		0x11e81234	/* device and vendor */
#define IOVA		(1UL << 30)
#define MB		(1UL << 20)
#define SPLIT_HUGE_PAGES "/sys/kernel/debug/split_huge_pages"
#define PIN		1024		/* GUP_PIN_COUNTING_BIAS */

struct vfio {
	char name[16];		/* of the PCI device */
	int number;		/* of its group */
	int container, group;
};

/* A part of some memory: a piece of a file, or one of these for @fd. */
enum { ANONYMOUS = -1, UNMAPPED = -2 };

struct part {
	int fd;
	size_t size;
	off_t offset;
	bool readonly;		/* both: no page is touched, or can be pinned */
	bool pfnmap;
	bool in_one_piece;	/* RAM: consecutive page frames */
};

/* Memory to map, and the page frames behind it: 0 when it can't be pinned. */
struct memory {
	void *area;
	size_t area_size;
	char *addr;
	size_t size;
	unsigned long *pfn;
	size_t nr;
};

/* @nr pages of a file from @offset on, or what @fd says. */
static inline struct part make_part(int fd, off_t offset, size_t nr)
{
	return (struct part){
		.fd = fd,
		.size = nr * sysconf(_SC_PAGESIZE),
		.offset = offset,
	};
}

/* Give edu to vfio-pci. */
static inline bool bind_edu(struct vfio *vfio)
{
	char path[128], link[128];
	long long vendor, device;
	ssize_t len;
	int slot;

	for (slot = 0; slot < 32; slot++) {
		snprintf(vfio->name, sizeof(vfio->name), "0000:00:%02x.0", slot);
		snprintf(path, sizeof(path), PCI "/devices/%s/vendor", vfio->name);
		vendor = read_number(path);
		snprintf(path, sizeof(path), PCI "/devices/%s/device", vfio->name);
		device = read_number(path);
		if (vendor < 0 || (device << 16 | vendor) != EDU)
			continue;

		snprintf(path, sizeof(path), PCI "/devices/%s/driver_override",
			 vfio->name);
		write_text(path, "vfio-pci");
		write_text(PCI "/drivers/vfio-pci/bind", vfio->name);
		snprintf(path, sizeof(path), PCI "/devices/%s/iommu_group",
			 vfio->name);
		len = readlink(path, link, sizeof(link) - 1);
		if (len <= 0)
			return false;
		link[len] = '\0';
		vfio->number = atoi(strrchr(link, '/') + 1);
		return true;
	}

	return false;
}

static inline void require_vfio(struct vfio *vfio)
{
	if (!bind_edu(vfio) || access("/dev/vfio/vfio", F_OK))
		ksft_exit_skip("needs VFIO, an IOMMU and QEMU's edu device\n");
}

/*
 * What a test of VFIO and a namespace, the first of its arguments, begins with.
 * Returns the namespace.
 */
static inline const char *begin_vfio(struct vfio *vfio, int argc, char *argv[])
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	require_vfio(vfio);
	return require_namespace(argc, argv);
}

static inline void open_container(struct vfio *vfio)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", vfio->number);
	vfio->group = open(path, O_RDWR | O_CLOEXEC);
	vfio->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (vfio->group < 0 || vfio->container < 0 ||
	    ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container) ||
	    ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		ksft_exit_fail_msg("VFIO: %s\n", strerror(errno));
}

/* Returns 0 or errno. */
static inline int map_dma_at(const struct vfio *vfio, const struct memory *mem,
			     unsigned long iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem->addr,
		.iova = iova,
		.size = mem->size,
	};

	return ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map) ? errno : 0;
}

static inline int map_dma(const struct vfio *vfio, const struct memory *mem)
{
	return map_dma_at(vfio, mem, IOVA);
}

static inline bool unmap_dma(const struct vfio *vfio, const struct memory *mem)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA,
		.size = mem->size,
	};

	return !ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap) &&
	       unmap.size == mem->size;
}

static inline void set_part(struct memory *mem, size_t at,
			    const struct part *part)
{
	const int prot = PROT_READ | (part->readonly ? 0 : PROT_WRITE);
	size_t page_size = sysconf(_SC_PAGESIZE), i;
	char *addr = mem->addr + at;
	unsigned long pfn;

	if (part->fd == UNMAPPED) {
		munmap(addr, part->size);
		return;
	}
	if (part->fd != ANONYMOUS &&
	    mmap(addr, part->size, prot, MAP_SHARED | MAP_FIXED, part->fd,
		 part->offset) == MAP_FAILED)
		ksft_exit_fail_msg("mmap of a part: %s\n", strerror(errno));
	if (part->pfnmap || part->readonly)
		return;
	if (part->in_one_piece)
		madvise(addr, part->size, MADV_HUGEPAGE);
	for (i = 0; i < part->size; i += page_size)
		addr[i] = 1;
	/* No large page is left: pins of those are counted in another way. */
	if (part->in_one_piece)
		write_text(SPLIT_HUGE_PAGES, "1");
	for (i = 0; i < part->size; i += page_size) {
		pfn = memmap_vaddr_to_pfn(addr + i);
		mem->pfn[(at + i) / page_size] = pfn;
		if (part->in_one_piece &&
		    pfn != mem->pfn[at / page_size] + i / page_size)
			ksft_exit_fail_msg("no RAM in one piece\n");
	}
}

/* Memory made of @nr_parts, one right after the other. */
static inline void get_memory(struct memory *mem, const struct part *parts,
			      size_t nr_parts)
{
	uintptr_t addr;
	size_t at, i;

	mem->size = 0;
	for (i = 0; i < nr_parts; i++)
		mem->size += parts[i].size;
	mem->nr = mem->size / sysconf(_SC_PAGESIZE);
	mem->pfn = calloc(mem->nr, sizeof(*mem->pfn));
	mem->area_size = mem->size + 2 * MB;
	mem->area = mmap(NULL, mem->area_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem->area == MAP_FAILED || !mem->pfn)
		ksft_exit_fail_msg("no memory: %s\n", strerror(errno));

	/* Aligned like a DAX device may want it, and no large pages. */
	addr = ((uintptr_t)mem->area + 2 * MB - 1) & ~(2 * MB - 1);
	mem->addr = (char *)addr;
	madvise(mem->area, mem->area_size, MADV_NOHUGEPAGE);
	for (at = 0, i = 0; i < nr_parts; at += parts[i].size, i++)
		set_part(mem, at, &parts[i]);
}

static inline void put_memory(struct memory *mem)
{
	munmap(mem->area, mem->area_size);
	free(mem->pfn);
}

/* How often the pages are pinned in total. None of them is a large page. */
static inline long count_pins(const struct memory *mem)
{
	struct test_memmap_page page;
	long pins = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++) {
		if (!mem->pfn[i])
			continue;
		page = memmap_page(mem->pfn[i]);
		pins += memmap_pins(&page);
	}
	return pins;
}

static inline long long read_vmstat(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "re");
	long long value = -1, number;
	char word[64];

	while (file && fscanf(file, "%63s %lld", word, &number) == 2)
		if (!strcmp(word, name))
			value = number;
	if (file)
		fclose(file);
	if (value < 0)
		ksft_exit_fail_msg("/proc/vmstat: no %s\n", name);
	return value;
}

/* Pins of all pages there are: got, and not given back. */
static inline long long count_all_pins(void)
{
	/* Each CPU keeps some of what it counted to itself, unless told. */
	write_text("/proc/sys/vm/stat_refresh", "1");
	return read_vmstat("nr_foll_pin_acquired") -
	       read_vmstat("nr_foll_pin_released");
}

/* How many pages are to be pinned. */
static inline long count_pages(const struct memory *mem)
{
	long pages = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++)
		pages += mem->pfn[i] != 0;
	return pages;
}

/* What /proc/self/status says about this process, in bytes. */
static inline long status_bytes(const char *name)
{
	FILE *status = fopen("/proc/self/status", "re");
	size_t len = strlen(name);
	char line[128];
	long kb = -1;

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, name, len) &&
		    sscanf(line + len, ": %ld kB", &kb) == 1)
			break;
	if (status)
		fclose(status);
	return kb * 1024;
}

/* Locked memory of this process in bytes. */
static inline long locked(void)
{
	return status_bytes("VmLck");
}

static inline bool is(const char *what, long value, long want)
{
	if (value != want)
		ksft_print_msg("%s: %ld, should be %ld\n", what, value, want);
	return value == want;
}

static inline bool check_released(const struct memory *mem)
{
	return is("pins left", count_pins(mem), 0) &
	       is("locked bytes left", locked(), 0);
}

/* Map, look, unmap, look. @ram: bytes that count as locked memory. */
static inline void test_map(const struct vfio *vfio, const char *word,
			    const struct memory *mem, long ram)
{
	int err = map_dma(vfio, mem);

	if (err)
		ksft_print_msg("%s: map: %s\n", word, strerror(err));
	ksft_test_result(!err && is("pins", count_pins(mem), count_pages(mem)),
			 "%s_pinned\n", word);
	ksft_test_result(!err && is("locked bytes", locked(), ram),
			 "%s_locked\n", word);
	ksft_test_result(!err && unmap_dma(vfio, mem), "%s_unmap\n", word);
	ksft_test_result(!err && check_released(mem), "%s_released\n", word);
}

/* Can't be mapped; and nothing of it is left behind. */
static inline void test_refused(const struct vfio *vfio, const char *word,
				const struct part *parts, size_t nr_parts)
{
	struct memory mem;
	bool good;
	int err;

	get_memory(&mem, parts, nr_parts);
	err = map_dma(vfio, &mem);
	good = is("errno", err, EFAULT);
	if (!err)
		unmap_dma(vfio, &mem);
	ksft_test_result(good, "%s\n", word);
	ksft_test_result(check_released(&mem), "%s_released\n", word);
	put_memory(&mem);
}

/* All references to the struct pages from @pfn on, where there are any. */
static inline long count_references(unsigned long pfn, size_t nr)
{
	long references = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		references += memmap_page(pfn + i).refcount;
	return references;
}

#endif
