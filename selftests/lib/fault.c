// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>

#include "fault.h"
#include "file.h"
#include "test.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define MAX_REFUSALS	1000000		/* never reached */

static int make_it_fail = -1;
static const char *begun;	/* the kind that fails */

static void write_number(const char *kind, const char *file, unsigned long number)
{
	char path[96], text[24];
	int err;

	snprintf(path, sizeof(path), DEBUGFS "%s/%s", kind, file);
	snprintf(text, sizeof(text), "%lu", number);
	err = file_write(path, text);
	if (err)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(-err));
}

static void prepare(const char *kind)
{
	write_number(kind, "verbose", 0);
	write_number(kind, "task-filter", 1);
	write_number(kind, "ignore-gfp-wait", 0);
	write_number(kind, "probability", 0);
}

void fault_require(void)
{
	make_it_fail = open("/proc/self/make-it-fail", O_RDWR | O_CLOEXEC);
	if (make_it_fail < 0 || access(DEBUGFS FAULT_SLAB, F_OK) ||
	    access(DEBUGFS FAULT_PAGES, F_OK))
		ksft_exit_skip("needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC\n");
	prepare(FAULT_SLAB);
	prepare(FAULT_PAGES);
	write_number(FAULT_PAGES, "ignore-gfp-highmem", 0);
	write_number(FAULT_PAGES, "min-order", 0);
}

/* Opens no file, because allocations may fail. */
static void switch_faults(bool on)
{
	if (pwrite(make_it_fail, on ? "1" : "0", 1, 0) != 1)
		ksft_exit_fail_msg("make-it-fail: %s\n", strerror(errno));
}

void fault_begin(const char *kind, unsigned long space)
{
	begun = kind;
	write_number(kind, "space", space);
	write_number(kind, "times", MAX_REFUSALS);
	write_number(kind, "probability", 100);
	switch_faults(true);
}

bool fault_end(void)
{
	char path[96];

	switch_faults(false);
	write_number(begun, "probability", 0);
	snprintf(path, sizeof(path), DEBUGFS "%s/times", begun);
	return file_number(path) != MAX_REFUSALS;
}
