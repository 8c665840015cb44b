// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <signal.h>
#include <stdio.h>

#include "block.h"
#include "file.h"
#include "ram.h"
#include "test.h"
#include "zone.h"

#define TRIES		10	/* to change the state of a memory block */
#define TRY_SECONDS	30	/* limit for one try */
#define MAX_NODES	64

unsigned long block_pages(void)
{
	static unsigned long pages;
	char text[32];
	int err;

	if (pages)
		return pages;
	/* Hexadecimal, without 0x. */
	err = file_read(BLOCK_DIR "/block_size_bytes", text, sizeof(text));
	pages = err ? 0 : strtoul(text, NULL, 16) / page_size();
	if (!pages)
		ksft_exit_fail_msg("no size of memory blocks: %s\n",
				   strerror(-err));
	return pages;
}

struct blocks block_range(unsigned long long start, unsigned long long size)
{
	unsigned long bytes = block_pages() * page_size();

	if (!size || start % bytes || size % bytes)
		ksft_exit_fail_msg("%#llx %#llx: no whole blocks\n", start, size);
	return (struct blocks){
		.first = start / bytes,
		.nr = size / bytes,
		.pages = { start / page_size(), size / page_size() },
	};
}

struct blocks block_parse(const char *start, const char *size)
{
	return block_range(strtoull(start, NULL, 0), strtoull(size, NULL, 0));
}

struct blocks block_inside(const struct pages *pages)
{
	const unsigned long nr = block_pages(), end = (pages->pfn + pages->nr) / nr;
	struct blocks blocks = { .first = (pages->pfn + nr - 1) / nr };

	blocks.nr = end > blocks.first ? end - blocks.first : 0;
	blocks.pages.pfn = blocks.first * nr;
	blocks.pages.nr = blocks.nr * nr;
	return blocks;
}

struct blocks block_one(unsigned long block)
{
	return (struct blocks){ block, 1, { block * block_pages(), block_pages() } };
}

const struct test_memmap_page *block_read(unsigned long block)
{
	static struct test_memmap_page *recs;
	const unsigned long pages = block_pages();

	if (!recs)
		recs = calloc(pages, sizeof(*recs));
	if (!recs)
		ksft_exit_fail_msg("no memory\n");
	page_read(block * pages, recs, pages);
	return recs;
}

static void state_path(char *path, size_t size, unsigned long block)
{
	snprintf(path, size, BLOCK_DIR "/memory%lu/state", block);
}

int block_online(unsigned long block)
{
	char path[64], state[32];

	state_path(path, sizeof(path), block);
	if (file_read(path, state, sizeof(state)))
		return -1;
	if (!strcmp(state, "online"))
		return 1;
	return strcmp(state, "offline") ? -1 : 0;
}

bool block_all(const struct blocks *blocks, int online)
{
	unsigned long block, bad = 0;

	block_for_each(block, blocks)
		bad += block_online(block) != online;
	if (bad)
		ksft_print_msg("%lu of %lu blocks are not %d\n", bad, blocks->nr, online);
	return blocks->nr && !bad;
}

void block_wait(const struct blocks *blocks, int online)
{
	long long end = test_ms() + PLUG_SECONDS * 1000;
	unsigned long block;

	block_for_each(block, blocks)
		while (block_online(block) != online && test_ms() < end)
			usleep(10000);
}

bool block_all_offline(const struct blocks *blocks)
{
	return block_all(blocks, 0) &&
	       page_check_state("offline page", &blocks->pages, ONLINE_PAGE,
				TEST_MEMMAP_VALID);
}

bool block_is_gone(const struct blocks *blocks)
{
	unsigned long ram = ram_pages(blocks->pages.pfn, blocks->pages.pfn + blocks->pages.nr);

	if (ram)
		ksft_print_msg("%lu pages of RAM are still there\n", ram);
	return block_all(blocks, -1) & page_is_gone("gone", &blocks->pages) & (ram == 0);
}

int block_write_state(unsigned long block, const char *state)
{
	char path[64];

	state_path(path, sizeof(path), block);
	return file_write(path, state);
}

static void do_nothing(int unused)
{
	(void)unused;
}

void block_catch(int signal)
{
	struct sigaction action = { .sa_handler = do_nothing };

	sigaction(signal, &action, NULL);
}

int block_try_state(unsigned long block, const char *state)
{
	struct sigaction old;
	unsigned int left;
	int err;

	sigaction(SIGALRM, NULL, &old);
	block_catch(SIGALRM);
	left = alarm(TRY_SECONDS);
	err = block_write_state(block, state);
	alarm(left);
	sigaction(SIGALRM, &old, NULL);

	return err;
}

static bool try_states(unsigned long block, const char *state, int tries)
{
	int try, err, first = 0;

	for (try = 1; ; try++) {
		err = block_try_state(block, state);
		if (!err || try == tries)
			break;
		first = first ? : err;
		usleep(100000);
	}
	if (err)
		ksft_print_msg("memory%lu: %s: %s, tried %d times\n", block, state,
			       strerror(-err), try);
	else if (try > 1)
		ksft_print_msg("memory%lu: %s: works, tried %d times, at first: %s\n",
			       block, state, try, strerror(-first));
	return !err;
}

bool block_set_state(unsigned long block, const char *state)
{
	return try_states(block, state, 1);
}

bool block_change(unsigned long block, const char *state)
{
	return try_states(block, state, TRIES);
}

bool block_set_all(const struct blocks *blocks, const char *state)
{
	const int tries = strcmp(state, "offline") ? 1 : TRIES;
	unsigned long block;
	bool good = true;

	block_for_each(block, blocks)
		good &= try_states(block, state, tries);
	return good;
}

bool block_on_node(unsigned long block, int nid)
{
	char path[80];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/memory%lu", nid, block);
	return !access(path, F_OK);
}

int block_node(unsigned long block)
{
	int nid;

	for (nid = 0; nid < MAX_NODES; nid++)
		if (block_on_node(block, nid))
			return nid;
	return -1;
}

bool block_saw_going_online(unsigned long block)
{
	const unsigned long pfn = block * block_pages();
	FILE *events = file_open(BLOCK_GOING_ONLINE);
	unsigned long start, nr, reserved;
	int seen = 0, clean = 0;
	char line[128];

	while (fgets(line, sizeof(line), events)) {
		if (sscanf(line, "%lu %lu %lu", &start, &nr, &reserved) != 3 ||
		    start != pfn)
			continue;
		seen++;
		clean += nr == block_pages() && !reserved;
		ksft_print_msg("memory%lu: going online: %lu of %lu pages reserved\n",
			       block, reserved, nr);
	}
	fclose(events);
	if (seen != 1)
		ksft_print_msg("memory%lu: %d going-online events\n", block,
			       seen);

	return seen == 1 && clean == 1;
}

bool block_is_on_node(unsigned long block, int nid, int index)
{
	const struct test_memmap_page *recs = block_read(block);
	const struct blocks one = block_one(block);
	unsigned long wrong = 0, i;

	for (i = 0; i < one.pages.nr; i++)
		wrong += recs[i].nid != nid ||
			 (index >= 0 && (int)recs[i].zone != index);
	if (wrong)
		ksft_print_msg("memory%lu: %lu pages not of node %d, zone %d\n",
			       block, wrong, nid, index);

	return !wrong && block_online(block) == 1 && block_on_node(block, nid) &&
	       page_check_state("online page", &one.pages, ONLINE_MASK, ONLINE_PAGE);
}

bool block_is_in_zone(unsigned long block, const char *zone_name)
{
	const unsigned long pages = block_pages(), start = block * pages;
	struct zone zones[MAX_ZONES], *zone;
	int nr = zone_read(zones, MAX_ZONES);

	for (zone = zones; zone < zones + nr; zone++)
		if (!strcmp(zone->name, zone_name) &&
		    block_on_node(block, zone->nid) && zone->start <= start &&
		    start + pages <= zone->end)
			return block_is_on_node(block, zone->nid, zone->index);
	ksft_print_msg("memory%lu: not spanned by %s\n", block, zone_name);
	return false;
}

int block_walk(void (*fn)(unsigned long block))
{
	DIR *dir = opendir(BLOCK_DIR);
	struct dirent *entry;
	unsigned long block;
	int nr = 0;

	if (!dir)
		ksft_exit_fail_msg(BLOCK_DIR ": %s\n", strerror(errno));
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "memory%lu", &block) != 1)
			continue;
		fn(block);
		nr++;
	}
	closedir(dir);

	return nr;
}
