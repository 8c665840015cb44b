/* SPDX-License-Identifier: GPL-2.0 */
/* Run a test, and report what it prints in KUnit's dialect. */
#ifndef _GUEST_PROGRAM_H
#define _GUEST_PROGRAM_H

#ifndef TESTS
#define TESTS		"/tests"	/* test_init.sh overrides it */
#endif

/*
 * Run TESTS/<argv[0]> as the test of this number. One in a folder of its own, like
 * vm/prog, need not print TAP.
 */
void run_program(int number, char *argv[]);

#endif
