/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host that runs this guest, and that plugs DIMMs.
 */
#ifndef _MEMMAP_HOST_H
#define _MEMMAP_HOST_H

#include <stddef.h>

/* Open the virtio port of this name. Returns -1 if there is none. */
int host_open_port(const char *wanted, int flags);

/*
 * Send a request: "plug NAME" or "unplug NAME". Returns 0 and the text after
 * "ok" in @answer; -ENODEV if there is no port; -EIO if the host refused or did
 * not answer (the reason is in @answer).
 */
int host_request(const char *request, char *answer, size_t size);

/* The same for "@verb @name". Prints the answer unless it is "ok". */
int host_ask(const char *verb, const char *name, char *answer, size_t size);

/* Skip the whole test program when there is no host that plugs memory. */
void host_require(void);

/*
 * Have the host plug a DIMM, and get its range in bytes. Exits the test program
 * when there is no host (skip) or it refuses (failure).
 */
void host_plug(const char *name, unsigned long long *start, unsigned long long *size);

#endif
