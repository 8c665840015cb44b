// SPDX-License-Identifier: GPL-2.0
/*
 * A second kernel by kexec on a machine with a DIMM and with device DAX.
 *
 *	memmap_kexec KERNEL INITRD START SIZE
 *
 * KERNEL and INITRD are disks that hold what is booted here. The DIMM is at START,
 * numbers are bytes in any base; its blocks are offline at boot and set online
 * here. namespace0.0 and namespace1.0 are filled: what was in them gets lost.
 * Whoever runs this runs it again in the second kernel, which is booted with the
 * same command line: that looks at the DIMM and the devices.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/reboot.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_kexec.h"
#include "memmap_layout.h"

#define BUF_PAGES	8192UL		/* memory that is written and read */

static struct pages dimm;

static bool dimm_is(int online)
{
	const unsigned long nr = block_pages();
	unsigned long block, bad = 0;

	for (block = dimm.pfn / nr; block < (dimm.pfn + dimm.nr) / nr; block++)
		bad += block_online(block) != online;
	if (bad)
		ksft_print_msg("%lu blocks are not %d\n", bad, online);
	return dimm.nr >= nr && !bad &&
	       system_ram_pages(dimm.pfn, dimm.pfn + dimm.nr) == dimm.nr;
}

/* Memory that is taken for programs first, and its pages. */
static bool online_dimm(void)
{
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE;
	const unsigned long nr = block_pages();
	unsigned long block;
	int err;

	for (block = dimm.pfn / nr; block < (dimm.pfn + dimm.nr) / nr; block++) {
		err = set_block_state(block, "online_movable");
		if (err)
			ksft_print_msg("memory%lu: %s\n", block, strerror(-err));
	}
	return dimm_is(1) && check_state("dimm", &dimm, want | TEST_MEMMAP_DEVICE |
					 TEST_MEMMAP_RESERVED, want);
}

static bool memory_works(void)
{
	struct area ram = { .name = "memory", .key = 7, .nr = BUF_PAGES };
	unsigned long page, nr = 0;
	bool good;

	ram.words = mmap(NULL, ram.nr * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram.words == MAP_FAILED)
		return false;
	fill(&ram);
	for (page = 0; page < ram.nr; page++)
		nr += memmap_vaddr_to_pfn(ram.words + page * WORDS) - dimm.pfn < dimm.nr;
	ksft_print_msg("%lu of %lu pages are in the DIMM\n", nr, ram.nr);
	good = is_filled(&ram) && nr >= ram.nr / 2;
	munmap(ram.words, ram.nr * PAGE);
	return good;
}

/* Ends in the second kernel, unless there is nothing worth being looked at there. */
static void test_first(const char *kernel, const char *initrd)
{
	size_t i;
	int err;

	ksft_set_plan(3 + ARRAY_SIZE(kexec_devices));
	ksft_test_result(dimm_is(0) && online_dimm() && memory_works(), "dimm\n");
	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++)
		ksft_test_result(fill_device(i), "filled_%s\n", kexec_devices[i].map);
	err = load_kernel(kernel, initrd, "", 0);
	if (err)
		ksft_print_msg("kexec_file_load: %s\n", strerror(-err));
	ksft_test_result(!err, "loaded\n");
	if (!ksft_get_fail_cnt()) {
		drain_output();
		reboot(RB_KEXEC);
		ksft_print_msg("kexec: %s\n", strerror(errno));
	}
	ksft_test_result(false, "second_kernel\n");
}

static void test_second(void)
{
	size_t i;

	ksft_set_plan(3 + 2 * ARRAY_SIZE(kexec_devices));
	ksft_test_result(dimm_is(0), "dimm_is_there\n");
	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++) {
		ksft_test_result(check_device(i), "%s_intact\n", kexec_devices[i].map);
		ksft_test_result(!device_reserved(i), "%s_not_reserved\n", kexec_devices[i].map);
	}
	ksft_test_result(online_dimm(), "dimm_onlined\n");
	ksft_test_result(memory_works(), "dimm_works\n");
}

int main(int argc, char **argv)
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 5)
		ksft_exit_skip("usage: memmap_kexec KERNEL INITRD START SIZE\n");
	if (access("/sys/kernel/kexec_loaded", R_OK))
		ksft_exit_skip("needs CONFIG_KEXEC_FILE\n");
	dimm.pfn = strtoull(argv[3], NULL, 0) / PAGE;
	dimm.nr = strtoull(argv[4], NULL, 0) / PAGE;
	if (is_second_kernel())
		test_second();
	else
		test_first(argv[1], argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
