/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Device DAX and file system DAX for the memmap selftests: making it with ndctl,
 * finding out which page frames it has, looking at their struct pages, binding
 * and unbinding.
 */
#ifndef _SELFTESTS_MEMMAP_DAX_H
#define _SELFTESTS_MEMMAP_DAX_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define DAX_DRIVER	"/sys/bus/dax/drivers/device_dax"
#define DEBUG_FILE(name)	"/sys/kernel/debug/test_memmap/" name
#define ADOPTED		"/sys/bus/nd/devices/namespace0.0"
#define HUGE_SIZE	(2UL << 20)
#define NDCTL_SECONDS	30	/* for one ndctl command */
#define BIND_SECONDS	10	/* for binding or unbinding a driver */
#define GARBAGE		0xa5	/* what is on media that is new to us */

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
 * A namespace that is a dax device, or pmem with struct pages. With map=dev its
 * pages are, in this order: @reserve, which the memmap must not use (the info
 * block); @storage, which the memmap is in (the altmap); @data. With map=mem the
 * first two are device pages like any other.
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

/* The first argument, or namespace0.0: without it, skip the whole test program. */
static inline const char *require_namespace(int argc, char *argv[])
{
	const char *ns = argc > 1 ? argv[1] : "namespace0.0";
	struct pages pages;

	if (!read_namespace(ns, &pages))
		ksft_exit_skip("needs %s\n", ns);
	return ns;
}

/* Open /dev/mem. Skips the whole test program when there is none. */
static inline int require_dev_mem(void)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		ksft_exit_skip("needs /dev/mem\n");
	return fd;
}

/*
 * Map @nr pages of the file at @path, from its page @pfn on: those of /dev/mem
 * are page frames, uncached with O_SYNC in @flags. Returns MAP_FAILED, and says
 * why, if it can't.
 */
static inline void *map_pfns(const char *path, int flags, unsigned long pfn,
			     unsigned long nr)
{
	const long page_size = sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDWR | O_CLOEXEC | flags);
	void *addr = MAP_FAILED;

	if (fd >= 0)
		addr = mmap(NULL, nr * page_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, (off_t)pfn * page_size);
	if (addr == MAP_FAILED)
		ksft_print_msg("%s, pfn %#lx: %s\n", path, pfn, strerror(errno));
	if (fd >= 0)
		close(fd);
	return addr;
}

static inline bool create_raw(const char *ns)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", "raw", NULL
	};

	memmap_require_disposable();
	return run_command(NDCTL_SECONDS, argv) == 0;
}

/* The block device of @ns, such as /dev/pmem0. */
static inline bool block_name(const char *ns, char *name, size_t size)
{
	struct dirent *entry = NULL;
	char path[128], holder[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/holder", ns);
	if (read_text(path, holder, sizeof(holder)) || !holder[0])
		snprintf(holder, sizeof(holder), "%s", ns);
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s/block", holder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (entry)
		snprintf(name, size, "/dev/%.32s", entry->d_name);
	if (dir)
		closedir(dir);
	return entry;
}

/* Write garbage to @ns, which is raw, up to @end; but not where it begins. */
static inline bool write_garbage(const char *ns, unsigned long end)
{
	const unsigned long chunk = 1UL << 20;
	unsigned long offset;
	char path[64], *buf;
	bool good = true;
	int fd;

	if (!block_name(ns, path, sizeof(path)))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	buf = malloc(chunk);
	if (fd < 0 || !buf)
		return false;
	memset(buf, GARBAGE, chunk);

	for (offset = chunk; good && offset < end; offset += chunk)
		good = pwrite(fd, buf, chunk, offset) == (ssize_t)chunk;
	free(buf);
	if (fsync(fd))
		good = false;
	close(fd);

	return good;
}

/*
 * Fill what is going to be the memmap's storage, so that a struct page that
 * nobody initialises is recognised: nothing zeroes the storage. Leave out the
 * start of the namespace, which is looked at for known formats.
 */
static inline bool fill_with_garbage(const char *ns)
{
	struct pages pages;

	/* 64 bytes for a page; alignment adds some */
	return create_raw(ns) && read_namespace(ns, &pages) &&
	       write_garbage(ns, pages.nr * 64 + (8UL << 20));
}

/* Find out what @ns is made of; its first data page is in @path/resource. */
static inline bool read_dax(const char *ns, const char *path, struct dax *dax)
{
	const unsigned long info_block = 8192;	/* nd_info_block_reserve() */
	char file[128];

	if (!read_namespace(ns, &dax->all) || !read_pages(path, &dax->data)) {
		ksft_print_msg("%s: no pages\n", path);
		return false;
	}

	dax->reserve.pfn = dax->all.pfn;
	if (dax->data.pfn > dax->all.pfn)
		dax->reserve.nr = info_block / sysconf(_SC_PAGESIZE) ? : 1;
	dax->storage.pfn = dax->reserve.pfn + dax->reserve.nr;
	dax->storage.nr = dax->data.pfn - dax->storage.pfn;

	snprintf(file, sizeof(file), "%s/numa_node", path);
	dax->nid = read_number(file);
	if (dax->nid < 0)
		dax->nid = 0;

	ksft_print_msg("%s: node %d, pfn %#lx, %lu reserve, %lu storage, %lu data\n",
		       dax->name, dax->nid, dax->all.pfn, dax->reserve.nr,
		       dax->storage.nr, dax->data.nr);
	return true;
}

static inline bool read_devdax(const char *ns, struct dax *dax)
{
	char path[96];

	/* namespaceX.Y becomes daxX.Y */
	snprintf(dax->name, sizeof(dax->name), "dax%.16s",
		 ns + strlen("namespace"));
	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s", dax->name);
	return read_dax(ns, path, dax);
}

static inline bool read_fsdax(const char *ns, struct dax *dax)
{
	char path[96];

	/* pfnX.Z, where Z may be another number than that of the namespace */
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%.64s/holder", ns);
	if (read_text(path, dax->name, sizeof(dax->name)))
		return false;
	/* Some regions have struct pages anyhow: there map=mem is the raw one. */
	if (!dax->name[0])
		snprintf(dax->name, sizeof(dax->name), "%s", ns);
	snprintf(path, sizeof(path), "/sys/bus/nd/devices/%s", dax->name);
	return read_dax(ns, path, dax);
}

/* Give @ns the @mode ("devdax", "fsdax") and its memmap in @map ("mem", "dev"). */
static inline bool set_mode(const char *ns, const char *mode, const char *map,
			    const char *align)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", mode,
		"-M", map, "-a", align, NULL
	};

	memmap_require_disposable();
	return run_command(NDCTL_SECONDS, argv) == 0;
}

/* Make @ns a dax device. */
static inline bool create_dax(const char *ns, const char *map,
			      const char *align, struct dax *dax)
{
	if (!set_mode(ns, "devdax", map, align) || !read_devdax(ns, dax))
		return false;
	ksft_print_msg("%s: map=%s align=%s\n", dax->name, map, align);
	return true;
}

/* The same, with the memory map in RAM; or the end of the test program. */
static inline void make_dax(const char *ns, const char *align, struct dax *dax)
{
	if (!create_dax(ns, "mem", align, dax))
		ksft_exit_fail_msg("no dax device\n");
}

/* Make @ns a block device for file system DAX. */
static inline bool create_fsdax(const char *ns, const char *map,
				const char *align, struct dax *dax)
{
	return set_mode(ns, "fsdax", map, align) && read_fsdax(ns, dax);
}

/*
 * Name namespace0.0, which lacks a label, and have it found out that it is a
 * dax device: by hand, what ndctl would do, but for writing the info block.
 */
static inline bool adopt_dax(const char *uuid, const char *size, struct dax *dax)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	int fd;

	memmap_require_disposable();
	if (write_text(ADOPTED "/uuid", uuid) || write_text(ADOPTED "/size", size))
		return false;
	/* An error: there is a better driver for it, which comes on its own. */
	write_text("/sys/bus/nd/drivers/nd_pmem/bind", "namespace0.0");
	while ((fd = open("/dev/dax0.0", O_RDONLY)) < 0 && now_ms() < end)
		usleep(1000);
	close(fd);
	return fd >= 0 && read_devdax("namespace0.0", dax);
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
 * somebody holds a page: leave that to a child, and leave the child behind. It
 * has none of our files, or it could be the one that holds.
 */
static inline pid_t start_bind(const struct dax *dax, bool bind)
{
	pid_t pid = fork();

	if (!pid) {
		syscall(SYS_close_range, 3, ~0U, 0);
		_exit(-write_text(bind ? DAX_DRIVER "/bind" :
				  DAX_DRIVER "/unbind", dax->name));
	}
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

#ifdef PIN_V7
/*
 * Hold the pgmap of the page at @pfn, which its unbinding waits for, until what
 * this returns is closed. Returns -1 if it can't.
 */
static inline int hold_pgmap(unsigned long pfn)
{
	int fd = open(DEBUG_FILE("hold"), O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && dprintf(fd, "%lu", pfn) > 0)
		return fd;
	ksft_print_msg("no pgmap of pfn %#lx to hold: %s\n", pfn, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

#endif
static inline int open_dax(const struct dax *dax)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%.32s", dax->name);
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
 * Are all of @pages as @mask and @want say, on node @nid, and with no reference
 * but those of the device, and of page tables?
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
			    rec[i].nid == nid && !memmap_users(&rec[i]))
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

/* Have just @want users a reference to each of @pages, or to its large folio? */
static inline bool check_references(const char *what, const struct pages *pages,
				    int want)
{
	unsigned long bad = 0, i;
	struct test_memmap_page rec;

	for (i = 0; i < pages->nr; i++) {
		rec = memmap_page(pages->pfn + i);
		if (memmap_users(&rec) == want)
			continue;
		if (bad++ < 3)
			ksft_print_msg("%s: pfn %#lx has %d users, should have %d\n",
				       what, pages->pfn + i,
				       memmap_users(&rec), want);
	}
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
