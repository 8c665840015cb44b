// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/stat.h>

#include "fs.h"
#include "test.h"

#define MKE2FS_SECONDS	60

bool fs_mount(const char *ns)
{
	char device[64];

	if (!ns_block_device(ns, device, sizeof(device)))
		return false;
	mkdir(FS_DIR, 0700);
	if (!mount(device, FS_DIR, "ext4", 0, "dax"))
		return true;
	ksft_print_msg("mount %s: %s\n", device, strerror(errno));
	return false;
}

void fs_make(const char *ns, const char *map, bool journal, struct dax *dax)
{
	char device[64];
	const char *const argv[] = {
		"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-O",
		journal ? "has_journal" : "^has_journal",
		"-E", "lazy_itable_init=0,stride=512,stripe_width=512",
		device, NULL
	};

	if (!dax_create_fs(ns, map, "2M", dax) ||
	    !ns_block_device(ns, device, sizeof(device)) ||
	    test_run(MKE2FS_SECONDS, argv) || !fs_mount(ns))
		ksft_exit_fail_msg("no file system on %s\n", ns);
}

int fs_make_file(const char *name, size_t size)
{
	char path[96], zeroes[4096] = {};
	size_t done;
	int fd;

	snprintf(path, sizeof(path), FS_DIR "/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	if (posix_fallocate(fd, 0, size))
		ksft_print_msg("%s: can't be had in one piece\n", path);
	for (done = 0; done < size; done += sizeof(zeroes))
		if (write(fd, zeroes, sizeof(zeroes)) != sizeof(zeroes))
			ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return fd;
}
