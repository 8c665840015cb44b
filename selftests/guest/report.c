// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

#define RESULT_PORT	"memmap.result"
#define PORT_TRIES	500	/* every 10 ms */
#define HOST_TRIES	200	/* every 10 ms */
#define PORT_DRIVER	"/sys/bus/virtio/drivers/virtio_console/"

static int report_fd = STDOUT_FILENO;

static void check_port(void);

void report(const char *fmt, ...)
{
	va_list args;

	check_port();
	va_start(args, fmt);
	vdprintf(report_fd, fmt, args);
	va_end(args);
}

/* No stdio here: it needs the file position, which /dev/kmsg does not have. */
void console(const char *line)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char record[128];
	int len;

	len = snprintf(record, sizeof(record), "<1>%s\n", line);
	if (fd < 0 || write(fd, record, len) != len)
		printf("%s\n", line);
	close(fd);
}

int open_port(const char *wanted)
{
	char path[64], name[64];
	int port, fd, len;

	for (port = 0; port < 16; port++) {
		snprintf(path, sizeof(path),
			 "/sys/class/virtio-ports/vport0p%d/name", port);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		len = read(fd, name, sizeof(name) - 1);
		close(fd);
		name[len > 0 ? len : 0] = '\0';
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, wanted))
			continue;
		snprintf(path, sizeof(path), "/dev/vport0p%d", port);
		return open(path, O_WRONLY | O_CLOEXEC);
	}
	return -1;
}

/* The host sends the port names to the driver, which may take a moment. */
void open_report(void)
{
	int tries, fd = -1;

	for (tries = 0; fd < 0 && tries < PORT_TRIES; tries++) {
		if (tries)
			usleep(10000);
		fd = open_port(RESULT_PORT);
	}
	if (fd >= 0)
		report_fd = fd;
	else
		console("init: no result port, reporting on the console");
}

static int host_is_there(void)
{
	struct pollfd port = { .fd = report_fd };

	return poll(&port, 1, 0) <= 0 || !(port.revents & POLLHUP);
}

static void write_name(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, name, strlen(name)) < 0)
		printf("init: %s: %s\n", path, strerror(errno));
	close(fd);
}

/*
 * A write to a port waits until the driver knows that the host is connected.
 * After hibernation the driver asks again; v7.3 does so before it has a buffer
 * for the answer, and misses it (q35-hibernate-port). Rebind the driver then.
 */
static void check_port(void)
{
	const char *name;
	glob_t devices;
	int tries;

	if (report_fd == STDOUT_FILENO)
		return;
	for (tries = 0; !host_is_there(); tries++) {
		if (tries == HOST_TRIES)
			break;
		usleep(10000);
	}
	if (tries < HOST_TRIES)
		return;
	if (glob(PORT_DRIVER "virtio*", 0, NULL, &devices)) {
		console("init: the host's port is dead, and its driver has no device");
		return;
	}
	console("init: the host's port is dead, bound again");
	name = strrchr(devices.gl_pathv[0], '/') + 1;
	write_name(PORT_DRIVER "unbind", name);
	write_name(PORT_DRIVER "bind", name);
	globfree(&devices);
	close(report_fd);
	open_report();
}
