/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the memmap selftests share: reading struct pages through test_memmap,
 * small files under /proc and /sys, and asking the host to plug memory.
 */
#ifndef _SELFTESTS_MEMMAP_H
#define _SELFTESTS_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "test_memmap_uapi.h"

#define PAGES_FILE		"/sys/kernel/debug/test_memmap/pages"
#define GOING_ONLINE_FILE	"/sys/kernel/debug/test_memmap/going_online"

/* As PG_* and KPF_*: bits of /proc/kpageflags that the tests look at. */
#define KPF_NOPAGE		20
#define KPF_RESERVED		32

/* Skip the whole test program unless root, debugfs and test_memmap are there. */
void memmap_require(void);

/*
 * Skip the whole test program unless the caller has said, by MEMMAP_DISPOSABLE=1
 * in the environment, that nothing on this machine is of value: for tests that
 * destroy namespaces, take memory offline, or hang a device of a kernel that
 * has the bug they look for.
 */
void memmap_require_disposable(void);

/*
 * Read the records of @nr pages from @pfn on into @rec.
 * Exits the test program with a failure when the kernel refuses.
 */
void memmap_read(unsigned long pfn, struct test_memmap_page *rec, size_t nr);

/* One record. */
struct test_memmap_page memmap_page(unsigned long pfn);

/* References that somebody has to a page of a device, beyond those of an unused one. */
int memmap_references(const struct test_memmap_page *rec);

/* The same without those that page tables have, which not all kernels give them. */
int memmap_users(const struct test_memmap_page *rec);

/* Of the large folio that a page of a device belongs to, whose references are its own. */
unsigned int memmap_order(const struct test_memmap_page *rec);

/* How often a page is pinned; for one of a large folio: how often all of that are. */
int memmap_pins(const struct test_memmap_page *rec);

/*
 * How many pages of [@pfn, @pfn + @nr) have exactly @want of the state bits in
 * @mask. The first few that have not are printed as diagnostics when @what is
 * not NULL.
 */
unsigned long memmap_count(unsigned long pfn, unsigned long nr,
			   unsigned int mask, unsigned int want,
			   const char *what);

/* The value of /proc/kpageflags for @pfn. */
unsigned long long memmap_kpageflags(unsigned long pfn);

/* Page frame number behind @addr of this process, 0 when not present. */
unsigned long memmap_vaddr_to_pfn(const void *addr);

/*
 * Read a small text file, white space at the end removed. Returns 0 and a
 * terminated string in @buf, or -errno.
 */
int read_text(const char *path, char *buf, size_t size);

/* Write @text to @path. Returns 0 or -errno. */
int write_text(const char *path, const char *text);

/* Number (any base that strtoull knows) in a file, -1 when it can't be read. */
long long read_number(const char *path);

/*
 * Run a program, its output as diagnostics. Returns its exit code, or -1 when
 * it could not be started, was killed, or ran longer than @seconds (0: no
 * limit); then it is left alone if it can't be killed.
 */
int run_command(unsigned int seconds, const char *const argv[]);

/*
 * Ask the host that runs this guest: "plug NAME" or "unplug NAME".
 * Returns 0 and what follows "ok" in @answer; -ENODEV when nobody listens;
 * -EIO when the host refused (the reason is in @answer).
 */
int host_request(const char *request, char *answer, size_t size);

/*
 * Take a reference to each of the @nr pages at @addr, until release_held(): a
 * pipe keeps them, and nothing happens to them meanwhile.
 */
bool hold_pages(int held[2], void *addr, size_t nr);

/* Both ends of the pipe: it gives back what it still has. */
void release_held(const int held[2]);

/* Milliseconds since some point in the past. */
long long now_ms(void);

#endif
