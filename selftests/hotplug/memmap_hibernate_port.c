// SPDX-License-Identifier: GPL-2.0
/*
 * After hibernation, the driver of a virtio port must know again that the host
 * listens: poll() does not say that it hung up, and write() does not wait.
 *
 *	memmap_hibernate_port DISK PORT
 *
 * DISK is as in lib/hibernate.h, PORT the name of a port that nobody has open
 * here, and the host has. Nothing is printed between resume and the results:
 * PID 1, which prints that on another port, binds the driver again if that port
 * is dead.
 */
#include <fcntl.h>
#include <poll.h>

#include "hibernate.h"
#include "host.h"
#include "test.h"

#define LIMIT_MS	1000

static int port = -1;

/* The host may take a moment to answer. */
static bool host_is_there(void)
{
	struct pollfd there = { .fd = port, .events = POLLOUT };
	long long end = test_ms() + LIMIT_MS;

	do {
		if (poll(&there, 1, 10) == 1 && there.revents == POLLOUT)
			return true;
		usleep(10000);
	} while (test_ms() < end);
	return false;
}

static bool can_write(void)
{
	return write(port, "x", 1) == 1;
}

int main(int argc, char **argv)
{
	bool there = false, written = false;
	int err;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_hibernate_port DISK PORT\n");
	hibernate_use(argv[1]);
	port = host_open_port(argv[2], O_WRONLY | O_NONBLOCK);
	if (port < 0)
		ksft_exit_fail_msg("%s: no such port\n", argv[2]);

	if (hibernate_is_second_boot())
		ksft_exit_fail_msg("the image was not resumed\n");
	ksft_set_plan(4);
	ksft_test_result(host_is_there() && can_write(), "before\n");

	err = hibernate_prepare() ? hibernate() : -ENODEV;
	if (!err) {
		there = host_is_there();
		written = can_write();
	}
	close(port);	/* PID 1 may bind the driver again */
	ksft_test_result(!err, "resumed\n");
	ksft_test_result(there, "there\n");
	ksft_test_result(written, "written\n");
	ksft_exit(!ksft_get_fail_cnt());
}
