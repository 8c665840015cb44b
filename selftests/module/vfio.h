/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TEST_MEMMAP_VFIO_H
#define _TEST_MEMMAP_VFIO_H

#include <linux/version.h>

#if defined(PIN_V7) && IS_BUILTIN(CONFIG_VFIO) && \
	(defined(CONFIG_VFIO_GROUP) || LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0))
int test_vfio_init(void);
void test_vfio_exit(void);
#else
static inline int test_vfio_init(void)
{
	return 0;
}

static inline void test_vfio_exit(void)
{
}
#endif

#endif
