// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory after the end of RAM, in the section in which RAM ends:
 * pfn_to_online_page() must not return it while it is being added. The first
 * time is what matters: the section gets its taint then. Nor may it do so after
 * adding has failed half way, and the next attempt must succeed.
 *
 *	memmap_adding START SIZE
 *
 * START and SIZE, in bytes, are an unused range after RAM: more than two
 * sections whose struct pages have to be allocated. No device has to be there.
 */
#include <stdio.h>

#include "fault.h"
#include "page.h"
#include "test.h"

static struct pages pages;

static void require(int argc, char **argv)
{
	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_adding START SIZE\n");
	pages.pfn = strtoull(argv[1], NULL, 0) / page_size();
	pages.nr = strtoull(argv[2], NULL, 0) / page_size();
	fault_require();
	if (!(page_get(pages.pfn - 1).state & TEST_MEMMAP_ONLINE))
		ksft_exit_skip("needs RAM that ends at %s\n", argv[1]);
}

/* Sections of 128 MiB: one gets the 512 pages of its memmap, the next fails. */
static void test_half(char **argv)
{
	int fd = page_open_device();
	bool added, refused;

	fault_begin(FAULT_PAGES, 768);
	added = !page_add_device(fd, argv[1], argv[2]);
	refused = fault_end();
	close(fd);
	ksft_print_msg("half: %s, pages were %s\n", added ? "added" : "not added",
		       refused ? "refused" : "not refused");
	ksft_test_result(refused && !added, "half_added\n");
	ksft_test_result(page_check_state("half", &pages, TEST_MEMMAP_ONLINE, 0),
			 "half_offline\n");
}

static void test_range(char **argv, const char *word)
{
	unsigned long online, calls = 0;
	int fd = page_open_device(), err;
	char text[64];
	ssize_t got;

	err = page_add_device(fd, argv[1], argv[2]);
	if (err)
		ksft_print_msg("%s: %s\n", word, strerror(-err));
	got = pread(fd, text, sizeof(text) - 1, 0);
	text[got > 0 ? got : 0] = '\0';
	if (sscanf(text, "%lu %lu", &online, &calls) != 2)
		ksft_exit_fail_msg("device: \"%s\" says nothing\n", text);
	ksft_print_msg("%s: online at %lu of %lu allocations\n", word, online, calls);
	ksft_test_result(calls && !online, "%s_added\n", word);
	ksft_test_result(page_check_state(word, &pages, DEVICE_MASK, DEVICE_PAGE),
			 "%s_pages\n", word);
	close(fd);
}

int main(int argc, char **argv)
{
	require(argc, argv);
	ksft_set_plan(8);
	test_range(argv, "first");
	test_range(argv, "second");
	test_half(argv);
	test_range(argv, "third");
	ksft_exit(!ksft_get_fail_cnt());
}
