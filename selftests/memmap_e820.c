// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory that only the memory map of the firmware knows (e820 type
 * 12), as it is found at boot, and made into all that it can be: its pages are
 * those of a device, and nothing is left of them when it is unbound, but the data.
 *
 *	memmap_e820 [NAMESPACE]
 *
 * Wants a namespace (namespace0.0) that fills memory sections, made for example
 * with memmap=128M!0x18000000. What is in it gets lost.
 */
#include <stdlib.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define DATA_SIZE	HUGE_SIZE	/* written, and read when bound again */
#define ND_DIR		"/sys/bus/nd/devices"
#define MAX_PFN_DEVICES	16		/* each new mode makes another one */

/* This firmware has no labels: raw is what ndctl also calls fsdax with map=mem. */
static const struct mode {
	const char *word;
	const char *mode;	/* for ndctl; NULL: leave it as it is */
	const char *map;	/* NULL: nothing has claimed the namespace */
} modes[] = {
	{ "boot", NULL, NULL },
	{ "raw", "raw", NULL },
	{ "fsdax_dev", "fsdax", "dev" },
	{ "devdax_mem", "devdax", "mem" },
	{ "devdax_dev", "devdax", "dev" },
};

#define NR_WORDS	5

static const char *ns;
static struct pages all;	/* of the namespace */

static bool run_ndctl(const char *command)
{
	const char *const argv[] = { "ndctl", command, ns, NULL };

	return run_command(NDCTL_SECONDS, argv) == 0;
}

static bool make(const struct mode *mode)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", mode->mode,
		mode->map ? "-M" : NULL, mode->map, NULL
	};

	return !mode->mode || run_command(NDCTL_SECONDS, argv) == 0;
}

/* Where data goes: the device that has claimed the namespace, or all of it. */
static bool find_data(const struct mode *mode, struct pages *data)
{
	char path[96], text[64];
	int i;

	*data = all;
	if (!mode->map)
		return true;
	snprintf(path, sizeof(path), "/sys/bus/dax/devices/dax%.16s",
		 ns + strlen("namespace"));
	if (!strcmp(mode->mode, "devdax"))
		return read_pages(path, data);
	for (i = 0; i < MAX_PFN_DEVICES; i++) {
		snprintf(path, sizeof(path), ND_DIR "/pfn%d.%d/namespace",
			 atoi(ns + strlen("namespace")), i);
		if (read_text(path, text, sizeof(text)) || strcmp(text, ns))
			continue;
		*strrchr(path, '/') = '\0';
		return read_pages(path, data);
	}
	return false;
}

static unsigned long pattern(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

/* Fill the first bytes of the device, or see whether they still are so. */
static bool access_data(const struct mode *mode, bool fill)
{
	const bool is_dax = mode->mode && !strcmp(mode->mode, "devdax");
	unsigned long *words, nr = DATA_SIZE / sizeof(*words), i;
	char path[64];
	int fd;

	if (is_dax)
		snprintf(path, sizeof(path), "/dev/dax%.16s", ns + strlen("namespace"));
	else
		snprintf(path, sizeof(path), "/dev/pmem%d",
			 atoi(ns + strlen("namespace")));
	fd = open(path, O_RDWR | O_CLOEXEC);
	words = fd < 0 ? MAP_FAILED : mmap(NULL, DATA_SIZE, PROT_READ | PROT_WRITE,
					   MAP_SHARED, fd, 0);
	if (words == MAP_FAILED) {
		ksft_print_msg("%s: %s\n", path, strerror(errno));
		return false;
	}
	for (i = 0; i < nr; i++) {
		if (fill)
			words[i] = pattern(i);
		else if (words[i] != pattern(i))
			break;
	}
	munmap(words, DATA_SIZE);
	if (fill && !is_dax)
		fsync(fd);
	close(fd);
	return i == nr;
}

/* Device pages that are not reserved, each with the one reference it has. */
static bool are_device(const char *what, const struct pages *data)
{
	return check_pages(what, data, DEVICE_MASK | TEST_MEMMAP_RESERVED,
			   DEVICE_PAGE, memmap_page(data->pfn).nid);
}

static void test_mode(const struct mode *mode)
{
	struct pages data = {}, again = {};
	bool good;

	good = make(mode) && find_data(mode, &data);
	ksft_print_msg("%s: %lu of %lu pages are for data\n", mode->word, data.nr,
		       all.nr);
	ksft_test_result(good && are_device(mode->word, &data), "%s_pages\n",
			 mode->word);
	good = access_data(mode, true);
	ksft_test_result(good && are_device("used", &data), "%s_used\n", mode->word);

	good = run_ndctl("disable-namespace");
	ksft_test_result(good && check_state("unbound", &all, TEST_MEMMAP_VALID, 0),
			 "%s_unbound\n", mode->word);
	good = run_ndctl("enable-namespace") && find_data(mode, &again);
	ksft_test_result(good && again.pfn == data.pfn && again.nr == data.nr &&
			 are_device("bound again", &again), "%s_bound\n", mode->word);
	ksft_test_result(access_data(mode, false), "%s_data\n", mode->word);
}

int main(int argc, char **argv)
{
	size_t i;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	ns = argc > 1 ? argv[1] : "namespace0.0";
	if (strncmp(ns, "namespace", strlen("namespace")) || !read_namespace(ns, &all))
		ksft_exit_skip("needs %s\n", ns);

	ksft_set_plan(ARRAY_SIZE(modes) * NR_WORDS);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		test_mode(&modes[i]);
	ksft_exit(!ksft_get_fail_cnt());
}
