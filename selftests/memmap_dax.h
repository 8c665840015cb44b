/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device DAX for the memmap selftests: making it with ndctl, finding out which
 * page frames it has, looking at their struct pages, binding and unbinding.
 */
#ifndef _SELFTESTS_MEMMAP_DAX_H
#define _SELFTESTS_MEMMAP_DAX_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../kselftest.h"
#include "memmap.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define DAX_DRIVER	"/sys/bus/dax/drivers/device_dax"
#define DEBUG_FILE(name)	"/sys/kernel/debug/test_memmap/" name
#define HUGE_SIZE	(2UL << 20)
#define NDCTL_SECONDS	30	/* for one ndctl command */
#define BIND_SECONDS	10	/* for binding or unbinding a driver */

/* What a page must be that belongs to a device, whoever uses it. */
#define DEVICE_MASK	(TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE | \
			 TEST_MEMMAP_DEVICE | TEST_MEMMAP_PGMAP)
#define DEVICE_PAGE	(TEST_MEMMAP_VALID | TEST_MEMMAP_DEVICE | \
			 TEST_MEMMAP_PGMAP)

struct pages {
	unsigned long pfn;
	unsigned long nr;
};

/*
 * A namespace that is a dax device. With map=dev its pages are, in this order:
 * @reserve, which the memmap must not use (the info block); @storage, which
 * the memmap is in (the altmap); @data. With map=mem the first two are device
 * pages like any other.
 */
struct dax {
	char name[32];
	int nid;
	struct pages all;
	struct pages reserve;
	struct pages storage;
	struct pages data;
};

/* The pages from @path/resource on, as many as @path/size says. */
static inline bool read_pages(const char *path, struct pages *pages)
{
	long page_size = sysconf(_SC_PAGESIZE);
	long long start, size;
	char file[128];

	snprintf(file, sizeof(file), "%s/resource", path);
	start = read_number(file);
	snprintf(file, sizeof(file), "%s/size", path);
	size = read_number(file);

	pages->pfn = start / page_size;
	pages->nr = size / page_size;
	return start > 0 && size > 0;
}

static inline bool read_namespace(const char *ns, struct pages *pages)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%.64s", ns);
	return read_pages(path, pages);
}

static inline bool create_raw(const char *ns)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", "raw", NULL
	};

	memmap_require_disposable();
	return run_command(NDCTL_SECONDS, argv) == 0;
}

/* Make @ns a dax device with its memmap in @map ("mem", "dev"). */
static inline bool create_dax(const char *ns, const char *map,
			      const char *align, struct dax *dax)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", "devdax",
		"-M", map, "-a", align, NULL
	};
	const unsigned long info_block = 8192;	/* nd_info_block_reserve() */
	char path[96], file[128];

	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, argv))
		return false;

	/* namespaceX.Y becomes daxX.Y */
	snprintf(dax->name, sizeof(dax->name), "dax%.16s",
		 ns + strlen("namespace"));
	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s", dax->name);
	if (!read_namespace(ns, &dax->all) || !read_pages(path, &dax->data)) {
		ksft_print_msg("%s: no pages\n", path);
		return false;
	}

	dax->reserve.pfn = dax->all.pfn;
	dax->reserve.nr = info_block / sysconf(_SC_PAGESIZE) ? : 1;
	dax->storage.pfn = dax->reserve.pfn + dax->reserve.nr;
	dax->storage.nr = dax->data.pfn - dax->storage.pfn;

	snprintf(file, sizeof(file), "%s/numa_node", path);
	dax->nid = read_number(file);
	if (dax->nid < 0)
		dax->nid = 0;

	ksft_print_msg("%s map=%s align=%s: node %d, pfn %#lx, %lu reserve, %lu storage, %lu data\n",
		       dax->name, map, align, dax->nid, dax->all.pfn,
		       dax->reserve.nr, dax->storage.nr, dax->data.nr);
	return true;
}

static inline bool destroy_namespace(const char *ns)
{
	const char *const argv[] = {
		"ndctl", "destroy-namespace", "-f", ns, NULL
	};

	return run_command(NDCTL_SECONDS, argv) == 0;
}

/*
 * Bind or unbind @dax. Unbinding waits, and can't be killed, for as long as
 * somebody holds a page: leave that to a child, and leave the child behind.
 */
static inline pid_t start_bind(const struct dax *dax, bool bind)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-write_text(bind ? DAX_DRIVER "/bind" :
				  DAX_DRIVER "/unbind", dax->name));
	return pid;
}

static inline bool wait_bind(const struct dax *dax, pid_t pid)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	int status = 0;

	if (pid < 0)
		return false;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > end) {
			ksft_print_msg("%s: (un)bind still waits after %d s\n",
				       dax->name, BIND_SECONDS);
			return false;
		}
		usleep(1000);
	}

	if (status)
		ksft_print_msg("%s: (un)bind: %s\n", dax->name,
			       strerror(WEXITSTATUS(status)));
	return status == 0;
}

static inline bool bind_dax(const struct dax *dax, bool bind)
{
	return wait_bind(dax, start_bind(dax, bind));
}

static inline int open_dax(const struct dax *dax)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", dax->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		ksft_print_msg("%s: %s\n", path, strerror(errno));
	return fd;
}

/*
 * Map @size bytes of a device from @pfn on through test_memmap, by
 * vm_insert_page() or as huge pages. Whoever unbinds the device unmaps them.
 */
static inline char *map_pages(unsigned long pfn, size_t size)
{
	uintptr_t addr;
	void *area;
	int fd;

	/* Aligned, for a huge page. */
	area = mmap(NULL, size + HUGE_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	addr = ((uintptr_t)area + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	fd = open(DEBUG_FILE("map"), O_RDWR | O_CLOEXEC);
	if (fd < 0 || area == MAP_FAILED ||
	    mmap((void *)addr, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
		 (off_t)pfn * sysconf(_SC_PAGESIZE)) == MAP_FAILED)
		ksft_exit_fail_msg("map pfn %#lx: %s\n", pfn, strerror(errno));
	close(fd);

	/* Dies with SIGBUS if a huge page was wanted and there is none. */
	asm volatile("" : : "r" (*(char *)addr) : "memory");
	if (memmap_vaddr_to_pfn((void *)addr) != pfn)
		ksft_exit_fail_msg("pfn %#lx is not mapped\n", pfn);
	return (char *)addr;
}

/*
 * Are all of @pages as @mask and @want say, on node @nid, and with just the
 * one reference that the device holds?
 */
static inline bool check_pages(const char *what, const struct pages *pages,
			       unsigned int mask, unsigned int want, int nid)
{
	static struct test_memmap_page rec[4096];
	const unsigned long block = ARRAY_SIZE(rec);
	unsigned long bad = 0, done, nr, i;

	for (done = 0; done < pages->nr; done += nr) {
		nr = pages->nr - done < block ? pages->nr - done : block;
		memmap_read(pages->pfn + done, rec, nr);
		for (i = 0; i < nr; i++) {
			if ((rec[i].state & mask) == want &&
			    rec[i].nid == nid && rec[i].refcount == 1)
				continue;
			if (bad++ < 3)
				ksft_print_msg("%s: pfn %#lx state %#x flags %#llx refcount %d nid %d zone %u\n",
					       what, pages->pfn + done + i,
					       rec[i].state,
					       (unsigned long long)rec[i].flags,
					       rec[i].refcount, rec[i].nid,
					       rec[i].zone);
		}
	}

	if (bad)
		ksft_print_msg("%s: %lu of %lu pages are not as they should be\n",
			       what, bad, pages->nr);
	return pages->nr && !bad;
}

/* Do all of @pages have just @want of the state bits in @mask? */
static inline bool check_state(const char *what, const struct pages *pages,
			       unsigned int mask, unsigned int want)
{
	return memmap_count(pages->pfn, pages->nr, mask, want, what) ==
	       pages->nr;
}

#endif
