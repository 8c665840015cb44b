// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory behind the end of RAM, in the section in which RAM ends:
 * pfn_to_online_page() must not return it while it is added. The first time is what
 * matters: the section is marked then.
 *
 *	memmap_adding START SIZE
 *
 * START and SIZE, in bytes, are of addresses behind RAM that nobody uses: more than a
 * section, so that struct pages have to be allocated. Nothing has to be there.
 */
#include <stdio.h>

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
	if (!(page_get(pages.pfn - 1).state & TEST_MEMMAP_ONLINE))
		ksft_exit_skip("needs RAM that ends at %s\n", argv[1]);
}

/* Returns the file that has the range until it is closed. */
static int add(char **argv, const char *word)
{
	int fd = open(PAGE_DEBUGFS("device"), O_RDWR | O_CLOEXEC);
	unsigned long online, calls = 0;
	char text[64];
	ssize_t got;

	snprintf(text, sizeof(text), "%s %s", argv[1], argv[2]);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ksft_exit_fail_msg("device: \"%s\": %s\n", text, strerror(errno));
	got = pread(fd, text, sizeof(text) - 1, 0);
	text[got > 0 ? got : 0] = '\0';
	if (sscanf(text, "%lu %lu", &online, &calls) != 2 || !calls)
		ksft_exit_fail_msg("device: \"%s\" says nothing\n", text);
	ksft_print_msg("online at %lu of %lu allocations\n", online, calls);
	ksft_test_result(!online, "%s_added\n", word);
	return fd;
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "first", "second" };
	size_t i;
	int fd;

	require(argc, argv);
	ksft_set_plan(2 * ARRAY_SIZE(words));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		fd = add(argv, words[i]);
		ksft_test_result(page_check_state("pages", &pages, DEVICE_MASK, DEVICE_PAGE),
				 "%s_pages\n", words[i]);
		close(fd);
	}

	ksft_exit(!ksft_get_fail_cnt());
}
