// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "hmm.h"
#include "mem.h"
#include "test.h"

int hmm_count_chunks(unsigned long *pages)
{
	unsigned long long start, end;
	unsigned long total = 0;
	char line[128];
	int found = 0;
	FILE *iomem;

	iomem = fopen("/proc/iomem", "re");
	while (iomem && fgets(line, sizeof(line), iomem)) {
		if (!strstr(line, ": hmm_dmirror"))
			continue;
		found++;
		if (sscanf(line, "%llx-%llx", &start, &end) == 2)
			total += (end + 1 - start) / page_size();
	}
	if (iomem)
		fclose(iomem);
	if (pages)
		*pages = total;
	return found;
}

bool hmm_load(void)
{
	static const char *const modprobe[] = { "modprobe", "test_hmm", NULL };
	char path[PATH_MAX - 16] = "", ko[PATH_MAX];
	int fd, err = 0;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		err = -errno;
	snprintf(ko, sizeof(ko), "%s/test_hmm.ko", dirname(path));
	fd = open(ko, O_RDONLY | O_CLOEXEC);
	if (!err && fd < 0)
		err = test_run(60, modprobe) ? -ENOENT : 0;
	else if (!err && syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err)
		ksft_print_msg("test_hmm: %s\n", strerror(-err));
	return !err;
}

bool hmm_unload(void)
{
	if (!syscall(SYS_delete_module, "test_hmm", O_NONBLOCK))
		return true;
	ksft_print_msg("test_hmm: unload: %s\n", strerror(errno));
	return false;
}
