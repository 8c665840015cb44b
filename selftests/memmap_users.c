// SPDX-License-Identifier: GPL-2.0
/*
 * Users of struct pages that must know device memory, and memory that is not
 * online, from RAM in use, reserved or not: copies to user space, mbind(),
 * numa_maps, the page allocator, ioremap().
 *
 *	memmap_users [NAME]
 *
 * Wants a namespace (namespace0.0) on a node of several; what is in it gets
 * lost. NAME is a DIMM that the host plugs when asked to, for ioremap().
 * Kernels that have the bugs are left with tasks killed, references leaked, and
 * pages of the device on free lists: reboot.
 */
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"
#include "memmap_layout.h"

#define SMALL_SIZE	(64UL << 10)
#define CHUNK		1024	/* pages that ioremap() is asked for */
#define SECONDS		60	/* give up (die) after that long */
#define BIOS		0xffff0000UL	/* the end of the ROM of any PC */
#define CONSOLE_LEVEL	8	/* SYSLOG_ACTION_CONSOLE_LEVEL */
#define NR_DAX_CASES	7
#define NR_IOREMAP_CASES	4

static unsigned long page_size;

/*
 * The kernel complains about some of what is done here, and rightly so. That
 * would look on the console as if something had gone wrong: only emergencies
 * get there until quiet(false). An oops raises the level by itself.
 */
static void quiet(bool on)
{
	static long long before;

	if (on)
		before = read_number("/proc/sys/kernel/printk");
	/* An oops sets it to 15, more than it takes. */
	if (before < 1 || before > 8)
		before = 8;
	klogctl(CONSOLE_LEVEL, NULL, on ? 1 : before);
}

/* Returns 0 or -errno. */
static int write_numbers(const char *path, unsigned long first,
			 unsigned long second)
{
	char text[64];
	int err;

	snprintf(text, sizeof(text), "%#lx %#lx", first, second);
	quiet(true);
	err = write_text(path, text);
	quiet(false);
	return err;
}

static long bind_to(void *addr, size_t size, int nid, unsigned int flags)
{
	unsigned long mask[16] = {};
	const unsigned int bits = 8 * sizeof(*mask);

	mask[nid / bits] = 1UL << nid % bits;
	return syscall(SYS_mbind, addr, size, MPOL_BIND, mask,
		       sizeof(mask) * 8, flags) ? -errno : 0;
}

/* A node with memory that is not @nid, or -1. */
static int other_node(int nid)
{
	struct zone zones[MAX_ZONES];
	int nr = read_zones(zones, MAX_ZONES), i;

	for (i = 0; i < nr; i++)
		if (zones[i].nid != nid)
			return zones[i].nid;
	return -1;
}

static void test_mbind(const char *word, void *addr, unsigned long pfn, int nid,
		       unsigned int flags)
{
	long err;

	if (nid < 0) {
		ksft_test_result_skip("%s: needs two nodes\n", word);
		return;
	}

	err = bind_to(addr, SMALL_SIZE, nid, flags);
	if (err)
		ksft_print_msg("%s: node %d: %s\n", word, nid, strerror(-err));
	ksft_test_result(!err && memmap_vaddr_to_pfn(addr) == pfn, "%s\n",
			 word);
}

/* Does numa_maps say that there are pages of some node behind @addr? */
static bool counted_by_numa_maps(const void *addr, bool show)
{
	FILE *maps = open_file("/proc/self/numa_maps");
	bool found = false, counted = false;
	char line[512];

	while (!found && fgets(line, sizeof(line), maps)) {
		found = strtoul(line, NULL, 16) == (uintptr_t)addr;
		counted = found && strstr(line, " N");
		if (counted && show)
			ksft_print_msg("numa_maps: %.*s\n",
				       (int)strcspn(line, "\n"), line);
	}
	fclose(maps);
	if (!found)
		ksft_exit_fail_msg("numa_maps: nothing at %p\n", addr);

	return counted;
}

static void test_numa_maps(const char *word, const void *addr)
{
	char *ram = mmap(NULL, SMALL_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool control;

	memset(ram, 1, SMALL_SIZE);
	control = counted_by_numa_maps(ram, false);
	if (!control)
		ksft_print_msg("numa_maps: shows no RAM\n");
	ksft_test_result(!counted_by_numa_maps(addr, true) && control, "%s\n",
			 word);
	munmap(ram, SMALL_SIZE);
}

/* One copy_to_user() of two pages and a bit, in a child: it may get killed. */
static void test_usercopy(const struct dax *dax)
{
	const size_t size = 2 * page_size + 100, offset = page_size - 50;
	char *data, *copy;
	int fd, status = 0;
	pid_t pid;
	size_t i;

	fd = open_dax(dax);
	data = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	copy = malloc(size);
	if (data == MAP_FAILED || !copy)
		ksft_exit_fail_msg("mmap of dax: %s\n", strerror(errno));
	for (i = 0; i < HUGE_SIZE; i++)
		data[i] = i * 31 >> 3;

	pid = fork();
	if (!pid) {
		int file = open(DEBUG_FILE("usercopy"), O_RDONLY | O_CLOEXEC);
		off_t start = (off_t)dax->data.pfn * page_size + offset;

		if (pread(file, copy, size, start) != (ssize_t)size)
			_exit(1);
		_exit(memcmp(copy, data + offset, size) ? 2 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("usercopy: status %#x\n", status);
	ksft_test_result(pid > 0 && !status, "usercopy\n");

	munmap(data, HUGE_SIZE);
	free(copy);
	close(fd);
}

/* The page allocator must not take what is not its own, nor change it. */
static void test_free(const char *word, unsigned long pfn, unsigned int order)
{
	int err = write_numbers(DEBUG_FILE("free"), pfn, order);

	if (err)
		ksft_print_msg("%s: %s\n", word, err == -EUCLEAN ?
			       "is on a free list now" : strerror(-err));
	ksft_test_result(!err, "%s\n", word);
}

static void test_dax(void)
{
	struct dax dax = {};
	unsigned long pfn;
	char *addr;
	int nid;

	make_dax("namespace0.0", "2M", &dax);
	pfn = dax.data.pfn;
	nid = other_node(memmap_page(pfn).nid);

	/* vm_insert_page() */
	addr = map_pages(pfn + 1, SMALL_SIZE);
	test_mbind("mbind_strict", addr, pfn + 1, nid, MPOL_MF_STRICT);
	test_mbind("mbind_move", addr, pfn + 1, nid,
		   MPOL_MF_STRICT | MPOL_MF_MOVE);
	test_numa_maps("numa_maps_4k", addr);
	munmap(addr, SMALL_SIZE);

	addr = map_pages(pfn, HUGE_SIZE);
	test_numa_maps("numa_maps_2m", addr);
	munmap(addr, HUGE_SIZE);

	test_usercopy(&dax);

#ifdef PIN_V7
	/* No large folios. */
	if (!create_dax("namespace0.0", "mem", "4K", &dax))
		ksft_exit_fail_msg("no dax device with small pages\n");
	pfn = dax.data.pfn;
#endif
	/* Far apart. The device stays bound: there may be a page missing. */
	test_free("free_pages", pfn + 1024, 1);
	test_free("free_page", pfn + 2048, 0);
}

/* PG_reserved as a mask, from a page that has no other flag; 0: not found. */
static unsigned long long reserved_flag(void)
{
	unsigned long long low;
	struct test_memmap_page rec;
	unsigned long pfn;

	for (pfn = 0; pfn < 4096; pfn++) {
		rec = memmap_page(pfn);
		low = rec.flags & 0xffffff;	/* what is above is no flag */
		if (rec.state & TEST_MEMMAP_RESERVED && low &&
		    !(low & (low - 1)))
			return low;
	}
	return 0;
}

/* Leave most of what is free in memory filled with @word. */
static void fill_free_memory(unsigned long long word)
{
	FILE *file = open_file("/proc/meminfo");
	size_t kb = 0, i, nr;
	unsigned long long *buf;
	char line[128];
	int status;
	pid_t pid;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %zu kB", &kb) == 1)
			break;
	fclose(file);

	pid = fork();
	if (!pid) {
		nr = kb / 10 * 8 * 1024 / sizeof(*buf);
		buf = mmap(NULL, nr * sizeof(*buf), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buf == MAP_FAILED)
			_exit(1);
		for (i = 0; i < nr; i++)
			buf[i] = word;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("could not fill %zu kB\n", kb);
}

/* A part of offline memory whose memmap looks as if it were all reserved. */
static unsigned long find_reserved(unsigned long start, unsigned long nr)
{
	const unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				  TEST_MEMMAP_RESERVED;
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_RESERVED;
	unsigned long pfn;

	for (pfn = start; pfn < start + nr; pfn += CHUNK)
		if (memmap_count(pfn, CHUNK, mask, want, NULL) == CHUNK)
			return pfn;
	ksft_print_msg("nothing left over in the memmap of the DIMM\n");
	return start;
}

static bool is_refused(const char *what, unsigned long pfn)
{
	int err = write_numbers(DEBUG_FILE("ioremap"), pfn * page_size,
				CHUNK * page_size);

	if (err != -EBUSY)
		ksft_print_msg("ioremap of %s memory, pfn %#lx: %s\n", what,
			       pfn, err ? strerror(-err) : "works");
	return err == -EBUSY;
}

static void skip_ioremap(const char *why)
{
	int i;

	for (i = 0; i < NR_IOREMAP_CASES; i++)
		ksft_test_result_skip("ioremap: %s\n", why);
}

#ifdef __x86_64__
static const bool on_x86 = true;
#else
static const bool on_x86;
#endif

static void test_ioremap(const char *name)
{
	unsigned long long start = 0, size = 0;
	long long end = now_ms() + 20 * 1000;
	unsigned long pfn, block, last;
	char request[64], answer[128];
	int err;

	fill_free_memory(reserved_flag());
	snprintf(request, sizeof(request), "plug %s", name);
	err = host_request(request, answer, sizeof(answer));
	if (err == -ENODEV) {
		skip_ioremap("no host that plugs memory");
		return;
	}
	if (err || sscanf(answer, "%lli %lli", (long long *)&start,
			  (long long *)&size) != 2)
		ksft_exit_fail_msg("%s: %s\n", request, answer);
	last = (start + size) / page_size / block_pages() - 1;
	while (block_online(last) < 0 && now_ms() < end)
		usleep(10000);

	pfn = find_reserved(start / page_size, size / page_size);
	block = pfn / block_pages();

	/* A control: there are addresses that it takes. */
	err = write_numbers(DEBUG_FILE("ioremap"), BIOS, page_size);
	ksft_test_result(!err, "ioremap_rom\n");
	ksft_test_result(!block_online(block) && is_refused("new", pfn),
			 "ioremap_new\n");
	ksft_test_result(change_block(block, "online_movable") &&
			 is_refused("online", pfn), "ioremap_online\n");
	ksft_test_result(change_block(block, "offline") &&
			 is_refused("offline", pfn), "ioremap_offline\n");
}

int main(int argc, char **argv)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct pages pages;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	page_size = sysconf(_SC_PAGESIZE);
	if (run_command(NDCTL_SECONDS, ndctl) ||
	    !read_namespace("namespace0.0", &pages))
		ksft_exit_skip("needs ndctl and namespace0.0\n");

	alarm(SECONDS);
	ksft_set_plan(NR_DAX_CASES + NR_IOREMAP_CASES);
	if (!on_x86)
		skip_ioremap("x86 only");
	else if (argc > 1)
		test_ioremap(argv[1]);
	else
		skip_ioremap("no DIMM to be plugged");
	test_dax();
	ksft_exit(!ksft_get_fail_cnt());
}
