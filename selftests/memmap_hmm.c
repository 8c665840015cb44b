// SPDX-License-Identifier: GPL-2.0
/*
 * Private memory of a device, as test_hmm has it: pages go there and come back
 * with what is in them, by a fault of the CPU, after fork() and at exit(). They
 * are not reserved, and their reference counts are what they were before.
 *
 * usage: memmap_hmm [load]
 *
 * Loads the module test_hmm unless it is there, and makes its device nodes. With
 * "load" that is all; otherwise it is unloaded in the end, twice.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"
#include "test_hmm_uapi.h"

#ifdef PIN_V7
#define HMM_DMIRROR_MIGRATE	HMM_DMIRROR_MIGRATE_TO_DEV
#endif
#define NODE		"/dev/hmm_dmirror0"
#define OTHER_NODE	"/dev/hmm_dmirror1"
#define NR_PAGES	64
#define NR_CHUNKS	2	/* each of test_hmm's devices begins with one */
#define NR_CASES	10
#define BLOCK		4096UL	/* records in one read */
#define SWAP_TYPE_BITS	5	/* of a word in /proc/self/pagemap */

struct chunk {
	unsigned long pfn, nr;
};

static struct chunk chunks[NR_CHUNKS];
static size_t page_size;
static int device = -1;

/* The memory of test_hmm's devices. Returns how many pieces there are. */
static int find_chunks(void)
{
	unsigned long long start, end;
	char line[128];
	int found = 0;
	FILE *iomem;

	iomem = fopen("/proc/iomem", "re");
	while (iomem && fgets(line, sizeof(line), iomem)) {
		if (!strstr(line, ": hmm_dmirror") ||
		    sscanf(line, "%llx-%llx", &start, &end) != 2)
			continue;
		if (found < NR_CHUNKS) {
			chunks[found].pfn = start / page_size;
			chunks[found].nr = (end - start + 1) / page_size;
		}
		found++;
	}
	if (iomem)
		fclose(iomem);
	return found;
}

/* Beside this program, or where modprobe finds it. */
static int load_module(void)
{
	static const char *const modprobe[] = { "modprobe", "test_hmm", NULL };
	char path[PATH_MAX - 16] = "", ko[PATH_MAX];
	int fd, err = 0;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	snprintf(ko, sizeof(ko), "%s/test_hmm.ko", dirname(path));
	fd = open(ko, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return run_command(60, modprobe) ? -ENOENT : 0;
	if (syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

/* The module has no class that a device node could come of. */
static bool make_nodes(void)
{
	int major = -1;
	char line[128];
	FILE *devices;

	devices = fopen("/proc/devices", "re");
	while (devices && fgets(line, sizeof(line), devices))
		if (strstr(line, "HMM_DMIRROR"))
			major = strtol(line, NULL, 10);
	if (devices)
		fclose(devices);
	unlink(NODE);
	unlink(OTHER_NODE);
	return major >= 0 &&
	       !mknod(NODE, S_IFCHR | 0600, makedev(major, 0)) &&
	       !mknod(OTHER_NODE, S_IFCHR | 0600, makedev(major, 1));
}

static bool load(void)
{
	int err;

	if (access("/sys/module/test_hmm", F_OK)) {
		err = load_module();
		if (err) {
			ksft_print_msg("test_hmm: %s\n", strerror(-err));
			return false;
		}
	}
	return make_nodes() && find_chunks() >= NR_CHUNKS;
}

static bool unload(void)
{
	int i;

	unlink(NODE);
	unlink(OTHER_NODE);
	if (syscall(SYS_delete_module, "test_hmm", O_NONBLOCK)) {
		ksft_print_msg("delete_module: %s\n", strerror(errno));
		return false;
	}
	for (i = 0; i < NR_CHUNKS; i++)
		if (memmap_page(chunks[i].pfn).state & TEST_MEMMAP_PGMAP)
			return false;
	return true;
}

/* All pages of the devices are theirs and not reserved. */
static bool not_reserved(void)
{
	unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_DEVICE |
			    TEST_MEMMAP_PGMAP | TEST_MEMMAP_RESERVED;
	unsigned int want = mask & ~TEST_MEMMAP_RESERVED;
	bool good = true;
	int i;

	for (i = 0; i < NR_CHUNKS; i++)
		good &= memmap_count(chunks[i].pfn, chunks[i].nr, mask, want,
				     "private") == chunks[i].nr;
	return good;
}

/* How many pages of the devices have more references than an unused one has. */
static unsigned long pages_used(void)
{
	static struct test_memmap_page rec[BLOCK];
	unsigned long used = 0, done, step, j;
	int i;

	for (i = 0; i < NR_CHUNKS; i++) {
		for (done = 0; done < chunks[i].nr; done += step) {
			step = chunks[i].nr - done;
			if (step > BLOCK)
				step = BLOCK;
			memmap_read(chunks[i].pfn + done, rec, step);
			for (j = 0; j < step; j++)
				used += memmap_references(&rec[j]) != 0;
		}
	}
	return used;
}

/* The pfn behind @addr when that is device memory that the CPU can't reach. */
static unsigned long private_pfn(const void *addr)
{
	const unsigned long long swap = 1ULL << 62, mask = (1ULL << 55) - 1;
	unsigned long long word = 0;
	unsigned long pfn;
	int fd, i;

	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &word, sizeof(word),
			    (unsigned long)addr / page_size * sizeof(word)) < 0)
		word = 0;
	if (fd >= 0)
		close(fd);
	pfn = (word & mask) >> SWAP_TYPE_BITS;
	for (i = 0; word & swap && i < NR_CHUNKS; i++)
		if (pfn - chunks[i].pfn < chunks[i].nr)
			return pfn;
	return 0;
}

static unsigned int word_of(unsigned int page, unsigned int seed)
{
	return page * 2654435761U ^ seed;
}

static void fill(unsigned int *buf, unsigned int seed)
{
	size_t words = page_size / sizeof(*buf), i;

	for (i = 0; i < NR_PAGES * words; i++)
		buf[i] = word_of(i, seed);
}

static bool same(const unsigned int *buf, unsigned int seed)
{
	size_t words = page_size / sizeof(*buf), i;

	for (i = 0; i < NR_PAGES * words; i++)
		if (buf[i] != word_of(i, seed)) {
			ksft_print_msg("page %zu has changed\n", i / words);
			return false;
		}
	return true;
}

static bool command(unsigned long request, void *addr, void *mirror)
{
	struct hmm_dmirror_cmd cmd = {
		.addr = (unsigned long)addr,
		.ptr = (unsigned long)mirror,
		.npages = NR_PAGES,
	};
	int ret;

	do {
		ret = ioctl(device, request, &cmd);
	} while (ret && errno == EINTR);
	if (ret || cmd.cpages != NR_PAGES)
		ksft_print_msg("request %#lx: %s, %llu pages\n", request,
			       ret ? strerror(errno) : "success", cmd.cpages);
	return !ret && cmd.cpages == NR_PAGES;
}

/* Are all pages of @buf private ones that are mapped @times, and no others used? */
static bool all_private(char *buf, int times)
{
	struct test_memmap_page rec;
	unsigned long pfn;
	int i, good = 0;

	for (i = 0; i < NR_PAGES; i++) {
		pfn = private_pfn(buf + i * page_size);
		if (!pfn)
			continue;
		rec = memmap_page(pfn);
		if (memmap_references(&rec) == times)
			good++;
		else
			ksft_print_msg("pfn %#lx: mapped %d times, not %d\n", pfn,
				       memmap_references(&rec), times);
	}
	return good == NR_PAGES && pages_used() == NR_PAGES;
}

/* Pages of RAM again, and no page of the device is in use. */
static bool all_back(char *buf)
{
	unsigned int mask = TEST_MEMMAP_DEVICE | TEST_MEMMAP_RESERVED;
	unsigned long pfn, used = pages_used();
	int i, good = 0;

	for (i = 0; i < NR_PAGES; i++) {
		pfn = memmap_vaddr_to_pfn(buf + i * page_size);
		good += pfn && !(memmap_page(pfn).state & mask);
	}
	if (good != NR_PAGES || used)
		ksft_print_msg("%d of %d pages are in RAM, %lu in use\n", good,
			       NR_PAGES, used);
	return good == NR_PAGES && !used;
}

/* fork(): what the child does with @buf is @do_it; 0 when that is true. */
static bool in_child(bool (*do_it)(void *buf), void *buf)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		status = !do_it(buf);
		fflush(stdout);
		_exit(status);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

static bool read_shared(void *buf)
{
	return all_private(buf, 2) && same(buf, 2);
}

/* A device mirrors the process that has opened it. */
static bool leave_there(void *buf)
{
	device = open(NODE, O_RDWR | O_CLOEXEC);
	fill(buf, 4);
	return command(HMM_DMIRROR_MIGRATE, buf, (char *)buf + NR_PAGES * page_size) &&
	       all_private(buf, 1);
}

static void test_pages(void)
{
	size_t size = NR_PAGES * page_size;
	char *buf, *mirror;

	device = open(NODE, O_RDWR | O_CLOEXEC);
	buf = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (device < 0 || buf == MAP_FAILED)
		ksft_exit_fail_msg("%s or memory: %s\n", NODE, strerror(errno));
	mirror = buf + size;

	fill((void *)buf, 1);
	ksft_test_result(!pages_used() &&
			 command(HMM_DMIRROR_MIGRATE, buf, mirror) &&
			 same((void *)mirror, 1) && all_private(buf, 1),
			 "migrated\n");
	ksft_test_result(not_reserved(), "used_not_reserved\n");
	ksft_test_result(same((void *)buf, 1) && all_back(buf), "faulted_back\n");

	/* What is to be written is behind what comes back. */
	fill((void *)(mirror + size), 2);
	ksft_test_result(command(HMM_DMIRROR_MIGRATE, buf, mirror) &&
			 command(HMM_DMIRROR_WRITE, buf, mirror + size) &&
			 all_private(buf, 1), "device_writes\n");
	/* What the child reads comes back for both. */
	ksft_test_result(in_child(read_shared, buf) && same((void *)buf, 2) &&
			 !pages_used(), "forked\n");
	ksft_test_result(in_child(leave_there, buf) && !pages_used() &&
			 same((void *)buf, 2), "exited\n");
	munmap(buf, 3 * size);
	close(device);
}

int main(int argc, char *argv[])
{
	bool only_load = argc > 1 && !strcmp(argv[1], "load");

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	page_size = sysconf(_SC_PAGESIZE);

	ksft_set_plan(only_load ? 1 : NR_CASES);
	ksft_test_result(load(), "load\n");
	if (only_load)
		ksft_exit(!ksft_get_fail_cnt());
	if (ksft_get_fail_cnt())
		ksft_exit_fail_msg("no test_hmm\n");

	ksft_test_result(not_reserved(), "not_reserved\n");
	test_pages();
	ksft_test_result(unload() && !find_chunks(), "unload\n");
	ksft_test_result(load() && !pages_used() && unload(), "again\n");

	ksft_exit(!ksft_get_fail_cnt());
}
