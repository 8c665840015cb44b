// SPDX-License-Identifier: GPL-2.0
/*
 * Load the module test_hmm and create its device nodes, for the kernel's own
 * hmm-tests. At first it has private memory for two devices.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "hmm.h"
#include "test.h"

#define NODE		"/dev/hmm_dmirror0"
#define OTHER_NODE	"/dev/hmm_dmirror1"
#define NR_CHUNKS	2	/* one for each of test_hmm's devices */

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
	if (access("/sys/module/test_hmm", F_OK) && !hmm_load())
		return false;
	return make_nodes() && hmm_count_chunks(NULL) >= NR_CHUNKS;
}

int main(void)
{
	test_begin();

	ksft_set_plan(1);
	ksft_test_result(load(), "load\n");
	ksft_exit(!ksft_get_fail_cnt());
}
