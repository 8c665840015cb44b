// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks that have a hole stay online, and none can be onlined.
 *
 *	memmap_blocks ODD ODD NAME
 *
 * DIMMs that the host plugs when asked to: two whose sizes are no multiples of
 * a memory block, but the sum is, and one that is behind them then, and a block
 * or more. The machine must have been booted with holes in its RAM.
 *
 * offline_pages() refuses a block when walk_system_ram_range() does not find all
 * of it: -EINVAL, before anything was changed.
 *
 * online_pages() looks for no holes, and need not: memory blocks with holes only
 * come from the boot, where they are created online (add_memory_block()), and
 * since they can't go offline they can't be onlined. Whoever adds memory later
 * gets blocks without holes: add_memory_resource(), which ACPI, virtio-mem, dax
 * and the balloons share, refuses what is not aligned to memory blocks, and what
 * is in conflict with another resource (the rest of a block from the boot, for
 * example: there the section exists already as well). The file "probe", where it
 * is built, adds one whole block. That leaves two things to try, and both are
 * refused here: to online a block with holes, which is online, and to have a
 * DIMM added that would fill only a part of a block.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"

#define MAX_HOLEY	32		/* blocks with holes */
#define BUF_SIZE	(512UL << 20)	/* memory that must keep its contents */
#define MIN_USED	256		/* pages of it in blocks with holes */
#define CHUNK		4096
#define ODD_TRIES	100		/* times 100 ms */

static unsigned long holey[MAX_HOLEY], pages_per_block, page_size;
static struct test_memmap_page *before;
static unsigned int nr_holey;
static unsigned long *buf;

static void find_holey(unsigned long block)
{
	unsigned long start = block * pages_per_block, pages;

	pages = system_ram_pages(start, start + pages_per_block);
	if (pages == pages_per_block)
		return;
	ksft_print_msg("memory%lu: %lu of %lu pages are RAM\n", block, pages,
		       pages_per_block);
	if (nr_holey == MAX_HOLEY)
		ksft_exit_fail_msg("more than %d blocks with holes\n",
				   MAX_HOLEY);
	holey[nr_holey++] = block;
}

static bool is_holey(unsigned long pfn)
{
	unsigned int i;

	for (i = 0; i < nr_holey; i++)
		if (pfn / pages_per_block == holey[i])
			return true;
	return false;
}

static unsigned long pattern(unsigned long page)
{
	return (page + 1) * 0x9e3779b97f4a7c15UL;
}

/* Fill the buffer. Returns how many of its pages are in blocks with holes. */
static unsigned long fill(void)
{
	const unsigned long long present = 1ULL << 63, mask = (1ULL << 55) - 1;
	static unsigned long long words[CHUNK];
	unsigned long nr = BUF_SIZE / page_size, used = 0, page, i;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED || fd < 0)
		ksft_exit_fail_msg("mmap, pagemap: %s\n", strerror(errno));
	for (page = 0; page < nr; page++)
		buf[page * page_size / sizeof(*buf)] = pattern(page);

	for (page = 0; page < nr; page += CHUNK) {
		if (pread(fd, words, sizeof(words),
			  ((unsigned long)buf / page_size + page) *
			  sizeof(*words)) != sizeof(words))
			ksft_exit_fail_msg("pagemap: %s\n", strerror(errno));
		for (i = 0; i < CHUNK; i++)
			if (words[i] & present && is_holey(words[i] & mask))
				used++;
	}
	close(fd);
	ksft_print_msg("%lu of %lu pages are in blocks with holes\n", used, nr);

	return used;
}

static bool is_intact(void)
{
	unsigned long page;

	for (page = 0; page < BUF_SIZE / page_size; page++)
		if (buf[page * page_size / sizeof(*buf)] != pattern(page))
			return false;
	return true;
}

/* Write @text to a file of the block; is that refused with EINVAL? */
static bool refused(unsigned long block, const char *file, const char *text)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), BLOCKS_DIR "/memory%lu/%s", block, file);
	err = write_text(path, text);
	if (err != -EINVAL)
		ksft_print_msg("memory%lu: %s > %s: %s\n", block, text, file,
			       strerror(-err));
	return err == -EINVAL;
}

/* Holes are the same to the bit; RAM is in use, but where and what it was. */
static bool pages_are_same(unsigned long block)
{
	unsigned long pfn = block * pages_per_block, wrong = 0, i;
	const struct test_memmap_page *after = read_block(block), *a, *b;
	bool same;

	for (i = 0; i < pages_per_block; i++) {
		a = &after[i];
		b = &before[i];
		same = a->state == b->state && a->nid == b->nid &&
		       a->zone == b->zone;
		if (!is_ram(pfn + i))
			same = !memcmp(a, b, sizeof(*a));
		wrong += !same;
	}
	if (wrong)
		ksft_print_msg("memory%lu: %lu struct pages changed\n", block,
			       wrong);
	return !wrong;
}

/*
 * The pageblocks of all zones that /proc/pagetypeinfo calls isolated, -1 when it
 * does not say. That is the last column, when it is there.
 */
static long isolated_pageblocks(void)
{
	FILE *file = open_file("/proc/pagetypeinfo");
	bool counts = false;
	char line[512], *last;
	long sum = -1;

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		while (*line && line[strlen(line) - 1] == ' ')
			line[strlen(line) - 1] = '\0';
		last = strrchr(line, ' ');
		if (!strncmp(line, "Number of ", 10))
			counts = !strncmp(line + 10, "blocks type", 11) &&
				 !strcmp(last, " Isolate");
		else if (counts && last)
			sum = (sum < 0 ? 0 : sum) + atol(last);
	}
	fclose(file);

	return sum;
}

static void test_holey(void)
{
	bool offline = true, online = true, kept = true, same = true;
	unsigned long used = fill(), block;
	unsigned int i;
	long isolated;

	for (i = 0; i < nr_holey; i++) {
		block = holey[i];
		memmap_read(block * pages_per_block, before, pages_per_block);
		offline &= refused(block, "state", "offline") &&
			   refused(block, "online", "0");
		online &= refused(block, "state", "online") &&
			  refused(block, "state", "online_kernel") &&
			  refused(block, "state", "online_movable");
		kept &= block_online(block) == 1;
		same &= pages_are_same(block);
	}
	ksft_test_result(offline, "offline_refused\n");
	ksft_test_result(online, "online_refused\n");
	ksft_test_result(kept, "still_online\n");
	ksft_test_result(same, "struct_pages\n");
	isolated = isolated_pageblocks();
	if (isolated)
		ksft_print_msg("%ld pageblocks are isolated\n", isolated);
	ksft_test_result(!isolated, "not_isolated\n");
	ksft_test_result(used >= MIN_USED && is_intact(), "data\n");
	munmap(buf, BUF_SIZE);
}

static bool change(unsigned long block, const char *state, int online)
{
	return change_block(block, state) && block_online(block) == online &&
	       memmap_count(block * pages_per_block, pages_per_block,
			    TEST_MEMMAP_ONLINE, online ? TEST_MEMMAP_ONLINE : 0,
			    state) == pages_per_block;
}

static struct range plug_odd(const char *name)
{
	unsigned long long start, size;
	char request[64], answer[128];
	struct range dimm;
	int err;

	snprintf(request, sizeof(request), "plug %s", name);
	err = host_request(request, answer, sizeof(answer));
	if (err || sscanf(answer, "%lli %lli", (long long *)&start,
			  (long long *)&size) != 2)
		ksft_exit_fail_msg("%s: %s\n", request, answer);
	dimm.start = start / page_size;
	dimm.end = (start + size) / page_size;
	if (!(size / page_size % pages_per_block))
		ksft_exit_fail_msg("%s fills memory blocks\n", name);

	return dimm;
}

/* Nothing of the DIMM is known to the kernel. */
static bool is_ignored(const struct range *dimm)
{
	unsigned long nr = dimm->end - dimm->start;

	return !system_ram_pages(dimm->start, dimm->end) &&
	       block_online(dimm->start / pages_per_block) < 0 &&
	       memmap_count(dimm->start, nr, TEST_MEMMAP_VALID, 0,
			    "odd DIMM") == nr;
}

static void test_dimms(const char *first, const char *second, const char *name)
{
	unsigned long long start, size;
	bool refused = false;
	struct range odd[2];
	unsigned long block;
	int tries;

	odd[0] = plug_odd(first);
	odd[1] = plug_odd(second);
	/*
	 * The kernel takes them one by one: with this one, the others are done, but
	 * may be tried once more, and are in /proc/iomem for that long.
	 */
	plug_dimm(name, &start, &size);
	for (tries = 0; tries < ODD_TRIES; tries++) {
		refused = is_ignored(&odd[0]) && is_ignored(&odd[1]);
		if (refused)
			break;
		usleep(100000);
	}
	ksft_test_result(refused, "odd_dimms_refused\n");

	block = start / page_size / pages_per_block;
	ksft_test_result(!block_online(block) &&
			 change(block, "online_movable", 1), "online\n");
	ksft_test_result(change(block, "offline", 0), "offline\n");
	ksft_test_result(change(block, "online_movable", 1), "online_again\n");
}

int main(int argc, char **argv)
{
	char answer[128];

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_blocks ODD ODD NAME\n");
	if (host_request("unplug", answer, sizeof(answer)) == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
	page_size = sysconf(_SC_PAGESIZE);
	pages_per_block = block_pages();
	before = calloc(pages_per_block, sizeof(*before));
	read_ram();
	walk_blocks(find_holey);
	if (!before || !nr_holey)
		ksft_exit_fail_msg("no memory, or no block with a hole\n");

	ksft_set_plan(10);
	test_holey();
	test_dimms(argv[1], argv[2], argv[3]);
	ksft_exit(!ksft_get_fail_cnt());
}
