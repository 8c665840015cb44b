/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events of the kernel.
 */
#ifndef _MEMMAP_TRACE_H
#define _MEMMAP_TRACE_H

#include <stdbool.h>

#define TRACE		"/sys/kernel/tracing"
#define TRACE_FILE	TRACE "/trace"

/* Mount tracefs unless it is mounted. */
void trace_mount(void);

/*
 * Open a file with O_TRUNC: for TRACE_FILE, that clears the trace. Prints the
 * error on failure.
 */
bool trace_clear(const char *path);

#endif
