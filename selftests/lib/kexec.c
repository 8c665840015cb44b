// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

#include "file.h"
#include "kexec.h"
#include "test.h"

#define SECOND_KERNEL	"memmap_second_kernel"

const struct kexec_device kexec_devices[NR_KEXEC_DEVICES] = {
	{ "namespace0.0", "mem" },
	{ "namespace1.0", "dev" },
};

static void read_cmdline(char *text, size_t size)
{
	int err = file_read("/proc/cmdline", text, size);

	if (err)
		ksft_exit_fail_msg("/proc/cmdline: %s\n", strerror(-err));
}

bool kexec_is_second(void)
{
	char cmdline[2048];

	read_cmdline(cmdline, sizeof(cmdline));
	return strstr(cmdline, " " SECOND_KERNEL);
}

/* Copy @disk to a regular file, as kexec_file_load() requires. */
static int copy_disk(const char *disk)
{
	char path[] = "/tmp/memmap_kexec.XXXXXX";
	int from = open(disk, O_RDONLY | O_CLOEXEC), to = mkstemp(path);
	ssize_t got = -1;

	if (from >= 0 && to >= 0)
		while ((got = sendfile(to, from, NULL, MB)) > 0)
			;
	if (got)
		ksft_exit_fail_msg("%s: %s\n", disk, strerror(errno));
	close(from);
	/* It must not be open for writing. */
	close(to);
	to = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	return to;
}

int kexec_load(const char *kernel, const char *initrd, const char *append,
	       unsigned long flags)
{
	char cmdline[2048], all[sizeof(cmdline) + 256];
	int err = 0, kernel_fd, initrd_fd;

	read_cmdline(cmdline, sizeof(cmdline));
	snprintf(all, sizeof(all), "%s %s " SECOND_KERNEL, cmdline, append);
	kernel_fd = copy_disk(kernel);
	initrd_fd = copy_disk(initrd);
	if (syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(all) + 1, all, flags))
		err = -errno;
	if (err)
		ksft_print_msg("kexec_file_load: %s\n", strerror(-err));
	close(kernel_fd);
	close(initrd_fd);
	return err;
}

void kexec_drain_output(void)
{
	const long long end = test_ms() + 10000;
	int left = 1;

	fflush(stdout);
	while (!ioctl(STDOUT_FILENO, FIONREAD, &left) && left && test_ms() < end)
		usleep(1000);
}

void kexec_boot(void)
{
	kexec_drain_output();
	reboot(RB_KEXEC);
	ksft_print_msg("kexec: %s\n", strerror(errno));
}

bool kexec_fill_device(int i)
{
	struct area area = { .name = kexec_devices[i].map, .key = i + 1 };
	struct dax dax = {};

	return area_make(kexec_devices[i].ns, kexec_devices[i].map, &dax, &area) &&
	       area_is_filled(&area);
}

bool kexec_check_device(int i)
{
	struct area area = { .name = kexec_devices[i].map, .key = i + 1 };
	struct dax dax = {};
	bool good;

	if (!dax_find(kexec_devices[i].ns, &dax) || !area_map(&dax, &area))
		return false;
	good = area_is_filled(&area) &&
	       page_check(area.name, &dax.data, DEVICE_MASK, DEVICE_PAGE, dax.nid);
	area.key += NR_KEXEC_DEVICES;
	area_fill(&area);
	good = good && area_is_filled(&area);
	area_unmap(&area);
	return good;
}
