/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Setup that all test programs share, and running other programs.
 *
 * kselftest.h counts results per source file: only the one with main() reports
 * them; the library prints, skips all, or ends the program.
 */
#ifndef _MEMMAP_TEST_H
#define _MEMMAP_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

/*
 * Skip the whole test program unless it is run by root, and debugfs and
 * test_memmap are there.
 */
void test_require(void);

/*
 * Skip the whole test program unless MEMMAP_DISPOSABLE=1 in the environment
 * says that nothing on this machine is of value: for tests that destroy
 * namespaces, take memory offline, or hang a device of a kernel that has the
 * bug they test for.
 */
void test_require_disposable(void);

/* Print the header of the report, and call both of these. */
void test_begin(void);

/* Report each of @words, with @prefix before it, as skipped. */
static inline void test_skip(const char *prefix, const char *const *words,
			     size_t nr, const char *why)
{
	size_t i;

	for (i = 0; i < nr; i++)
		ksft_test_result_skip("%s%s: %s\n", prefix, words[i], why);
}

/* True if @value is @want; prints both otherwise. */
bool test_is(const char *what, long value, long want);

/* Monotonic time in milliseconds. */
long long test_ms(void);

/* fork() a child that dies with its parent. Ends the test on failure. */
pid_t test_fork(void);

/*
 * Run a program, its output as diagnostics. Returns its exit code (127 if it
 * can't be executed), or -1 if fork() failed, it was killed, or it ran longer
 * than @seconds (0: no limit): it is killed then, but not waited for.
 */
int test_run(unsigned int seconds, const char *const argv[]);

#endif
