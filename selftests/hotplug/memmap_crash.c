// SPDX-License-Identifier: GPL-2.0
/*
 * A crash dump of a machine with a DIMM and with device DAX.
 *
 *	memmap_crash KERNEL INITRD DISK START SIZE
 *
 * KERNEL and INITRD are disks with the running kernel and its initramfs. The
 * DIMM is at START, numbers are bytes in any base; its blocks are offline at
 * boot. The data on DISK, namespace0.0 and namespace1.0 is lost. Needs a kernel
 * with crashkernel=, and must be run again in the crash kernel, which is booted
 * with the same command line.
 */
#include "block.h"
#include "file.h"
#include "kexec.h"
#include "test.h"
#include "vmcore.h"

#define VMCORE		"/proc/vmcore"
#define BUF_PAGES	2048UL
#define PG_RESERVED	12		/* not in VMCOREINFO */

enum { RAM, DIMM, NR_AREAS };

static struct area areas[NR_AREAS] = {
	{ .name = "RAM", .key = 11, .nr = BUF_PAGES },
	{ .name = "DIMM", .key = 12, .nr = BUF_PAGES },
};

static struct blocks dimm;
static const char *disk;	/* room for a dump */

/* Write each page's pfn into it. Returns pages in the DIMM. */
static unsigned long fill_area(struct area *area)
{
	unsigned long page, *word;

	area_map_ram(area, true);
	for (page = 0; page < area->nr; page++) {
		word = area->words + page * WORDS;
		area_fill_page(area, page_pfn(word), word);
	}
	return page_count_mapped(area->words, area->nr * PAGE, &dimm.pages);
}

static bool online_dimm(void)
{
	return block_set_all(&dimm, "online_movable") && block_all(&dimm, 1);
}

static void test_first(const char *kernel, const char *initrd)
{
	int i, err;

	ksft_set_plan(4 + NR_KEXEC_DEVICES);
	ksft_test_result(fill_area(&areas[RAM]) == 0, "memory\n");
	ksft_test_result(online_dimm() && fill_area(&areas[DIMM]) == BUF_PAGES, "dimm\n");
	for (i = 0; i < NR_KEXEC_DEVICES; i++)
		ksft_test_result(kexec_fill_device(i), "filled_%s\n", kexec_devices[i].map);
	/* Or the crash kernel would use the DIMM before it is dumped. */
	err = kexec_load(kernel, initrd, "acpi_no_memhotplug", KEXEC_FILE_ON_CRASH);
	ksft_test_result(!err, "loaded\n");
	if (!ksft_get_fail_cnt()) {
		kexec_drain_output();
		err = file_write("/proc/sysrq-trigger", "c");
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
	int i;

	for (i = 0; i < NR_KEXEC_DEVICES; i++)
		good &= ns_read(kexec_devices[i].ns, &pages) &&
			covers(core, kexec_devices[i].ns, &pages, 0);
	return good;
}

/* True if @min to @max pages of each are there. */
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

/* Returns -1 if the dump lacks the struct pages. */
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

/* Struct pages in RAM are in the dump, those in the device are not. */
static void test_struct_pages(const struct vmcore *core)
{
	const long want[] = { 0, -1 };
	struct dax dax = {};
	int i;

	ksft_test_result(!count_reserved(core, "DIMM", dimm.pages), "dimm_pages\n");
	for (i = 0; i < NR_KEXEC_DEVICES; i++)
		ksft_test_result(dax_find(kexec_devices[i].ns, &dax) &&
				 count_reserved(core, kexec_devices[i].map, dax.data) == want[i],
				 "%s_pages\n", kexec_devices[i].map);
}

/* Run makedumpfile; @min to @max user pages must be left at this @level. */
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

	code = test_run(0, argv);
	if (code == 127) {
		ksft_test_result_skip("%s: no makedumpfile\n", name);
		return;
	}
	if (code)
		ksft_print_msg("makedumpfile: exit code %d\n", code);
	good = !code && vmcore_open(disk, &core) && has_areas(&core, min, max);
	ksft_test_result(good, "%s\n", name);
}

static void test_second(void)
{
	struct vmcore core;
	int i;

	ksft_set_plan(9 + NR_KEXEC_DEVICES);
	ksft_test_result(vmcore_open(VMCORE, &core), "vmcore\n");
	ksft_test_result(covers(&core, "DIMM", &dimm.pages, dimm.pages.nr), "has_dimm\n");
	ksft_test_result(covers_no_device(&core), "has_no_device\n");
	ksft_test_result(has_areas(&core, BUF_PAGES, BUF_PAGES), "contents\n");
	test_struct_pages(&core);
	/* 23: no page cache, free and zero pages; 31: no user pages, too. */
	test_makedumpfile("23", BUF_PAGES, BUF_PAGES, "makedumpfile_user");
	/* It only excludes runs of 256 pages or more. */
	test_makedumpfile("31", 0, BUF_PAGES / 4, "makedumpfile_kernel");
	for (i = 0; i < NR_KEXEC_DEVICES; i++)
		ksft_test_result(kexec_check_device(i), "%s_intact\n", kexec_devices[i].map);
}

int main(int argc, char **argv)
{
	test_begin();
	if (argc != 6)
		ksft_exit_skip("usage: memmap_crash KERNEL INITRD DISK START SIZE\n");
	if (!kexec_is_second() && file_number("/sys/kernel/kexec_crash_size") <= 0)
		ksft_exit_skip("needs crashkernel=\n");
	disk = argv[3];
	dimm = block_parse(argv[4], argv[5]);
	if (kexec_is_second())
		test_second();
	else
		test_first(argv[1], argv[2]);
	ksft_exit(!ksft_get_fail_cnt());
}
