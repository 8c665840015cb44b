// SPDX-License-Identifier: GPL-2.0
/*
 * Users of struct pages that must tell device memory and offline memory from
 * RAM in use, reserved or not: copy_to_user(), mbind(), numa_maps, the page
 * allocator, ioremap().
 *
 *	memmap_users [NAME]
 *
 * Needs a namespace (namespace0.0), whose contents get lost, and several nodes.
 * NAME is a DIMM for the host to plug, for ioremap(). A kernel that has the
 * bugs is left with killed tasks, leaked references, and device pages on free
 * lists: reboot.
 */
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/klog.h>
#include <sys/wait.h>

#include "block.h"
#include "dax.h"
#include "file.h"
#include "host.h"
#include "test.h"
#include "zone.h"

#define SMALL_SIZE	(64UL << 10)
#define CHUNK		1024	/* pages in one ioremap() */
#define SECONDS		60	/* until SIGALRM ends the test */
#define BIOS		0xffff0000UL	/* the end of the ROM of any PC */
#define CONSOLE_LEVEL	8	/* SYSLOG_ACTION_CONSOLE_LEVEL */
#ifdef PIN_V7
#define NR_DAX_CASES	6
#else
#define NR_DAX_CASES	7	/* with test_usercopy() */
#endif

static const char *const ioremap_words[] = { "rom", "new", "online", "offline" };

/*
 * The kernel rightly warns about some of these tests, which would look like a
 * failure on the console: only emergencies get there until quiet(false). An
 * oops raises the level by itself.
 */
static void quiet(bool on)
{
	static long long before;

	if (on)
		before = file_number("/proc/sys/kernel/printk");
	/* An oops sets it to 15, klogctl() takes at most 8. */
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
	err = file_write(path, text);
	quiet(false);
	return err;
}

/* A node with memory other than @nid, or -1. */
static int other_node(int nid)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES), i;

	for (i = 0; i < nr; i++)
		if (zones[i].nid != nid)
			return zones[i].nid;
	return -1;
}

static void test_mbind(const char *word, void *addr, unsigned long pfn, int nid,
		       unsigned int flags)
{
	int err;

	if (nid < 0) {
		ksft_test_result_skip("%s: needs two nodes\n", word);
		return;
	}

	err = mem_bind(addr, SMALL_SIZE, MPOL_BIND, nid, flags);
	if (err)
		ksft_print_msg("%s: node %d: %s\n", word, nid, strerror(-err));
	ksft_test_result(!err && page_pfn(addr) == pfn, "%s\n",
			 word);
}

/* True if numa_maps counts pages of any node in the mapping at @addr. */
static bool counted_by_numa_maps(const void *addr, bool show)
{
	FILE *maps = file_open("/proc/self/numa_maps");
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
	char *ram = mem_map_shared(SMALL_SIZE);
	bool control;

	memset(ram, 1, SMALL_SIZE);
	control = counted_by_numa_maps(ram, false);
	if (!control)
		ksft_print_msg("numa_maps: shows no RAM\n");
	ksft_test_result(!counted_by_numa_maps(addr, true) && control, "%s\n",
			 word);
	munmap(ram, SMALL_SIZE);
}

#ifdef PIN_V7
/* There is no check_page_span(), so usercopy ignores PG_reserved. */
static void test_usercopy(const struct dax *dax)
{
	(void)dax;
}
#else
/* One copy_to_user() of two pages and a bit; in a child that may be killed. */
static void test_usercopy(const struct dax *dax)
{
	const size_t size = 2 * page_size() + 100, offset = page_size() - 50;
	char *data = dax_map(dax, HUGE_SIZE, 0), *copy = mem_map(size);
	int status = 0;
	pid_t pid;
	size_t i;

	for (i = 0; i < HUGE_SIZE; i++)
		data[i] = i * 31 >> 3;

	pid = fork();
	if (!pid) {
		int file = open(PAGE_DEBUGFS("usercopy"), O_RDONLY | O_CLOEXEC);
		off_t start = (off_t)dax->data.pfn * page_size() + offset;

		if (pread(file, copy, size, start) != (ssize_t)size)
			_exit(1);
		_exit(memcmp(copy, data + offset, size) ? 2 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("usercopy: status %#x\n", status);
	ksft_test_result(pid > 0 && !status, "usercopy\n");

	munmap(data, HUGE_SIZE);
	munmap(copy, size);
}
#endif

/* The page allocator must not take pages that belong to a device. */
static void test_free(const char *word, unsigned long pfn, unsigned int order)
{
	int err = write_numbers(PAGE_DEBUGFS("free"), pfn, order);

	if (err)
		ksft_print_msg("%s: %s\n", word, err == -EUCLEAN ?
			       "is on a free list now" : strerror(-err));
	ksft_test_result(!err, "%s\n", word);
}

#ifdef PIN_V7
/* Use 4K pages: a page of a large folio can't be freed by itself. */
static unsigned long small_pages(struct dax *dax)
{
	dax_make("namespace0.0", "4K", dax);
	return dax->data.pfn;
}
#else
static unsigned long small_pages(struct dax *dax)
{
	return dax->data.pfn;
}
#endif

static void test_dax(void)
{
	struct dax dax = {};
	unsigned long pfn;
	char *addr;
	int nid;

	dax_make("namespace0.0", "2M", &dax);
	pfn = dax.data.pfn;
	nid = other_node(page_get(pfn).nid);

	/* vm_insert_page() */
	addr = page_map(pfn + 1, SMALL_SIZE);
	test_mbind("mbind_strict", addr, pfn + 1, nid, MPOL_MF_STRICT);
	test_mbind("mbind_move", addr, pfn + 1, nid,
		   MPOL_MF_STRICT | MPOL_MF_MOVE);
	test_numa_maps("numa_maps_4k", addr);
	munmap(addr, SMALL_SIZE);

	addr = page_map(pfn, HUGE_SIZE);
	test_numa_maps("numa_maps_2m", addr);
	munmap(addr, HUGE_SIZE);

	test_usercopy(&dax);

	pfn = small_pages(&dax);
	/* Far apart. The device stays bound: it may have lost a page. */
	test_free("free_pages", pfn + 1024, 1);
	test_free("free_page", pfn + 2048, 0);
}

/* Mask of PG_reserved, from a page with no other flag; 0: not found. */
static unsigned long long reserved_flag(void)
{
	unsigned long long low;
	struct test_memmap_page rec;
	unsigned long pfn;

	for (pfn = 0; pfn < 4096; pfn++) {
		rec = page_get(pfn);
		low = rec.flags & 0xffffff;	/* no flags above these */
		if (rec.state & TEST_MEMMAP_RESERVED && low &&
		    !(low & (low - 1)))
			return low;
	}
	return 0;
}

/* Fill most of free memory with @word, and free it again. */
static void fill_free_memory(unsigned long long word)
{
	size_t size = file_field("/proc/meminfo", "MemAvailable") / 10 * 8 * 1024, i;
	unsigned long long *buf;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		buf = mem_map(size);
		for (i = 0; i < size / sizeof(*buf); i++)
			buf[i] = word;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("could not fill %zu bytes\n", size);
}

/*
 * Find CHUNK pages of offline memory whose memmap looks all reserved. Without
 * any, @found is false, and the test of ioremap() shows nothing.
 */
static unsigned long find_reserved(const struct blocks *dimm, bool *found)
{
	const unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				  TEST_MEMMAP_RESERVED;
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_RESERVED;
	struct pages chunk = { dimm->pages.pfn, CHUNK };

	for (; page_in(&dimm->pages, chunk.pfn); chunk.pfn += CHUNK) {
		*found = page_check_state(NULL, &chunk, mask, want);
		if (*found)
			return chunk.pfn;
	}
	ksft_print_msg("nothing left over in the memmap of the DIMM: no %d pages in a row look reserved\n",
		       CHUNK);
	return dimm->pages.pfn;
}

static bool is_refused(const char *what, unsigned long pfn)
{
	int err = write_numbers(PAGE_DEBUGFS("ioremap"), pfn * page_size(),
				CHUNK * page_size());

	if (err != -EBUSY)
		ksft_print_msg("ioremap of %s memory, pfn %#lx: %s\n", what,
			       pfn, err ? strerror(-err) : "works");
	return err == -EBUSY;
}

static void skip_ioremap(const char *why)
{
	test_skip("ioremap_", ioremap_words, ARRAY_SIZE(ioremap_words), why);
}

#ifdef __x86_64__
static const bool on_x86 = true;
#else
static const bool on_x86;
#endif

static void test_ioremap(const char *name)
{
	unsigned long pfn, block;
	struct blocks dimm;
	bool found = false;
	int err;

	fill_free_memory(reserved_flag());
	dimm = dimm_plug(name);
	pfn = find_reserved(&dimm, &found);
	block = pfn / block_pages();

	/* Control: ioremap() works for the BIOS. */
	err = write_numbers(PAGE_DEBUGFS("ioremap"), BIOS, page_size());
	ksft_test_result(!err, "ioremap_rom\n");
	ksft_test_result(found && !block_online(block) && is_refused("new", pfn),
			 "ioremap_new\n");
	ksft_test_result(block_change(block, "online_movable") &&
			 is_refused("online", pfn), "ioremap_online\n");
	ksft_test_result(block_change(block, "offline") &&
			 is_refused("offline", pfn), "ioremap_offline\n");
}

int main(int argc, char **argv)
{
	test_begin();
	ns_require("namespace0.0");

	alarm(SECONDS);
	ksft_set_plan(NR_DAX_CASES + ARRAY_SIZE(ioremap_words));
	if (!on_x86)
		skip_ioremap("x86 only");
	else if (argc > 1)
		test_ioremap(argv[1]);
	else
		skip_ioremap("no DIMM to be plugged");
	test_dax();
	ksft_exit(!ksft_get_fail_cnt());
}
