/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events that the kernel traces.
 */
#ifndef _MEMMAP_TRACE_H
#define _MEMMAP_TRACE_H

#include <stdbool.h>

#define TRACE		"/sys/kernel/tracing"
#define TRACE_FILE	TRACE "/trace"

/* Mount tracefs unless it is. */
void trace_mount(void);

/*
 * What opening a file with O_TRUNC does: of TRACE_FILE, remove all of the trace.
 * Prints why it can't be.
 */
bool trace_clear(const char *path);

#endif
