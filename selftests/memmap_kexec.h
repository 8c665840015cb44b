/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A kernel that comes up where another one was: the same image, initramfs and
 * command line, which says by one more word that it is the second. And device
 * DAX that the first kernel fills for it.
 */
#ifndef _SELFTESTS_MEMMAP_KEXEC_H
#define _SELFTESTS_MEMMAP_KEXEC_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/kexec.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_area.h"
#include "memmap_dax.h"

#define SECOND_KERNEL	"memmap_second_kernel"

static inline void read_cmdline(char *text, size_t size)
{
	int err = read_text("/proc/cmdline", text, size);

	if (err)
		ksft_exit_fail_msg("/proc/cmdline: %s\n", strerror(-err));
}

static inline bool is_second_kernel(void)
{
	char cmdline[2048];

	read_cmdline(cmdline, sizeof(cmdline));
	return strstr(cmdline, " " SECOND_KERNEL);
}

/* What is on @disk as a regular file: kexec_file_load() takes no other. */
static inline int copy_disk(const char *disk)
{
	char path[] = "/tmp/memmap_kexec.XXXXXX";
	int from = open(disk, O_RDONLY | O_CLOEXEC), to = mkstemp(path);
	ssize_t got = -1;

	if (from >= 0 && to >= 0)
		while ((got = sendfile(to, from, NULL, 1 << 20)) > 0)
			;
	if (got)
		ksft_exit_fail_msg("%s: %s\n", disk, strerror(errno));
	close(from);
	/* Nor one that is open for writing. */
	close(to);
	to = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	return to;
}

/* Returns 0 or -errno. */
static inline int load_kernel(const char *kernel, const char *initrd,
			      const char *append, unsigned long flags)
{
	char cmdline[2048], all[sizeof(cmdline) + 256];
	int err = 0, kernel_fd, initrd_fd;

	read_cmdline(cmdline, sizeof(cmdline));
	snprintf(all, sizeof(all), "%s %s " SECOND_KERNEL, cmdline, append);
	kernel_fd = copy_disk(kernel);
	initrd_fd = copy_disk(initrd);
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(all) + 1, all, flags))
		err = -errno;
	close(kernel_fd);
	close(initrd_fd);
	return err;
}

/* Until PID 1 has taken what was printed: what is still in the pipe gets lost. */
static inline void drain_output(void)
{
	const long long end = now_ms() + 10000;
	int left = 1;

	fflush(stdout);
	while (!ioctl(STDOUT_FILENO, FIONREAD, &left) && left && now_ms() < end)
		usleep(1000);
}

/* Filled by the first kernel, looked at by the second. */
static const struct {
	const char *ns, *map;
} kexec_devices[] = {
	{ "namespace0.0", "mem" },
	{ "namespace1.0", "dev" },
};

/* The data of a namespace that is device DAX already. */
static inline bool find_dax(const char *ns, struct dax *dax)
{
	char path[96];

	snprintf(dax->name, sizeof(dax->name), "dax%.16s", ns + strlen("namespace"));
	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s", dax->name);
	return read_pages(path, &dax->data);
}

static inline bool fill_device(int i)
{
	struct area area = { .name = kexec_devices[i].map, .key = i + 1 };
	struct dax dax = {};

	if (!create_dax(kexec_devices[i].ns, kexec_devices[i].map, "2M", &dax) ||
	    !map_area(&dax, &area))
		return false;
	fill(&area);
	return is_filled(&area);
}

/* As it was left, with the pages that device memory has, and good for use. */
static inline bool check_device(int i)
{
	struct area area = { .name = kexec_devices[i].map, .key = i + 1 };
	struct dax dax = {};
	bool good;

	if (!find_dax(kexec_devices[i].ns, &dax) || !map_area(&dax, &area))
		return false;
	good = is_filled(&area) &&
	       check_pages(kexec_devices[i].map, &dax.data, DEVICE_MASK, DEVICE_PAGE, dax.nid);
	area.key += ARRAY_SIZE(kexec_devices);
	fill(&area);
	good = good && is_filled(&area);
	munmap(area.words, area.nr * PAGE);
	return good;
}

static inline bool device_reserved(int i)
{
	struct dax dax = {};

	return !find_dax(kexec_devices[i].ns, &dax) ||
	       !check_state(kexec_devices[i].map, &dax.data, TEST_MEMMAP_RESERVED, 0);
}

#endif
