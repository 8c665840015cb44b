/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every test program begins and ends with, and running others.
 *
 * kselftest.h counts in each source file for itself: only the one with main()
 * reports results, the library prints, skips all, or ends the program.
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
 * Skip the whole test program unless the caller has said, by MEMMAP_DISPOSABLE=1
 * in the environment, that nothing on this machine is of value: for tests that
 * destroy namespaces, take memory offline, or hang a device of a kernel that
 * has the bug they look for.
 */
void test_require_disposable(void);

/* The header of the report, and both of these. */
void test_begin(void);

/* Report each of @words, with @prefix before it, as skipped. */
static inline void test_skip(const char *prefix, const char *const *words,
			     size_t nr, const char *why)
{
	size_t i;

	for (i = 0; i < nr; i++)
		ksft_test_result_skip("%s%s: %s\n", prefix, words[i], why);
}

/* Is @value as it should be? Says what is not. */
bool test_is(const char *what, long value, long want);

/* Milliseconds since some point in the past. */
long long test_ms(void);

/* fork(): the child is killed when its parent ends. Ends the test when it fails. */
pid_t test_fork(void);

/*
 * Run a program, its output as diagnostics. Returns its exit code, or -1 when
 * it could not be started, was killed, or ran longer than @seconds (0: no
 * limit); then it is left alone if it can't be killed.
 */
int test_run(unsigned int seconds, const char *const argv[]);

#endif
