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
#include <linux/capability.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define PCI		"/sys/bus/pci"
#define EDU		0x11e81234	/* device and vendor */
#define IOVA		(1UL << 30)
#define MB		(1UL << 20)
#define PIN		1024		/* GUP_PIN_COUNTING_BIAS */
#define NR_CASES	20

/* Memory to map, and the page frames behind it. */
struct memory {
	char *addr;
	size_t size;
	unsigned long *pfn;
	size_t nr;
};

static int container, group;

/* Give edu to vfio-pci. Returns its IOMMU group, or -1. */
static int bind_edu(void)
{
	char path[128], link[128], name[16];
	long long vendor, device;
	ssize_t len;
	int slot;

	for (slot = 0; slot < 32; slot++) {
		snprintf(name, sizeof(name), "0000:00:%02x.0", slot);
		snprintf(path, sizeof(path), PCI "/devices/%s/vendor", name);
		vendor = read_number(path);
		snprintf(path, sizeof(path), PCI "/devices/%s/device", name);
		device = read_number(path);
		if (vendor < 0 || (device << 16 | vendor) != EDU)
			continue;

		snprintf(path, sizeof(path),
			 PCI "/devices/%s/driver_override", name);
		write_text(path, "vfio-pci");
		write_text(PCI "/drivers/vfio-pci/bind", name);
		snprintf(path, sizeof(path),
			 PCI "/devices/%s/iommu_group", name);
		len = readlink(path, link, sizeof(link) - 1);
		link[len > 0 ? len : 0] = '\0';
		return len > 0 ? atoi(strrchr(link, '/') + 1) : -1;
	}

	return -1;
}

/* Sets errno and returns false when VFIO does not want to. */
static bool open_container(int number)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", number);
	group = open(path, O_RDWR | O_CLOEXEC);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	return group >= 0 && container >= 0 &&
	       !ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) &&
	       !ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
}

/* Returns 0 or errno. */
static int map_dma(const struct memory *mem)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem->addr,
		.iova = IOVA,
		.size = mem->size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? errno : 0;
}

static bool unmap_dma(const struct memory *mem)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = IOVA,
		.size = mem->size,
	};

	return !ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) &&
	       unmap.size == mem->size;
}

/*
 * Map @ram bytes of anonymous memory, then @size bytes of the device from
 * @offset on, then @ram bytes again, without gaps; and touch all of it.
 */
static void get_memory(struct memory *mem, size_t ram, int fd, size_t size,
		       off_t offset)
{
	const int prot = PROT_READ | PROT_WRITE;
	size_t page_size = sysconf(_SC_PAGESIZE), i;
	uintptr_t addr;
	void *area;

	mem->size = ram + size + (size ? ram : 0);
	mem->nr = mem->size / page_size;
	mem->pfn = calloc(mem->nr, sizeof(*mem->pfn));

	area = mmap(NULL, mem->size + 2 * MB, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED || !mem->pfn)
		ksft_exit_fail_msg("no memory: %s\n", strerror(errno));
	addr = ((uintptr_t)area + 2 * MB - 1) & ~(2 * MB - 1);
	mem->addr = (char *)addr;
	madvise(area, mem->size + 2 * MB, MADV_NOHUGEPAGE);
	if (size && mmap(mem->addr + ram, size, prot, MAP_SHARED | MAP_FIXED,
			 fd, offset) == MAP_FAILED)
		ksft_exit_fail_msg("mmap of dax: %s\n", strerror(errno));

	for (i = 0; i < mem->nr; i++) {
		mem->addr[i * page_size] = 1;
		mem->pfn[i] = memmap_vaddr_to_pfn(mem->addr + i * page_size);
	}
}

static void put_memory(struct memory *mem)
{
	munmap(mem->addr, mem->size);
	free(mem->pfn);
}

/* How often the pages are pinned in total. None of them is a large page. */
static long count_pins(const struct memory *mem)
{
	long pins = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++)
		pins += memmap_page(mem->pfn[i]).refcount / PIN;
	return pins;
}

/* Locked memory of this process in bytes. */
static long locked(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[128];
	long kb = -1;

	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %ld", &kb) == 1)
			break;
	if (status)
		fclose(status);
	return kb * 1024;
}

static bool is(const char *what, long value, long want)
{
	if (value != want)
		ksft_print_msg("%s: %ld, should be %ld\n", what, value, want);
	return value == want;
}

static bool check_released(const struct memory *mem)
{
	bool good = is("pins left", count_pins(mem), 0);

	return is("locked bytes left", locked(), 0) && good;
}

/* Map, look, unmap, look. @ram: bytes that count as locked memory. */
static void test_map(const char *word, const struct memory *mem, long ram)
{
	int err = map_dma(mem);

	if (err)
		ksft_print_msg("%s: map: %s\n", word, strerror(err));
	ksft_test_result(!err && is("pins", count_pins(mem), mem->nr),
			 "%s_pinned\n", word);
	ksft_test_result(!err && is("locked bytes", locked(), ram),
			 "%s_locked\n", word);
	ksft_test_result(!err && unmap_dma(mem), "%s_unmap\n", word);
	ksft_test_result(!err && check_released(mem), "%s_released\n", word);
}

/* The limit on locked memory does not bind who has this capability. */
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

static int map_dma_limited(const struct memory *mem, long limit)
{
	struct rlimit old, new;
	int err;

	getrlimit(RLIMIT_MEMLOCK, &old);
	new.rlim_cur = limit;
	new.rlim_max = old.rlim_max < new.rlim_cur ? new.rlim_cur : old.rlim_max;
	if (!set_ipc_lock(false) || setrlimit(RLIMIT_MEMLOCK, &new))
		return -1;
	err = map_dma(mem);
	setrlimit(RLIMIT_MEMLOCK, &old);
	set_ipc_lock(true);

	return err;
}

static void test_limit(const struct memory *mem, long ram)
{
	int err;

	err = map_dma_limited(mem, ram);
	ksft_test_result(is("errno", err, 0) &&
			 is("locked bytes", locked(), ram) &&
			 unmap_dma(mem) && is("locked bytes left", locked(), 0),
			 "limit_exact\n");

	err = map_dma_limited(mem, ram - sysconf(_SC_PAGESIZE));
	ksft_test_result(is("errno", err, ENOMEM) &&
			 is("locked bytes left", locked(), 0),
			 "limit_short\n");
	if (!err)
		unmap_dma(mem);
	ksft_test_result(check_released(mem), "limit_released\n");
}

/* Unmap while the driver is being unbound, which waits for just that. */
static bool test_unbind(const struct dax *dax, const struct memory *mem)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	bool good = map_dma(mem) == 0;
	pid_t pid;

	pid = start_bind(dax, false);
	while (memmap_page(mem->pfn[0]).state & TEST_MEMMAP_PGMAP) {
		if (now_ms() > end) {
			ksft_print_msg("%s: not going\n", dax->name);
			break;
		}
		usleep(1000);
	}
	good = unmap_dma(mem) && good;
	ksft_test_result(is("locked bytes left", locked(), 0) && good,
			 "unbind_locked\n");

	good = wait_bind(dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	return good;
}

int main(int argc, char *argv[])
{
	const char *ns = argc > 1 ? argv[1] : "namespace0.0";
	const char *align = argc > 2 ? argv[2] : "4K";
	struct memory mem = {};
	struct dax dax = {};
	struct pages pages;
	int number, fd;
	bool good;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	number = bind_edu();
	if (number < 0 || access("/dev/vfio/vfio", F_OK))
		ksft_exit_skip("needs VFIO, an IOMMU and QEMU's edu device\n");
	if (!read_namespace(ns, &pages))
		ksft_exit_skip("needs %s\n", ns);

	ksft_set_plan(NR_CASES);
	if (!open_container(number))
		ksft_exit_fail_msg("VFIO: %s\n", strerror(errno));
	if (!create_dax(ns, "mem", align, &dax))
		ksft_exit_fail_msg("no dax device\n");
	fd = open_dax(&dax);

	get_memory(&mem, 4 * MB, -1, 0, 0);
	test_map("ram", &mem, 4 * MB);
	put_memory(&mem);

	/* A part of the device for each: base leaves pins behind. */
	get_memory(&mem, 0, fd, 16 * MB, 0);
	test_map("dax", &mem, 0);
	put_memory(&mem);

	get_memory(&mem, 2 * MB, fd, 2 * MB, 16 * MB);
	test_map("mixed", &mem, 4 * MB);
	put_memory(&mem);

	get_memory(&mem, 2 * MB, fd, 2 * MB, 18 * MB);
	test_limit(&mem, 4 * MB);
	put_memory(&mem);

	/* Without an unmap: who has the container open just goes away. */
	get_memory(&mem, 0, fd, 2 * MB, 20 * MB);
	good = map_dma(&mem) == 0;
	close(container);
	close(group);
	ksft_test_result(good && check_released(&mem), "closed_released\n");
	put_memory(&mem);

	ksft_test_result(check_pages("unused", &dax.all, DEVICE_MASK,
				     DEVICE_PAGE, dax.nid), "references\n");

	if (!open_container(number))
		ksft_exit_fail_msg("VFIO again: %s\n", strerror(errno));
	get_memory(&mem, 0, fd, 2 * MB, 22 * MB);
	close(fd);
	good = test_unbind(&dax, &mem);
	put_memory(&mem);
	ksft_test_result(good && bind_dax(&dax, true), "rebind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
