/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second kernel, booted by kexec: the same image, initramfs and command line,
 * plus a word that marks it as the second. And device DAX that the first kernel
 * fills for it.
 */
#ifndef _MEMMAP_KEXEC_H
#define _MEMMAP_KEXEC_H

#include <linux/kexec.h>

#include "area.h"

#define NR_KEXEC_DEVICES	2

/* Filled by the first kernel, checked by the second. */
extern const struct kexec_device {
	const char *ns, *map;
} kexec_devices[NR_KEXEC_DEVICES];

bool kexec_is_second(void);

/* Load kernel and initrd from these two disks. Returns 0 or -errno. */
int kexec_load(const char *kernel, const char *initrd, const char *append,
	       unsigned long flags);

/* Wait until PID 1 has read all output: what is left in the pipe is lost. */
void kexec_drain_output(void);

/*
 * Boot the kernel that kexec_load() has loaded. Returns only on failure, and prints
 * the error.
 */
void kexec_boot(void);

bool kexec_fill_device(int i);

/* True if it has the same content and right struct pages, and is writable. */
bool kexec_check_device(int i);

#endif
