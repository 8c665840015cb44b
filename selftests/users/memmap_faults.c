// SPDX-License-Identifier: GPL-2.0
/*
 * Fail allocations while memory is added: nothing may be left behind, and the
 * next attempt must succeed.
 *
 *	memmap_faults OPERATION=NAMESPACE...
 *
 *	mem, dev	bind a driver to device DAX whose memmap is in RAM, or
 *			in the device: memremap_pages()
 *	kmem		turn device DAX into System RAM: add_memory()
 *	online		online one of its memory blocks
 *
 * Each operation is repeated with its first allocation failing, with its
 * second, and so on until none fails. Then again with slab, and with the page
 * allocator, running out of memory later and later. Whatever failed is repeated
 * while free memory is watched: this detects a page lost each time, but nothing
 * smaller, and no page lost in only one of many places.
 *
 * Not for pmem: on v5.10 device_add_disk() does not survive such a failure.
 *
 * Needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC with debugfs; for kmem and
 * online a NUMA node, and a memory block in the namespace, whose contents get
 * lost.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>

#include "block.h"
#include "dax.h"
#include "fault.h"
#include "file.h"
#include "test.h"
#include "zone.h"

#define SUBSECTION	512UL		/* pages */
#define MAX_NUMBER	100000UL	/* limit of @number, see struct mode */
#define EVERY		256UL		/* try all below, ever fewer above */
#define MAX_FAILURES	1024		/* recorded in one mode */
#define NR_REPEATED	128UL		/* failures in repeat(), at least */
#define MAX_ROUNDS	(8 * NR_REPEATED)
#define NR_WINDOWS	4		/* calls of repeat(), at most */
#define MAX_LEAK_KB	256L		/* half a page a failure; 3x noise */
#define MAX_RUN_KB	8192		/* more, since run() fills caches */
#define SLABS		"/sys/kernel/slab"

/* Write @text to @path to do it, @undo_text to @undo_path to undo it. */
struct operation {
	const char *name;
	const char *path, *text;
	const char *undo_path, *undo_text;
	bool (*is_done)(void);
	bool (*is_undone)(void);
};

/* How allocations fail; @number counts up from 1. */
struct mode {
	const char *name;
	void (*arm)(unsigned long number);
	bool (*disarm)(void);	/* true if an allocation was refused */
};

static struct dax dax;
static const char *ns;
static struct pages pages;	/* that an operation adds */
static struct blocks blocks;
static int fail_nth;
static char iomem[1 << 16];
static unsigned long failures[MAX_FAILURES];	/* numbers that failed */
static unsigned long nr_failures;

/* Uses a file that is open already: open() itself allocates. */
static void write_nth(unsigned long number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%lu", number);

	if (pwrite(fail_nth, text, len, 0) != len)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
}

static void arm_nth(unsigned long number)
{
	write_nth(number);
}

static bool disarm_nth(void)
{
	char text[24] = "";

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
	write_nth(0);
	return !strtoul(text, NULL, 10);
}

static void arm_slab(unsigned long number)
{
	fault_begin(FAULT_SLAB, number * 128);
}

/* Small steps at first, where there are many small allocations. */
static void arm_pages(unsigned long number)
{
	fault_begin(FAULT_PAGES, number < 32 ? number : 32 + (number - 32) * 29);
}

static const struct mode modes[] = {
	{ "nth", arm_nth, disarm_nth },
	{ "slab", arm_slab, fault_end },
	{ "pages", arm_pages, fault_end },
};

static void read_iomem(char *text, size_t size)
{
	int err = file_read("/proc/iomem", text, size);

	if (err)
		ksft_exit_fail_msg("/proc/iomem: %s\n", strerror(-err));
}

/* True if /proc/iomem is the same as when test() began. */
static bool same_iomem(void)
{
	static char now[sizeof(iomem)];

	read_iomem(now, sizeof(now));
	if (strcmp(now, iomem))
		ksft_print_msg("/proc/iomem is not as before\n");
	return !strcmp(now, iomem);
}

static bool no_pages(void)
{
	unsigned long pfn, bad = 0;

	for (pfn = pages.pfn; pfn < pages.pfn + pages.nr; pfn += SUBSECTION)
		if (page_get(pfn).state & TEST_MEMMAP_VALID && !bad++)
			ksft_print_msg("pfn %#lx has a struct page\n", pfn);
	return !bad && same_iomem();
}

static bool device_pages(void)
{
	return page_check("bound", &pages, DEVICE_MASK, DEVICE_PAGE, dax.nid);
}

static bool blocks_there(void)
{
	return block_all(&blocks, 0);
}

static bool blocks_gone(void)
{
	return block_all(&blocks, -1) && no_pages();
}

static bool block_is_online(void)
{
	return block_online(blocks.first) == 1 &&
	       page_check_state("online", &pages, ONLINE_PAGE | TEST_MEMMAP_RESERVED,
				ONLINE_PAGE);
}

static bool block_is_offline(void)
{
	return block_online(blocks.first) == 0 &&
	       page_check_state("offline", &pages, ONLINE_PAGE, TEST_MEMMAP_VALID) &&
	       same_iomem();
}

static bool undo(const struct operation *op)
{
	int err = file_write(op->undo_path, op->undo_text);

	if (err)
		ksft_print_msg("%s is not undone: %s\n", op->name, strerror(-err));
	return !err && op->is_undone();
}

/* Open the file before allocations fail: only the write() is tested. */
static int try_once(const struct operation *op, const struct mode *mode,
		    unsigned long number, bool *refused)
{
	int fd = open(op->path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		ksft_exit_fail_msg("%s: %s\n", op->path, strerror(errno));
	mode->arm(number);
	if (write(fd, op->text, strlen(op->text)) < 0)
		err = errno;
	*refused = mode->disarm();
	close(fd);
	return err;
}

/* Try it, check the result, and undo it. Sets @err to 0 or errno. */
static bool attempt(const struct operation *op, const struct mode *mode,
		    unsigned long number, bool *refused, int *err)
{
	bool good;

	*err = try_once(op, mode, number, refused);
	if (*err)
		good = *refused && op->is_undone();
	else
		good = op->is_done() && undo(op);
	if (!good)
		ksft_print_msg("%s, %s %lu: %s, and not as it should be\n",
			       op->name, mode->name, number, strerror(*err));
	return good;
}

/* Sets @asked if any allocation was refused. */
static bool run(const struct operation *op, const struct mode *mode, bool *asked)
{
	unsigned long number, done = 0;
	bool refused = true, good = true;
	int err;

	nr_failures = 0;
	for (number = 1; number < MAX_NUMBER && refused && good;
	     number += 1 + number / EVERY) {
		good = attempt(op, mode, number, &refused, &err);
		*asked |= refused;
		done += !err;
		if (err && nr_failures == MAX_FAILURES)
			ksft_exit_fail_msg("%s, %s: more than %d failures\n", op->name,
					   mode->name, MAX_FAILURES);
		if (err)
			failures[nr_failures++] = number;
	}
	ksft_print_msg("%s, %s: failed %lu times, done %lu times\n", op->name,
		       mode->name, nr_failures, done);
	/* Not all operations need slab and pages, but all fail with nth. */
	return good && !refused && (nr_failures || mode != &modes[0]);
}

/* Have slab free its empty slabs, and KASAN its quarantine. */
static void shrink_slabs(void)
{
	char path[sizeof(SLABS) + NAME_MAX + sizeof("//shrink")];
	DIR *dir = opendir(SLABS);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SLABS "/%s/shrink", entry->d_name);
		file_write(path, "1");
	}
	if (dir)
		closedir(dir);
}

static long free_kb(void)
{
	int err = file_write("/proc/sys/vm/drop_caches", "3");

	if (err)
		ksft_exit_fail_msg("drop_caches: %s\n", strerror(-err));
	shrink_slabs();
	return zone_free_kb();
}

/*
 * Repeat what failed until there were NR_REPEATED failures. Sets @kb to how
 * much less memory is free afterwards.
 */
static bool repeat(const struct operation *op, const struct mode *mode, long *kb)
{
	unsigned long failed = 0, rounds = 0, i;
	bool good = true, refused;
	int err;

	*kb = free_kb();
	for (; failed < NR_REPEATED && rounds < MAX_ROUNDS && good; rounds++)
		for (i = 0; i < nr_failures && good; i++) {
			good = attempt(op, mode, failures[i], &refused, &err);
			failed += !!err;
		}
	*kb -= free_kb();
	good = good && failed >= NR_REPEATED;
	ksft_print_msg("%s, %s: failed %lu times more, %ld kB less free; limit %ld kB: %ld bytes each time, or %ld in one of %lu places\n",
		       op->name, mode->name, failed, *kb, MAX_LEAK_KB,
		       good ? MAX_LEAK_KB * 1024 / (long)failed : -1,
		       good ? MAX_LEAK_KB * 1024 / (long)rounds : -1, nr_failures);
	return good;
}

/*
 * A leak grows whenever its failure is repeated. Caches also take free memory,
 * but stop growing soon.
 */
static bool no_leak(const struct operation *op, const struct mode *mode)
{
	int try;
	long kb;

	if (!nr_failures)
		return true;
	for (try = 0; try < NR_WINDOWS; try++) {
		if (!repeat(op, mode, &kb))
			return false;
		if (kb < MAX_LEAK_KB)
			return true;
	}
	return false;
}

static bool is_operation(const char *arg, const char *name)
{
	return !strncmp(arg, name, strlen(name));
}

/* Leave out the last mode, pages, for dev: its memmap is in the device. */
static size_t nr_modes(const char *operation)
{
	return ARRAY_SIZE(modes) - is_operation(operation, "dev");
}

/* Report one result for each mode. */
static void test(const struct operation *op)
{
	bool good = true, asked;
	long before, after;
	size_t i;

	read_iomem(iomem, sizeof(iomem));
	for (i = 0; i < nr_modes(op->name); i++) {
		asked = false;
		before = zone_free_kb();
		good = good && run(op, &modes[i], &asked);
		after = zone_free_kb();
		if (after < before - MAX_RUN_KB) {
			ksft_print_msg("%ld kB free before, %ld after\n", before, after);
			good = false;
		}
		good = good && no_leak(op, &modes[i]);
		if (good && !asked)
			ksft_print_msg("%s, %s: asks for none\n", op->name,
				       modes[i].name);
		ksft_test_result(good && asked, "%s_%s\n", op->name, modes[i].name);
	}
}

/* One more result: the pages are not reserved after all that. */
static void test_device(const struct operation *op)
{
	const unsigned int mask = DEVICE_MASK | TEST_MEMMAP_RESERVED;
	int err;

	test(op);
	err = file_write(op->path, op->text);
	if (err)
		ksft_print_msg("%s: %s\n", op->name, strerror(-err));
	ksft_test_result(!err && page_check(op->name, &pages, mask, DEVICE_PAGE, dax.nid),
			 "%s_not_reserved\n", op->name);
	file_write(op->undo_path, op->undo_text);
}

static struct operation devdax = {
	.path = DAX_DRIVER "/bind", .undo_path = DAX_DRIVER "/unbind",
	.is_done = device_pages, .is_undone = no_pages,
};

static struct operation kmem = {
	.name = "kmem", .path = KMEM_DRIVER "/bind",
	.undo_path = KMEM_DRIVER "/unbind",
	.is_done = blocks_there, .is_undone = blocks_gone,
};

static struct operation online = {
	.name = "online", .text = "online_movable", .undo_text = "offline",
	.is_done = block_is_online, .is_undone = block_is_offline,
};

static void make_devdax(const char *map)
{
	if (!dax_create(ns, map, "2M", &dax) || file_write(devdax.undo_path, dax.name))
		ksft_exit_fail_msg("no device DAX on %s\n", ns);
	devdax.text = dax.name;
	devdax.undo_text = dax.name;
	kmem.text = dax.name;
	kmem.undo_text = dax.name;
}

static void test_devdax(const char *map)
{
	make_devdax(map);
	devdax.name = map;
	pages = dax.data;
	test_device(&devdax);
}

static void test_online(void)
{
	static char state[64];

	snprintf(state, sizeof(state), BLOCK_DIR "/memory%lu/state", blocks.first);
	online.path = state;
	online.undo_path = state;
	pages.nr = block_pages();
	test(&online);
}

static void test_kmem(bool only_online)
{
	make_devdax("mem");
	blocks = block_inside(&dax.data);
	pages = blocks.pages;
	if (!dax_tell(&dax, KMEM_DRIVER, "new_id") || !blocks_there())
		ksft_exit_fail_msg("%s: no memory blocks\n", dax.name);
	if (only_online)
		test_online();
	if (!dax_tell(&dax, KMEM_DRIVER, "unbind"))
		ksft_exit_fail_msg("%s: stays\n", dax.name);
	if (!only_online)
		test(&kmem);
	dax_tell(&dax, KMEM_DRIVER, "remove_id");
}

static bool is_device(const char *operation)
{
	return is_operation(operation, "mem") || is_operation(operation, "dev");
}

static void test_operation(char *arg)
{
	const char *name = strsep(&arg, "=");

	ns = arg;
	if (!ns || !ns_read(ns, &pages))
		ksft_exit_fail_msg("%s: no namespace\n", name);
	if (!strcmp(name, "mem") || !strcmp(name, "dev"))
		test_devdax(name);
	else if (!strcmp(name, "kmem") || !strcmp(name, "online"))
		test_kmem(!strcmp(name, "online"));
	else
		ksft_exit_fail_msg("unknown operation %s\n", name);
}

int main(int argc, char **argv)
{
	unsigned int plan = 0;
	int i;

	test_begin();
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		ksft_exit_skip("needs CONFIG_FAULT_INJECTION\n");
	fault_require();
	if (argc < 2)
		ksft_exit_skip("usage: memmap_faults mem|dev|kmem|online=NAMESPACE...\n");
	for (i = 1; i < argc; i++)
		plan += nr_modes(argv[i]) + is_device(argv[i]);
	ksft_set_plan(plan);
	for (i = 1; i < argc; i++)
		test_operation(argv[i]);
	ksft_exit(!ksft_get_fail_cnt());
}
