// SPDX-License-Identifier: GPL-2.0
/*
 * A VFIO device without an IOMMU of its own, like a mediated device: the platform
 * device "test_memmap", which pins the pages that user space names with
 * vfio_pin_pages(). One range at a time; see test_memmap_uapi.h.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vfio.h>

#include "test_memmap_uapi.h"
#include "vfio.h"

struct test_vfio {
	struct vfio_device vdev;
	struct mutex lock;	/* range; VFIO calls dma_unmap with locks of its own held */
	struct test_memmap_range range;
};

static struct platform_device *test_vfio_pdev;

/* Remember what is pinned, or that nothing is. Returns what was. */
static struct test_memmap_range test_vfio_swap(struct test_vfio *test,
					       const struct test_memmap_range *range)
{
	struct test_memmap_range old;

	mutex_lock(&test->lock);
	old = test->range;
	if (!old.npage || !range->npage)
		test->range = *range;
	mutex_unlock(&test->lock);
	return old;
}

static void test_vfio_unpin(struct test_vfio *test)
{
	const struct test_memmap_range none = {};
	struct test_memmap_range old = test_vfio_swap(test, &none);

	if (old.npage)
		vfio_unpin_pages(&test->vdev, old.iova, old.npage);
}

static int test_vfio_pin(struct test_vfio *test, const struct test_memmap_range *range)
{
	struct page *pages[TEST_MEMMAP_MAX_PIN];
	int ret;

	if (!range->npage || range->npage > ARRAY_SIZE(pages))
		return -EINVAL;
	ret = vfio_pin_pages(&test->vdev, range->iova, range->npage,
			     IOMMU_READ | IOMMU_WRITE, pages);
	if (ret < 0)
		return ret;
	if (!test_vfio_swap(test, range).npage)
		return 0;
	vfio_unpin_pages(&test->vdev, range->iova, range->npage);
	return -EBUSY;
}

static long test_vfio_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct test_vfio *test = container_of(vdev, struct test_vfio, vdev);
	struct test_memmap_range range;

	switch (cmd) {
	case TEST_MEMMAP_PIN:
		if (copy_from_user(&range, (void __user *)arg, sizeof(range)))
			return -EFAULT;
		return test_vfio_pin(test, &range);
	case TEST_MEMMAP_UNPIN:
		test_vfio_unpin(test);
		return 0;
	default:
		return -ENOTTY;
	}
}

static void test_vfio_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	/* Who unmaps at the same time gets as far as VFIO's locks let it. */
	msleep(1);
	test_vfio_unpin(container_of(vdev, struct test_vfio, vdev));
}

static int test_vfio_open(struct vfio_device *vdev)
{
	return 0;
}

static void test_vfio_close(struct vfio_device *vdev)
{
	test_vfio_dma_unmap(vdev, 0, 0);
}

static const struct vfio_device_ops test_vfio_ops = {
	.name = "test_memmap",
	.open_device = test_vfio_open,
	.close_device = test_vfio_close,
	.ioctl = test_vfio_ioctl,
	.dma_unmap = test_vfio_dma_unmap,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif
};

static int test_vfio_probe(struct platform_device *pdev)
{
	struct test_vfio *test;
	int ret;

	test = vfio_alloc_device(test_vfio, vdev, &pdev->dev, &test_vfio_ops);
	if (IS_ERR(test))
		return PTR_ERR(test);

	mutex_init(&test->lock);
	ret = vfio_register_emulated_iommu_dev(&test->vdev);
	if (ret)
		vfio_put_device(&test->vdev);
	else
		platform_set_drvdata(pdev, test);
	return ret;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define REMOVE remove
#else
#define REMOVE remove_new
#endif

static void test_vfio_remove(struct platform_device *pdev)
{
	struct test_vfio *test = platform_get_drvdata(pdev);

	vfio_unregister_group_dev(&test->vdev);
	vfio_put_device(&test->vdev);
}

static struct platform_driver test_vfio_driver = {
	.driver.name = "test_memmap",
	.REMOVE = test_vfio_remove,
};

int __init test_vfio_init(void)
{
	test_vfio_pdev = platform_create_bundle(&test_vfio_driver, test_vfio_probe,
						NULL, 0, NULL, 0);
	return PTR_ERR_OR_ZERO(test_vfio_pdev);
}

void test_vfio_exit(void)
{
	platform_device_unregister(test_vfio_pdev);
	platform_driver_unregister(&test_vfio_driver);
}
