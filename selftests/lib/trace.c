// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/mount.h>

#include "test.h"
#include "trace.h"

void trace_mount(void)
{
	if (access(TRACE_FILE, F_OK))
		mount("tracefs", TRACE, "tracefs", 0, NULL);
}

bool trace_clear(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		ksft_print_msg("%s: %s\n", path, strerror(errno));
	else
		close(fd);
	return fd >= 0;
}
