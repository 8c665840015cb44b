/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft offline and hard poison: injecting them, the counter of the kernel, and
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
 * Pages counted by HardwareCorrupted, negative if the kernel lost count. Skips
 * the whole test program without this counter.
 */
long long poison_count(void);

/* Write @pfn to a POISON_* file (sysfs: its address). Returns 0 or -errno. */
int poison_write(const char *file, unsigned long pfn);

/* True if @err is @want. Both are 0 or -errno. */
bool poison_is_error(const char *what, int err, int want);

/* True if poison_count() is @before + @more. */
bool poison_is_count(const char *what, long long before, long long more);

/*
 * Fork a process that writes to its page at @addr, poisons it, and reads it
 * again. Returns true if the process survived.
 */
bool poison_child(char *addr);

/* True if it got one SIGBUS, for @addr in a mapping of 1 << @lsb bytes. */
bool poison_was_hit(const char *what, const char *addr, int lsb);

#endif
