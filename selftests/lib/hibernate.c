// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/swap.h>

#include "file.h"
#include "hibernate.h"
#include "mem.h"
#include "test.h"

#define SPARE		0x100000UL	/* bytes after the swap area */
#define MKSWAP_SECONDS	30

static const char mark[] = "memmap_hibernate was here";
static const char *disk;
static char *page;		/* aligned for O_DIRECT */

void hibernate_use(const char *path)
{
	if (access("/sys/power/disk", W_OK))
		ksft_exit_skip("needs CONFIG_HIBERNATION\n");
	disk = path;
	page = aligned_alloc(page_size(), page_size());
	if (!page)
		ksft_exit_fail_msg("no memory\n");
}

int hibernate_open_disk(int flags, unsigned long long *size)
{
	int fd = open(disk, flags | O_DIRECT | O_SYNC | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, size) || *size <= SPARE)
		ksft_exit_fail_msg("%s: %s\n", disk, strerror(errno));
	return fd;
}

static void disk_page(off_t from_end, bool write)
{
	unsigned long long size;
	int fd = hibernate_open_disk(write ? O_RDWR : O_RDONLY, &size);
	off_t off = from_end ? size - from_end : 0;
	const ssize_t len = page_size();

	if ((write ? pwrite(fd, page, len, off) : pread(fd, page, len, off)) != len)
		ksft_exit_fail_msg("%s: %s\n", disk, strerror(errno));
	close(fd);
}

const char *hibernate_read_page(off_t from_end)
{
	disk_page(from_end, false);
	return page;
}

bool hibernate_is_second_boot(void)
{
	return !memcmp(hibernate_read_page(page_size()), mark, sizeof(mark));
}

bool hibernate_prepare(void)
{
	char kib[24];
	const char *const argv[] = { "mkswap", disk, kib, NULL };
	unsigned long long size;

	close(hibernate_open_disk(O_RDONLY, &size));
	snprintf(kib, sizeof(kib), "%llu", (size - SPARE) / 1024);
	memset(page, 0, page_size());
	memcpy(page, mark, sizeof(mark));
	disk_page(page_size(), true);
	if (!test_run(MKSWAP_SECONDS, argv) && !swapon(disk, 0))
		return true;
	ksft_print_msg("mkswap and swapon %s: %s\n", disk, strerror(errno));
	return false;
}

int hibernate(void)
{
	int err = file_write("/sys/power/disk", "shutdown");

	if (!err)
		err = file_write("/sys/power/state", "disk");
	if (err)
		ksft_print_msg("no image was made: %s\n", strerror(-err));
	/* A page of PID 1 may be there, and at power-off the disk goes first. */
	if (swapoff(disk))
		ksft_print_msg("swapoff %s: %s\n", disk, strerror(errno));
	return err;
}
