/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small text files under /proc and /sys.
 */
#ifndef _MEMMAP_FILE_H
#define _MEMMAP_FILE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Read a text file, white space at the end removed. Returns 0 and a terminated
 * string in @buf, or -errno.
 */
int file_read(const char *path, char *buf, size_t size);

/* Write @text to @path. Returns 0 or -errno: -EIO when only a part was taken. */
int file_write(const char *path, const char *text);

/* Number (any base that strtoull knows) in a file, -1 when it can't be read. */
long long file_number(const char *path);

/*
 * Number in the line of a file that begins with @name, with a colon behind it or
 * without: -1 when there is no such line.
 */
long long file_field(const char *path, const char *name);

/* How many lines of the kernel log have @what in them. */
unsigned int file_count_log(const char *what);

/* Open it for reading, or end the test program. */
FILE *file_open(const char *path);

/* Open /dev/mem. Skips the whole test program when there is none. */
int file_open_mem(void);

#endif
