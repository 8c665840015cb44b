// SPDX-License-Identifier: GPL-2.0
/*
 * Load the module test_hmm and create its device nodes, for the kernel's own
 * hmm-tests. At first it has private memory for two devices.
 */
#include <fcntl.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "test.h"

#define NODE		"/dev/hmm_dmirror0"
#define OTHER_NODE	"/dev/hmm_dmirror1"
#define NR_CHUNKS	2	/* one for each of test_hmm's devices */

/* Number of memory chunks of test_hmm's devices. */
static int count_chunks(void)
{
	char line[128];
	int found = 0;
	FILE *iomem;

	iomem = fopen("/proc/iomem", "re");
	while (iomem && fgets(line, sizeof(line), iomem))
		found += !!strstr(line, ": hmm_dmirror");
	if (iomem)
		fclose(iomem);
	return found;
}

/* Load it from this program's directory, or with modprobe. */
static int load_module(void)
{
	static const char *const modprobe[] = { "modprobe", "test_hmm", NULL };
	char path[PATH_MAX - 16] = "", ko[PATH_MAX];
	int fd, err = 0;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	snprintf(ko, sizeof(ko), "%s/test_hmm.ko", dirname(path));
	fd = open(ko, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return test_run(60, modprobe) ? -ENOENT : 0;
	if (syscall(SYS_finit_module, fd, "", 0))
		err = -errno;
	close(fd);
	return err;
}

/* On v5.10 the module only has cdevs, so devtmpfs has no nodes for it. */
static bool make_nodes(void)
{
	int major = -1;
	char line[128];
	FILE *devices;

	devices = fopen("/proc/devices", "re");
	while (devices && fgets(line, sizeof(line), devices))
		if (strstr(line, "HMM_DMIRROR"))
			major = strtol(line, NULL, 10);
	if (devices)
		fclose(devices);
	unlink(NODE);
	unlink(OTHER_NODE);
	return major >= 0 &&
	       !mknod(NODE, S_IFCHR | 0600, makedev(major, 0)) &&
	       !mknod(OTHER_NODE, S_IFCHR | 0600, makedev(major, 1));
}

static bool load(void)
{
	int err;

	if (access("/sys/module/test_hmm", F_OK)) {
		err = load_module();
		if (err) {
			ksft_print_msg("test_hmm: %s\n", strerror(-err));
			return false;
		}
	}
	return make_nodes() && count_chunks() >= NR_CHUNKS;
}

int main(void)
{
	test_begin();

	ksft_set_plan(1);
	ksft_test_result(load(), "load\n");
	ksft_exit(!ksft_get_fail_cnt());
}
