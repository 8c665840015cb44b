// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_faults: fail the allocations of an operation one by one, and see
 * whether memory is lost.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "fault.h"
#include "file.h"
#include "operation.h"
#include "test.h"
#include "zone.h"

#define MAX_NUMBER	100000UL	/* limit of @number, see struct mode */
#define EVERY		256UL		/* try all below, ever fewer above */
#define MAX_FAILURES	1024		/* recorded in one mode */
#define NR_REPEATED	128UL		/* failures in repeat(), at least */
#define MAX_ROUNDS	(8 * NR_REPEATED)
#define NR_WINDOWS	4		/* calls of repeat(), at most */
#define MAX_LEAK_KB	256L		/* half a page a failure; 3x noise */
#define MAX_RUN_KB	8192		/* more, since run() fills caches */
#define SLABS		"/sys/kernel/slab"

/* How allocations fail; @number counts up from 1. */
struct mode {
	const char *name;
	void (*arm)(unsigned long number);
	bool (*disarm)(void);	/* true if an allocation was refused */
};

static int fail_nth;
static char iomem[1 << 16];
static unsigned long failures[MAX_FAILURES];	/* numbers that failed */
static unsigned long nr_failures;

void operation_require(void)
{
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		ksft_exit_skip("needs CONFIG_FAULT_INJECTION\n");
	fault_require();
}

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

bool operation_same_iomem(void)
{
	static char now[sizeof(iomem)];

	read_iomem(now, sizeof(now));
	if (strcmp(now, iomem))
		ksft_print_msg("/proc/iomem is not as before\n");
	return !strcmp(now, iomem);
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

/* Leave out the last mode, pages, for dev: its memmap is in the device. */
size_t operation_modes(const char *name)
{
	return ARRAY_SIZE(modes) - !strncmp(name, "dev", 3);
}

const char *operation_mode(size_t i)
{
	return modes[i].name;
}

void operation_begin(void)
{
	read_iomem(iomem, sizeof(iomem));
}

bool operation_try(const struct operation *op, size_t i)
{
	long before = zone_free_kb(), after;
	bool asked = false, good;

	good = run(op, &modes[i], &asked);
	after = zone_free_kb();
	if (after < before - MAX_RUN_KB) {
		ksft_print_msg("%ld kB free before, %ld after\n", before, after);
		good = false;
	}
	good = good && no_leak(op, &modes[i]);
	if (good && !asked)
		ksft_print_msg("%s, %s: asks for none\n", op->name, modes[i].name);
	return good && asked;
}
