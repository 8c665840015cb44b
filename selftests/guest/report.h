/* SPDX-License-Identifier: GPL-2.0 */
/* The ports to the host, and the console. */
#ifndef _GUEST_REPORT_H
#define _GUEST_REPORT_H

/* Open the virtio port of this name for writing. Returns -1 if no port has it. */
int open_port(const char *wanted);

/* Open the port for results. Without one, report() writes to the console. */
void open_report(void);
void __attribute__((format(printf, 1, 2))) report(const char *fmt, ...);

/* Print a line on the console, in order with kernel messages. */
void console(const char *line);

#endif
