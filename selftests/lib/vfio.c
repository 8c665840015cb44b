// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "file.h"
#include "pci.h"
#include "vfio.h"

#define EDU	0x11e81234	/* device and vendor */
#define SLOTS	32

static long long read_id(const char *name, const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/%s", name, file);
	return file_number(path);
}

bool vfio_find_group(struct vfio *vfio, const char *device)
{
	char path[160], link[128];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/iommu_group", device);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return false;
	link[len] = '\0';
	vfio->number = atoi(strrchr(link, '/') + 1);
	return true;
}

/* Bind edu to vfio-pci. */
static bool bind_edu(struct vfio *vfio)
{
	char path[128];
	int slot;

	for (slot = 0; slot < SLOTS; slot++) {
		snprintf(vfio->name, sizeof(vfio->name), "0000:00:%02x.0", slot);
		if ((read_id(vfio->name, "device") << 16 |
		     read_id(vfio->name, "vendor")) == EDU)
			break;
	}
	if (slot == SLOTS)
		return false;

	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/driver_override", vfio->name);
	file_write(path, "vfio-pci");
	file_write(PCI_DIR "/drivers/vfio-pci/bind", vfio->name);
	snprintf(path, sizeof(path), PCI_DIR "/devices/%s", vfio->name);
	return vfio_find_group(vfio, path);
}

void vfio_require(struct vfio *vfio)
{
	if (!bind_edu(vfio) || access("/dev/vfio/vfio", F_OK))
		ksft_exit_skip("needs VFIO, an IOMMU and QEMU's edu device\n");
}

const char *vfio_begin(struct vfio *vfio, int argc, char *argv[])
{
	test_begin();
	vfio_require(vfio);
	return ns_require_arg(argc, argv);
}

void vfio_open_group(struct vfio *vfio)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", vfio->number);
	vfio->group = open(path, O_RDWR | O_CLOEXEC);
	if (vfio->group < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
}

static void open_container(struct vfio *vfio, const char *path, unsigned long type)
{
	vfio_open_group(vfio);
	vfio->container = open(path, O_RDWR | O_CLOEXEC);
	if (vfio->container < 0 ||
	    ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container) ||
	    ioctl(vfio->container, VFIO_SET_IOMMU, type))
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
}

void vfio_open_type(struct vfio *vfio, unsigned long type)
{
	open_container(vfio, "/dev/vfio/vfio", type);
}

void vfio_open_iommufd(struct vfio *vfio)
{
	open_container(vfio, "/dev/iommu", VFIO_TYPE1v2_IOMMU);
}

void vfio_open(struct vfio *vfio)
{
	vfio_open_type(vfio, VFIO_TYPE1v2_IOMMU);
}

void vfio_close(const struct vfio *vfio)
{
	close(vfio->container);
	close(vfio->group);
}

struct vfio_part vfio_bar_part(const struct vfio *vfio, size_t nr, unsigned long *pfn)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	struct pages pages = { .nr = nr };
	struct vfio_part part;
	char path[64];
	int fd;

	fd = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, vfio->name);
	if (fd < 0 || ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info) ||
	    !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		ksft_exit_fail_msg("%s: no BAR: %s\n", vfio->name, strerror(errno));
	snprintf(path, sizeof(path), PCI_DIR "/devices/%s/resource", vfio->name);
	pages.pfn = file_number(path) / page_size();
	if (!page_is_gone("bar", &pages))
		ksft_exit_fail_msg("%s: the BAR has struct pages\n", vfio->name);
	if (pfn)
		*pfn = pages.pfn;
	part = vfio_part(fd, info.offset, nr);
	part.pfnmap = true;
	return part;
}

int vfio_map_at(const struct vfio *vfio, const struct vfio_memory *mem,
		unsigned long iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)mem->addr,
		.iova = iova,
		.size = mem->size,
	};

	return ioctl(vfio->container, VFIO_IOMMU_MAP_DMA, &map) ? errno : 0;
}

int vfio_map(const struct vfio *vfio, const struct vfio_memory *mem)
{
	return vfio_map_at(vfio, mem, VFIO_IOVA);
}

bool vfio_unmap_at(const struct vfio *vfio, const struct vfio_memory *mem,
		   unsigned long iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = mem->size,
	};

	return !ioctl(vfio->container, VFIO_IOMMU_UNMAP_DMA, &unmap) &&
	       unmap.size == mem->size;
}

bool vfio_unmap(const struct vfio *vfio, const struct vfio_memory *mem)
{
	return vfio_unmap_at(vfio, mem, VFIO_IOVA);
}

const char *const vfio_words[4] = { "pinned", "locked", "unmap", "released" };

struct vfio_tried vfio_try_map(const struct vfio *vfio, const char *word,
			       const struct vfio_memory *mem, long ram)
{
	int err = vfio_map(vfio, mem);
	struct vfio_tried tried = {};

	if (err) {
		ksft_print_msg("%s: map: %s\n", word, strerror(err));
		return tried;
	}
	tried.pinned = test_is("pins", vfio_pins(mem), vfio_pinnable(mem));
	tried.locked = test_is("locked bytes", vfio_locked(), ram);
	tried.unmap = vfio_unmap(vfio, mem);
	tried.released = vfio_is_released(mem);
	return tried;
}

bool vfio_try_refused(const struct vfio *vfio, const struct vfio_part *parts,
		      size_t nr, bool *released)
{
	struct vfio_memory mem;
	int err;

	vfio_get_memory(&mem, parts, nr);
	err = vfio_map(vfio, &mem);
	if (!err)
		vfio_unmap(vfio, &mem);
	*released = vfio_is_released(&mem);
	vfio_put_memory(&mem);
	return test_is("errno", err, EFAULT);
}
