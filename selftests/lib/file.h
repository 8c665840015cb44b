/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Small text files under /proc and /sys.
 */
#ifndef _MEMMAP_FILE_H
#define _MEMMAP_FILE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Read a text file, without trailing white space. Returns 0 and a terminated
 * string in @buf, or -errno.
 */
int file_read(const char *path, char *buf, size_t size);

/* Write @text to @path. Returns 0 or -errno: -EIO after a short write. */
int file_write(const char *path, const char *text);

/* The number in a file, in any base; -1 if it can't be read. */
long long file_number(const char *path);

/*
 * The number in the line of a file that begins with @name and a colon or space;
 * -1 if there is no such line.
 */
long long file_field(const char *path, const char *name);

/* Number of lines of the kernel log that contain @what. */
unsigned int file_count_log(const char *what);

/* Open a file for reading. Ends the test program on failure. */
FILE *file_open(const char *path);

/* Open /dev/mem. Skips the whole test program on failure. */
int file_open_mem(void);

#endif
