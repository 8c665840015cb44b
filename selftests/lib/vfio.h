/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VFIO: QEMU's "edu" PCI device in a container of its own (type1v2), memory
 * that is made of several parts to map for it, and checks of pins and of locked
 * memory.
 */
#ifndef _MEMMAP_VFIO_H
#define _MEMMAP_VFIO_H

#include <linux/vfio.h>
#include <sys/ioctl.h>

#include "dax.h"
#include "test.h"

#define VFIO_IOVA	(1UL << 30)
#define VFIO_PIN	1024	/* GUP_PIN_COUNTING_BIAS */

struct vfio {
	char name[16];		/* of the PCI device */
	int number;		/* of its group */
	int container, group;
};

/* A part of struct vfio_memory: a range of a file, or one of these as @fd. */
enum { VFIO_ANONYMOUS = -1, VFIO_UNMAPPED = -2 };

struct vfio_part {
	int fd;
	size_t size;
	off_t offset;
	/* These two: no page is touched, and none can be pinned. */
	bool readonly;
	bool pfnmap;
	bool in_one_piece;	/* RAM: consecutive page frames */
};

/* Memory to map, and its pfns: 0 for pages that can't be pinned. */
struct vfio_memory {
	void *area;
	size_t area_size;
	char *addr;
	size_t size;
	unsigned long *pfn;
	size_t nr;
};

/* Bind the device to vfio-pci. Skips the whole test program without it. */
void vfio_require(struct vfio *vfio);

/*
 * Start a test of VFIO and of a namespace, its first argument. Returns the
 * namespace.
 */
const char *vfio_begin(struct vfio *vfio, int argc, char *argv[]);

/* Find the group of the device with this sysfs directory; open that group. */
bool vfio_find_group(struct vfio *vfio, const char *device);
void vfio_open_group(struct vfio *vfio);

/*
 * Open the group and a container, of @type for VFIO_SET_IOMMU or of type1v2.
 * Closing it unmaps everything.
 */
void vfio_open_type(struct vfio *vfio, unsigned long type);
void vfio_open(struct vfio *vfio);

/* The same with iommufd, which takes the ioctls of type1v2 as well. */
void vfio_open_iommufd(struct vfio *vfio);
void vfio_close(const struct vfio *vfio);

/* Return 0 or errno. */
int vfio_map_at(const struct vfio *vfio, const struct vfio_memory *mem,
		unsigned long iova);
int vfio_map(const struct vfio *vfio, const struct vfio_memory *mem);

bool vfio_unmap_at(const struct vfio *vfio, const struct vfio_memory *mem,
		   unsigned long iova);
bool vfio_unmap(const struct vfio *vfio, const struct vfio_memory *mem);

/* @nr pages of a file from @offset on; or @fd is VFIO_ANONYMOUS/_UNMAPPED. */
static inline struct vfio_part vfio_part(int fd, off_t offset, size_t nr)
{
	return (struct vfio_part){
		.fd = fd,
		.size = nr * page_size(),
		.offset = offset,
	};
}

/* @nr pages of RAM. */
static inline struct vfio_part vfio_ram(size_t nr)
{
	return vfio_part(VFIO_ANONYMOUS, 0, nr);
}

/* A dax device. Use no page twice: the unpatched kernel leaks pins. */
struct vfio_dax {
	int fd;
	size_t used;		/* pages, from the start */
};

/* The next @nr pages of it. */
static inline struct vfio_part vfio_dax(struct vfio_dax *from, size_t nr)
{
	struct vfio_part part = vfio_part(from->fd, from->used * page_size(), nr);

	from->used += nr;
	return part;
}

/* Map memory made of @nr adjacent parts. */
void vfio_get_memory(struct vfio_memory *mem, const struct vfio_part *parts, size_t nr);
void vfio_put_memory(struct vfio_memory *mem);

/* @nr pages of BAR 0, which has no struct pages; @pfn: the first, or NULL. */
struct vfio_part vfio_bar_part(const struct vfio *vfio, size_t nr, unsigned long *pfn);

/* Number of pages that can be pinned, and of their pins in total. */
long vfio_pinnable(const struct vfio_memory *mem);
long vfio_pins(const struct vfio_memory *mem);

/* Pins of all pages in the system: acquired, and not released. */
long long vfio_all_pins(void);

/* Locked memory of this process, or a field of /proc/self/status, in bytes. */
long vfio_locked(void);
long vfio_status(const char *name);

/* True if no pins and no locked memory are left. */
bool vfio_is_released(const struct vfio_memory *mem);

/* The results of vfio_try_map(). */
struct vfio_tried {
	bool pinned, locked, unmap, released;
};

/* Map, check, unmap, check. @ram: bytes that count as locked memory. */
struct vfio_tried vfio_try_map(const struct vfio *vfio, const char *word,
			       const struct vfio_memory *mem, long ram);

/* Names of these four. */
extern const char *const vfio_words[4];

static inline void vfio_test_map(const struct vfio *vfio, const char *word,
				 const struct vfio_memory *mem, long ram)
{
	struct vfio_tried tried = vfio_try_map(vfio, word, mem, ram);

	ksft_test_result(tried.pinned, "%s_pinned\n", word);
	ksft_test_result(tried.locked, "%s_locked\n", word);
	ksft_test_result(tried.unmap, "%s_unmap\n", word);
	ksft_test_result(tried.released, "%s_released\n", word);
}

/* True if it can't be mapped (EFAULT); @released: nothing of it is left. */
bool vfio_try_refused(const struct vfio *vfio, const struct vfio_part *parts,
		      size_t nr, bool *released);

static inline void vfio_test_refused(const struct vfio *vfio, const char *word,
				     const struct vfio_part *parts, size_t nr)
{
	bool released;

	ksft_test_result(vfio_try_refused(vfio, parts, nr, &released), "%s\n", word);
	ksft_test_result(released, "%s_released\n", word);
}

#endif
