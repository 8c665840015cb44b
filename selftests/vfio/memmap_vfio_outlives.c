// SPDX-License-Identifier: GPL-2.0
/*
 * A device writes through a VFIO mapping of a dax device that has been unbound
 * since: the page belongs to another process, as System RAM, by then. With
 * "iommufd" in place of a type1v2 container, unmapping must not drop references
 * of that page, too; memmap_vfio_kmem tests it for type1v2. "iommufd-gone"
 * unmaps when the memory has no owner, and no struct pages.
 *
 * usage: memmap_vfio_outlives <namespace> [iommufd|iommufd-gone]
 *
 * Needs an IOMMU, QEMU's "edu" PCI device and a namespace, whose contents
 * get lost, with a target node that is not the CPU's. Memory must not
 * be onlined automatically (memhp_default_state=offline).
 */
#include <linux/mempolicy.h>
#include <linux/pci_regs.h>
#include <sys/wait.h>

#include "block.h"
#include "file.h"
#include "vfio.h"

#define IOVA		(16 * MB)	/* edu has 28 address lines */
#define NODE		1

/* Registers of edu, in BAR 0, and its buffer as its DMA engine sees it. */
#define EDU_DMA_FROM	0x80
#define EDU_DMA_TO	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98
#define EDU_DMA_RUN	1
#define EDU_DMA_WRITE	2	/* from its buffer to memory */
#define EDU_BUFFER	0x40000
#define EDU_BYTES	1024	/* a whole page is refused by QEMU 7.2 */

static struct vfio vfio;
static struct dax dax;
static char *registers;

/* Let edu be a bus master, and map its registers. */
static void edu_open(void)
{
	struct vfio_region_info bar = {
		.argsz = sizeof(bar),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	int fd = ioctl(vfio.group, VFIO_GROUP_GET_DEVICE_FD, vfio.name);
	unsigned short command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	if (fd < 0 || ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &bar) ||
	    ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pwrite(fd, &command, sizeof(command), config.offset + PCI_COMMAND) != sizeof(command))
		ksft_exit_fail_msg("%s: %s\n", vfio.name, strerror(errno));
	registers = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, bar.offset);
	if (registers == MAP_FAILED)
		ksft_exit_fail_msg("%s: BAR 0: %s\n", vfio.name, strerror(errno));
}

static void edu_write(unsigned int reg, unsigned long long value)
{
	*(volatile unsigned long long *)(registers + reg) = value;
}

/* Copy EDU_BYTES between memory at @iova and the buffer of edu. */
static bool edu_copy(unsigned long iova, unsigned int direction)
{
	bool write = direction == EDU_DMA_WRITE;
	int ms;

	edu_write(EDU_DMA_FROM, write ? EDU_BUFFER : iova);
	edu_write(EDU_DMA_TO, write ? iova : EDU_BUFFER);
	edu_write(EDU_DMA_COUNT, EDU_BYTES);
	edu_write(EDU_DMA_COMMAND, EDU_DMA_RUN | direction);
	for (ms = 0; ms < 5000; ms += 10) {
		if (!(*(volatile unsigned long long *)(registers + EDU_DMA_COMMAND) & EDU_DMA_RUN))
			return true;
		usleep(10000);
	}
	ksft_print_msg("edu: its DMA does not end\n");
	return false;
}

/*
 * Unbind it while it is mapped for DMA. If that waits, it must end when the
 * mapping does.
 */
static bool unbind(const struct vfio_memory *mem)
{
	pid_t child = dax_start_bind(&dax, false);

	return dax_wait_bind(&dax, child) ||
	       (vfio_unmap_at(&vfio, mem, IOVA) && dax_wait_bind(&dax, child));
}

/* Turn the unbound dax device into online memory. */
static bool make_ram(unsigned long block)
{
	return dax_tell(&dax, KMEM_DRIVER, "new_id") && block_set_state(block, "online_movable");
}

/*
 * Another process, with memory of the new node: it writes to @out which of the
 * pages at @pfn it got, waits for @in, and ends with 0 if what it wrote there
 * is unchanged, with 1 if not.
 */
static void __attribute__((noreturn)) victim(unsigned long pfn, size_t nr, int out, int in)
{
	size_t size = block_pages() / 2 * page_size(), i;
	char *memory = mem_map(size), byte;
	unsigned long index = 0;
	char *page = NULL;

	mem_bind(memory, size, MPOL_BIND, NODE, 0);
	mem_fill(memory, size);
	for (i = 0; i < size && !page; i += page_size()) {
		index = page_pfn(memory + i) - pfn;
		if (index > 0 && index < nr)
			page = memory + i;
	}
	if (!page)
		index = 0;
	if (write(out, &index, sizeof(index)) != sizeof(index) || read(in, &byte, 1) < 0)
		_exit(2);
	_exit(!mem_is_filled(memory, size));
}

/* The memory has a new owner: it is left alone. */
static void test_new_owner(const struct vfio_memory *mem, const struct blocks *blocks, bool iommufd)
{
	unsigned long pfn = blocks->pages.pfn, index = 0;
	int to[2], from[2], status;
	long references;
	pid_t child;
	bool good;

	ksft_test_result(make_ram(blocks->first), "ram\n");
	if (pipe(to) || pipe(from))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	child = test_fork();
	if (!child) {
		close(to[1]);
		victim(pfn, mem->nr, from[1], to[0]);
	}
	close(from[1]);
	close(to[0]);
	good = read(from[0], &index, sizeof(index)) == sizeof(index) && index;
	ksft_test_result(good, "in_use\n");
	edu_copy(IOVA + index * page_size(), EDU_DMA_WRITE);
	if (iommufd) {
		references = page_sum_references(pfn, mem->nr);
		vfio_unmap_at(&vfio, mem, IOVA);
		ksft_test_result(test_is("references", page_sum_references(pfn, mem->nr),
					 references), "references\n");
	}
	close(to[1]);
	waitpid(child, &status, 0);
	ksft_test_result(good && WIFEXITED(status) && !WEXITSTATUS(status), "unchanged\n");
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv), *how = argc > 2 ? argv[2] : "";
	bool gone = !strcmp(how, "iommufd-gone"), iommufd = gone || !strcmp(how, "iommufd"), good;
	struct vfio_memory mem;
	struct vfio_part part;
	struct blocks blocks;

	ksft_set_plan(gone ? 3 : 5 + iommufd);
	if (iommufd)
		vfio_open_iommufd(&vfio);
	else
		vfio_open(&vfio);
	edu_open();
	dax_make(ns, "4K", &dax);
	blocks = block_one((dax.data.pfn + block_pages() - 1) / block_pages());
	part = vfio_part(dax_open(&dax), (blocks.pages.pfn - dax.data.pfn) * page_size(),
			 block_pages());
	vfio_get_memory(&mem, &part, 1);
	close(part.fd);

	memset(mem.addr, 'd', page_size());
	good = !vfio_map_at(&vfio, &mem, IOVA) && edu_copy(IOVA, 0) &&
	       edu_copy(IOVA + page_size(), EDU_DMA_WRITE);
	ksft_test_result(good && !memcmp(mem.addr, mem.addr + page_size(), EDU_BYTES), "dma\n");
	ksft_test_result(unbind(&mem), "unbound\n");
	if (gone)
		ksft_test_result(vfio_unmap_at(&vfio, &mem, IOVA) || errno == ENOENT, "unmapped\n");
	else
		test_new_owner(&mem, &blocks, iommufd);

	ksft_exit(!ksft_get_fail_cnt());
}
