// SPDX-License-Identifier: GPL-2.0
/*
 * Adding device memory fails half way: the direct map must be what it was.
 *
 *	memmap_direct_map START SIZE
 *
 * START and SIZE, in bytes, are an unused range of more than two sections whose
 * struct pages have to be allocated. No device has to be there.
 */
#include <stdio.h>

#include "fault.h"
#include "file.h"
#include "page.h"
#include "test.h"

static const char *const sizes[] = { "DirectMap4k", "DirectMap2M", "DirectMap1G" };

/* In kB; of 1G only where the CPU has such pages. */
static long direct_map(void)
{
	long kb = 0, got;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		got = file_field("/proc/meminfo", sizes[i]);
		kb += got < 0 ? 0 : got;
	}
	return kb;
}

/* Returns 0 or -errno; sets @refused if an allocation was. */
static int add(int fd, char **argv, unsigned long space, bool *refused)
{
	int err;

	fault_begin(FAULT_PAGES, space);
	err = page_add_device(fd, argv[1], argv[2]);
	*refused = fault_end();
	return err;
}

int main(int argc, char **argv)
{
	long before, added;
	bool refused;
	int fd, err;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_direct_map START SIZE\n");
	fault_require();
	before = direct_map();
	if (!before)
		ksft_exit_skip("needs DirectMap in /proc/meminfo\n");
	fd = page_open_device();

	ksft_set_plan(3);
	err = add(fd, argv, 1UL << 30, &refused);
	added = direct_map();
	ksft_test_result(!err && added > before, "added\n");
	close(fd);
	ksft_test_result(test_is("kB after removal", direct_map(), before), "removed\n");

	/* Sections of 128 MiB: one gets the 512 pages of its memmap, the next fails. */
	fd = page_open_device();
	err = add(fd, argv, 768, &refused);
	ksft_print_msg("%s, pages were %srefused\n", strerror(-err), refused ? "" : "not ");
	ksft_test_result(err && refused && test_is("kB after failure", direct_map(), before),
			 "failed\n");
	close(fd);
	ksft_exit(!ksft_get_fail_cnt());
}
