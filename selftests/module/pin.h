/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What has another name, or works in another way, in the kernels that test_memmap
 * is built for.
 */
#ifndef _TEST_MEMMAP_PIN_H
#define _TEST_MEMMAP_PIN_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pci-p2pdma.h>

#include "test_memmap_uapi.h"

#ifdef PIN_V7
#include "pin_v7.h"
#else
#include "pin_v5.10.h"
#endif

#endif
