/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For memmap_faults: an operation is repeated with each of its allocations
 * failing.
 */
#ifndef _MEMMAP_OPERATION_H
#define _MEMMAP_OPERATION_H

#include <stdbool.h>
#include <stddef.h>

/* Write @text to @path to do it, @undo_text to @undo_path to undo it. */
struct operation {
	const char *name;
	const char *path, *text;
	const char *undo_path, *undo_text;
	bool (*is_done)(void);
	bool (*is_undone)(void);
};

/* Skips the whole test program without fault injection for slab and pages. */
void operation_require(void);

/* The ways in which allocations can fail, for an operation of that name. */
size_t operation_modes(const char *name);
const char *operation_mode(size_t i);

/* True if /proc/iomem is the same as it was in operation_begin(). */
void operation_begin(void);
bool operation_same_iomem(void);

/* Repeat it while allocations fail in the @i-th way. */
bool operation_try(const struct operation *op, size_t i);

#endif
