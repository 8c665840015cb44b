// SPDX-License-Identifier: GPL-2.0
/*
 * A second kernel by kexec on a machine with a DIMM and with device DAX.
 *
 *	memmap_kexec KERNEL INITRD START SIZE [DEVICES]
 *
 * KERNEL and INITRD are disks with the running kernel and its initramfs. The
 * DIMM is at START, numbers are bytes in any base; its blocks are offline at
 * boot and onlined here. namespace0.0 and namespace1.0 (or DEVICES of them) are
 * filled: their old data is lost. Must be run again in the second kernel, which
 * is booted with the same command line: there it checks the DIMM and the
 * devices.
 */
#include "block.h"
#include "kexec.h"
#include "ram.h"
#include "test.h"

#define BUF_PAGES	8192UL		/* pages to write and read */

static struct blocks dimm;
static int nr_devices = NR_KEXEC_DEVICES;

static bool dimm_is(int online)
{
	return block_all(&dimm, online) &&
	       ram_pages(dimm.pages.pfn, dimm.pages.pfn + dimm.pages.nr) == dimm.pages.nr;
}

/* User memory comes from Movable first. True if the pages are right. */
static bool online_dimm(void)
{
	block_set_all(&dimm, "online_movable");
	return dimm_is(1) && page_check_state("dimm", &dimm.pages, ONLINE_MASK, ONLINE_PAGE);
}

static bool memory_works(void)
{
	struct area ram = { .name = "memory", .key = 7, .nr = BUF_PAGES };
	bool good;

	area_map_ram(&ram, false);
	area_fill(&ram);
	good = area_is_filled(&ram) &&
	       page_count_mapped(ram.words, ram.nr * PAGE, &dimm.pages) >= ram.nr / 2;
	area_unmap(&ram);
	return good;
}

static bool device_is_reserved(int i)
{
	struct dax dax = {};

	return !dax_find(kexec_devices[i].ns, &dax) ||
	       !page_check_state(kexec_devices[i].map, &dax.data, TEST_MEMMAP_RESERVED, 0);
}

/* Ends in the second kernel, unless something has failed before. */
static void test_first(const char *kernel, const char *initrd)
{
	int i, err;

	ksft_set_plan(3 + nr_devices);
	ksft_test_result(dimm_is(0) && online_dimm() && memory_works(), "dimm\n");
	for (i = 0; i < nr_devices; i++)
		ksft_test_result(kexec_fill_device(i), "filled_%s\n", kexec_devices[i].map);
	err = kexec_load(kernel, initrd, "", 0);
	ksft_test_result(!err, "loaded\n");
	if (!ksft_get_fail_cnt())
		kexec_boot();
	ksft_test_result(false, "second_kernel\n");
}

static void test_second(void)
{
	int i;

	ksft_set_plan(3 + 2 * nr_devices);
	ksft_test_result(dimm_is(0), "dimm_is_there\n");
	for (i = 0; i < nr_devices; i++) {
		ksft_test_result(kexec_check_device(i), "%s_intact\n", kexec_devices[i].map);
		ksft_test_result(!device_is_reserved(i), "%s_not_reserved\n", kexec_devices[i].map);
	}
	ksft_test_result(online_dimm(), "dimm_onlined\n");
	ksft_test_result(memory_works(), "dimm_works\n");
}

int main(int argc, char **argv)
{
	test_begin();
	if (argc != 5 && argc != 6)
		ksft_exit_skip("usage: memmap_kexec KERNEL INITRD START SIZE [DEVICES]\n");
	if (access("/sys/kernel/kexec_loaded", R_OK))
		ksft_exit_skip("needs CONFIG_KEXEC_FILE\n");
	dimm = block_parse(argv[3], argv[4]);
	if (argc == 6)
		nr_devices = atoi(argv[5]);
	if (kexec_is_second())
		test_second();
	else
		test_first(argv[1], argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
