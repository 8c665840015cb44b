// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "file.h"
#include "host.h"
#include "test.h"

#define CONTROL_PORT	"memmap.control"
#define MAX_PORTS	16
#define PORT_TRIES	500	/* rounds over all ports, every 10 ms */
#define LIMIT_MS	(60 * 1000)

/* The host sends the port names to the driver, which may take a moment. */
int host_open_port(const char *wanted, int flags)
{
	char path[64], name[64];
	int try, port;

	for (try = 0; try < PORT_TRIES * MAX_PORTS; try++) {
		port = try % MAX_PORTS;
		if (try && !port)
			usleep(10000);
		snprintf(path, sizeof(path),
			 "/sys/class/virtio-ports/vport0p%d/name", port);
		if (file_read(path, name, sizeof(name)) ||
		    strcmp(name, wanted))
			continue;
		snprintf(path, sizeof(path), "/dev/vport0p%d", port);
		return open(path, flags | O_CLOEXEC);
	}

	return -1;
}

/* Read a line, without the newline. Returns false after LIMIT_MS. */
static bool read_line(int fd, char *line, size_t size)
{
	struct pollfd port = { .fd = fd, .events = POLLIN };
	long long end = test_ms() + LIMIT_MS;
	size_t len = 0;

	while (test_ms() < end && len < size - 1) {
		if (poll(&port, 1, 100) <= 0)
			continue;
		/* POLLHUP: the host has not connected yet. */
		if (!(port.revents & POLLIN)) {
			usleep(10000);
			continue;
		}
		if (read(fd, line + len, 1) != 1 || line[len++] != '\n')
			continue;
		line[len - 1] = '\0';
		return true;
	}
	return false;
}

int host_request(const char *request, char *answer, size_t size)
{
	const char *rest;
	int fd, ret = -EIO;

	fd = host_open_port(CONTROL_PORT, O_RDWR);
	if (fd < 0)
		return -ENODEV;

	dprintf(fd, "%s\n", request);
	if (!read_line(fd, answer, size)) {
		snprintf(answer, size, "no answer in %d s", LIMIT_MS / 1000);
	} else if (!strncmp(answer, "ok", 2)) {
		rest = answer + 2 + (answer[2] == ' ');
		memmove(answer, rest, strlen(rest) + 1);
		ret = 0;
	}
	close(fd);

	return ret;
}

int host_ask(const char *verb, const char *name, char *answer, size_t size)
{
	char request[64];
	int err;

	snprintf(request, sizeof(request), "%s %s", verb, name);
	err = host_request(request, answer, size);
	if (err && err != -ENODEV)
		ksft_print_msg("%s: %s\n", request, answer);
	return err;
}

void host_require(void)
{
	char answer[128];

	if (host_request("unplug", answer, sizeof(answer)) == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
}

void host_plug(const char *name, unsigned long long *start, unsigned long long *size)
{
	char answer[128];
	int err = host_ask("plug", name, answer, sizeof(answer));

	if (err == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
	if (err || sscanf(answer, "%lli %lli", (long long *)start,
			  (long long *)size) != 2)
		ksft_exit_fail_msg("plug %s: %s\n", name, answer);
}
