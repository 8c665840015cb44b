/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel that comes up where another one was: the same image, initramfs and
 * command line, which says by one more word that it is the second. And device
 * DAX that the first kernel fills for it.
 */
#ifndef _MEMMAP_KEXEC_H
#define _MEMMAP_KEXEC_H

#include <linux/kexec.h>

#include "area.h"

#define NR_KEXEC_DEVICES	2

/* Filled by the first kernel, looked at by the second. */
extern const struct kexec_device {
	const char *ns, *map;
} kexec_devices[NR_KEXEC_DEVICES];

bool kexec_is_second(void);

/* Load what is on these two disks. Returns 0 or -errno. */
int kexec_load(const char *kernel, const char *initrd, const char *append,
	       unsigned long flags);

/* Until PID 1 has taken what was printed: what is still in the pipe gets lost. */
void kexec_drain_output(void);

bool kexec_fill_device(int i);

/* As it was left, with the pages that device memory has, and good for use. */
bool kexec_check_device(int i);

#endif
