/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft offline and hard poison: asking for them, what the kernel has counted, and
 * a process that is hit.
 */
#ifndef _MEMMAP_POISON_H
#define _MEMMAP_POISON_H

#include <stdbool.h>

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define KPF_HWPOISON	19
#define POISON_SOFT	"/sys/devices/system/memory/soft_offline_page"
#define POISON_HARD	"/sys/devices/system/memory/hard_offline_page"
#define POISON_INJECT	"/sys/kernel/debug/hwpoison/corrupt-pfn"
#define POISON_UNDO	"/sys/kernel/debug/hwpoison/unpoison-pfn"

/*
 * Pages that HardwareCorrupted counts: negative when the kernel lost count. Skips
 * the whole test program when it does not count.
 */
long long poison_count(void);

/* Write @pfn to one of the files: those in sysfs want an address. Returns 0 or -errno. */
int poison_write(const char *file, unsigned long pfn);

/* Was that as it should be? @err and @want are 0 or -errno. */
bool poison_is_error(const char *what, int err, int want);

/* Are just @more pages counted than @before? */
bool poison_is_count(const char *what, long long before, long long more);

/*
 * Fork a process that writes to its page at @addr, poisons it, and looks at it
 * once more. Returns whether it has survived.
 */
bool poison_child(char *addr);

/* Had it one SIGBUS, about the page at @addr of a mapping of 1 << @lsb? */
bool poison_was_hit(const char *what, const char *addr, int lsb);

#endif
