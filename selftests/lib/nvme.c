// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <linux/limits.h>
#include <stdio.h>

#include "nvme.h"
#include "pci.h"
#include "test.h"

/* Find an entry of @path whose name begins with @prefix. */
static bool find_entry(const char *path, const char *prefix, char *name, size_t size)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		found = !strncmp(entry->d_name, prefix, strlen(prefix));
		if (found)
			snprintf(name, size, "%.40s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool nvme_find_disk(struct nvme *drive)
{
	long long end = test_ms() + 20000;
	char path[PATH_MAX], nvme[48], disk[48];

	do {
		snprintf(path, sizeof(path), PCI_DIR "/devices/%s/nvme", drive->name);
		if (find_entry(path, "nvme", nvme, sizeof(nvme))) {
			snprintf(path, sizeof(path), PCI_DIR "/devices/%s/nvme/%s", drive->name,
				 nvme);
			if (find_entry(path, "nvme", disk, sizeof(disk))) {
				snprintf(drive->disk, sizeof(drive->disk), "/dev/%s", disk);
				if (!access(drive->disk, R_OK | W_OK))
					return true;
			}
		}
		usleep(10000);
	} while (test_ms() < end);
	return false;
}

bool nvme_io(const struct nvme *drive, bool write, char *buf, size_t nr, off_t page)
{
	int fd = open(drive->disk, O_RDWR | O_DIRECT | O_CLOEXEC);
	ssize_t size = nr * page_size(), got;

	got = write ? pwrite(fd, buf, size, page * page_size()) :
		      pread(fd, buf, size, page * page_size());
	if (fd >= 0)
		close(fd);
	return got == size;
}
