// SPDX-License-Identifier: GPL-2.0
/*
 * A crash dump of a machine with a DIMM and with device DAX.
 *
 *	memmap_crash KERNEL INITRD DISK START SIZE
 *
 * KERNEL and INITRD are disks that hold what is booted here. The DIMM is at START,
 * numbers are bytes in any base; its blocks are offline at boot. What is on DISK,
 * and in namespace0.0 and namespace1.0, gets lost. Wants a kernel
 * with crashkernel=, and to be run again in the crash kernel, which is booted with
 * the same command line.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_kexec.h"
#include "memmap_layout.h"
#include "memmap_vmcore.h"

#define VMCORE		"/proc/vmcore"
#define BUF_PAGES	2048UL
#define PG_RESERVED	12		/* in no VMCOREINFO: no reader should care */
#define DUMP_SECONDS	60

enum { RAM, DIMM, NR_AREAS };

static struct area areas[NR_AREAS] = {
	{ .name = "RAM", .key = 11, .nr = BUF_PAGES },
	{ .name = "DIMM", .key = 12, .nr = BUF_PAGES },
};

static struct pages dimm;
static const char *disk;	/* room for a dump */

/* Each page tells where it is. How many are in the DIMM? */
static unsigned long fill_area(struct area *area)
{
	unsigned long page, pfn, in_dimm = 0;

	area->words = mmap(NULL, area->nr * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area->words == MAP_FAILED || mlock(area->words, area->nr * PAGE))
		ksft_exit_fail_msg("memory: %s\n", strerror(errno));
	for (page = 0; page < area->nr; page++) {
		pfn = memmap_vaddr_to_pfn(area->words + page * WORDS);
		fill_page(area, pfn, area->words + page * WORDS);
		in_dimm += pfn - dimm.pfn < dimm.nr;
	}
	return in_dimm;
}

static bool online_dimm(void)
{
	const unsigned long nr = block_pages();
	unsigned long block, bad = 0;

	for (block = dimm.pfn / nr; block < (dimm.pfn + dimm.nr) / nr; block++)
		bad += set_block_state(block, "online_movable") || block_online(block) != 1;
	return dimm.nr >= nr && !bad;
}

static void test_first(const char *kernel, const char *initrd)
{
	size_t i;
	int err;

	ksft_set_plan(4 + ARRAY_SIZE(kexec_devices));
	ksft_test_result(fill_area(&areas[RAM]) == 0, "memory\n");
	ksft_test_result(online_dimm() && fill_area(&areas[DIMM]) == BUF_PAGES, "dimm\n");
	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++)
		ksft_test_result(fill_device(i), "filled_%s\n", kexec_devices[i].map);
	/* Or the crash kernel would take the DIMM before anybody has read it. */
	err = load_kernel(kernel, initrd, "acpi_no_memhotplug", KEXEC_FILE_ON_CRASH);
	if (err)
		ksft_print_msg("kexec_file_load: %s\n", strerror(-err));
	ksft_test_result(!err, "loaded\n");
	if (!ksft_get_fail_cnt()) {
		drain_output();
		err = write_text("/proc/sysrq-trigger", "c");
		ksft_print_msg("no crash: %s\n", strerror(-err));
	}
	ksft_test_result(false, "crash_kernel\n");
}

static bool covers(const struct vmcore *core, const char *what, const struct pages *pages,
		   unsigned long want)
{
	unsigned long got = vmcore_covers(core, pages->pfn * PAGE, pages->nr * PAGE) / PAGE;

	ksft_print_msg("%s: %lu of %lu pages are in the dump\n", what, got, pages->nr);
	return got == want;
}

static bool covers_no_device(const struct vmcore *core)
{
	struct pages pages;
	bool good = true;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++)
		good &= read_namespace(kexec_devices[i].ns, &pages) &&
			covers(core, kexec_devices[i].ns, &pages, 0);
	return good;
}

/* From @min to @max pages of each. */
static bool has_areas(const struct vmcore *core, unsigned long min, unsigned long max)
{
	unsigned long found[NR_AREAS];
	bool good = true;
	int i;

	vmcore_search(core, areas, NR_AREAS, found);
	for (i = 0; i < NR_AREAS; i++) {
		ksft_print_msg("%s: %lu of %lu pages found\n", areas[i].name, found[i],
			       areas[i].nr);
		good &= found[i] >= min && found[i] <= max;
	}
	return good;
}

/* -1: their struct pages are not in the dump. */
static long count_reserved(const struct vmcore *core, const char *what, struct pages pages)
{
	const unsigned long step = 512;
	unsigned long flags[512], i, reserved = 0, done;

	for (done = 0; done + step <= pages.nr; done += step) {
		if (!vmcore_flags(core, pages.pfn + done, step, flags)) {
			ksft_print_msg("%s: no struct pages\n", what);
			return -1;
		}
		for (i = 0; i < step; i++)
			reserved += flags[i] >> PG_RESERVED & 1;
	}
	ksft_print_msg("%s: %lu of %lu pages are reserved\n", what, reserved, done);
	return reserved;
}

/* The struct pages that are in RAM, and those that are in the device itself. */
static void test_struct_pages(const struct vmcore *core)
{
	const long want[] = { 0, -1 };
	struct dax dax = {};
	size_t i;

	ksft_test_result(!count_reserved(core, "DIMM", dimm), "dimm_pages\n");
	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++)
		ksft_test_result(find_dax(kexec_devices[i].ns, &dax) &&
				 count_reserved(core, kexec_devices[i].map, dax.data) == want[i],
				 "%s_pages\n", kexec_devices[i].map);
}

/* What makedumpfile makes of it with this dump level: has it the programs' pages? */
static void test_makedumpfile(const char *level, unsigned long min, unsigned long max,
			      const char *name)
{
	const char *const argv[] = {
		"makedumpfile", "--message-level", "4", "-f", "-E", "-d", level, VMCORE, disk,
		NULL
	};
	struct vmcore core;
	bool good;
	int code;

	code = run_command(DUMP_SECONDS, argv);
	if (code == 127) {
		ksft_test_result_skip("%s: no makedumpfile\n", name);
		return;
	}
	if (code)
		ksft_print_msg("makedumpfile: exit code %d\n", code);
	good = !code && open_vmcore(disk, &core) && has_areas(&core, min, max);
	ksft_test_result(good, "%s\n", name);
}

static void test_second(void)
{
	struct vmcore core;
	size_t i;

	ksft_set_plan(9 + ARRAY_SIZE(kexec_devices));
	ksft_test_result(open_vmcore(VMCORE, &core), "vmcore\n");
	ksft_test_result(covers(&core, "DIMM", &dimm, dimm.nr), "has_dimm\n");
	ksft_test_result(covers_no_device(&core), "has_no_device\n");
	ksft_test_result(has_areas(&core, BUF_PAGES, BUF_PAGES), "contents\n");
	test_struct_pages(&core);
	/* Page cache, free and zero pages left out; and programs' pages, too. */
	test_makedumpfile("23", BUF_PAGES, BUF_PAGES, "makedumpfile_user");
	/* It leaves nothing out that is less than 256 pages in a row. */
	test_makedumpfile("31", 0, BUF_PAGES / 4, "makedumpfile_kernel");
	for (i = 0; i < ARRAY_SIZE(kexec_devices); i++)
		ksft_test_result(check_device(i), "%s_intact\n", kexec_devices[i].map);
}

int main(int argc, char **argv)
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 6)
		ksft_exit_skip("usage: memmap_crash KERNEL INITRD DISK START SIZE\n");
	if (!is_second_kernel() && read_number("/sys/kernel/kexec_crash_size") <= 0)
		ksft_exit_skip("needs crashkernel=\n");
	disk = argv[3];
	dimm.pfn = strtoull(argv[4], NULL, 0) / PAGE;
	dimm.nr = strtoull(argv[5], NULL, 0) / PAGE;
	if (is_second_kernel())
		test_second();
	else
		test_first(argv[1], argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
