// SPDX-License-Identifier: GPL-2.0
/*
 * Hard poison and soft offline in a hot-plugged DIMM, in memory that is not
 * online, and in a hole next to RAM.
 *
 *	memmap_poison NAME NODE
 *	memmap_poison NAME
 *
 * NAME is a DIMM that the host plugs on request, into a NODE that has no other
 * memory: memory bound to the node is in the DIMM. Without NODE, the DIMM is
 * unplugged without ever being online, while a page of RAM is poisoned.
 */
#include <linux/mempolicy.h>

#include "block.h"
#include "poison.h"
#include "ram.h"
#include "test.h"

#define NR_CASES	11
#define NR_PAGES	8	/* of the buffer in the DIMM */
#define SUBSECTION	512UL	/* pages: granularity of holes */
#define TRIES		50
#define FILL_SIZE	(512 * MB)

static struct blocks dimm;

/* Offlining fails when somebody holds a page for a moment: retry. */
static bool set_dimm_state(const char *state)
{
	unsigned long block;
	int err, try;

	block_for_each(block, &dimm) {
		for (try = 1; ; try++) {
			err = block_try_state(block, state);
			if ((err != -EBUSY && err != -EAGAIN) || try == TRIES)
				break;
			usleep(100000);
		}
		if (err || try > 1)
			ksft_print_msg("memory%lu: %s: %s, tried %d times\n", block, state,
				       err ? strerror(-err) : "works", try);
		if (err)
			return false;
	}
	return true;
}

static bool is_poisoned(unsigned long pfn)
{
	return page_kpageflags(pfn) >> KPF_HWPOISON & 1;
}

static unsigned long poisoned_in_dimm(void)
{
	unsigned long pfn, nr = 0;

	for (pfn = dimm.pages.pfn; page_in(&dimm.pages, pfn); pfn++)
		nr += is_poisoned(pfn);
	return nr;
}

/* Memory that is not online can't be poisoned. */
static void test_offline(const char *word)
{
	unsigned long pfn = dimm.pages.pfn + dimm.pages.nr / 2;
	long long before = poison_count();
	bool good;

	good = poison_is_error("hard", poison_write(POISON_HARD, pfn), -ENXIO);
	good &= poison_is_error("inject", poison_write(POISON_INJECT, pfn), -ENXIO);
	good &= poison_is_error("soft", poison_write(POISON_SOFT, pfn), -EIO);
	good &= poison_is_count(word, before, 0);
	ksft_test_result(good, "%s\n", word);
}

/*
 * After the end of RAM, in the same section. A kernel that poisons this page
 * counts wrongly from then on.
 */
static void test_hole(void)
{
	struct range ram[MAX_RANGES];
	long long before = poison_count();
	int nr = ram_read(ram, MAX_RANGES);
	struct test_memmap_page rec, after;
	unsigned long pfn = 0;
	bool good;
	int i;

	for (i = 0; i < nr; i++)
		if (ram[i].end <= dimm.pages.pfn)
			pfn = (ram[i].end + SUBSECTION - 1) / SUBSECTION * SUBSECTION;
	rec = page_get(pfn);
	if (!(rec.state & TEST_MEMMAP_VALID)) {
		ksft_test_result_skip("hole: RAM ends where its section does\n");
		return;
	}

	good = poison_is_error("hard", poison_write(POISON_HARD, pfn), -ENXIO);
	good &= poison_is_error("soft", poison_write(POISON_SOFT, pfn), -EIO);
	good &= poison_is_count("hole", before, 0);
	after = page_get(pfn);
	if (rec.flags != after.flags || rec.refcount != after.refcount) {
		ksft_print_msg("hole: pfn %#lx flags %#llx, were %#llx, refcount %d, was %d\n",
			       pfn, (unsigned long long)after.flags,
			       (unsigned long long)rec.flags, after.refcount,
			       rec.refcount);
		good = false;
	}
	ksft_test_result(good, "hole\n");
}

/* Memory of the node that has only the DIMM. */
static char *dimm_buffer(int nid)
{
	const size_t size = NR_PAGES * page_size();
	char *buf = mem_map(size);
	int err = mem_bind(buf, size, MPOL_PREFERRED, nid, 0);

	if (err)
		ksft_exit_fail_msg("mbind: %s\n", strerror(-err));
	mem_fill(buf, size);
	if (page_count_mapped(buf, size, &dimm.pages) != NR_PAGES)
		ksft_exit_fail_msg("the memory is not in the DIMM\n");
	return buf;
}

static char *buf_page(char *buf, int page)
{
	return buf + page * page_size();
}

static bool intact(char *buf, int page)
{
	const size_t words = page_size() / sizeof(long);
	unsigned long *word = (unsigned long *)buf_page(buf, page), i;

	for (i = 0; i < words; i++)
		if (word[i] != mem_pattern(page * words + i))
			return false;
	return true;
}

/* The data moves; the old page is poisoned and unused. */
static void test_soft(const char *word, char *buf, int page, const char *file)
{
	char *addr = buf_page(buf, page);
	unsigned long pfn = page_pfn(addr);
	long long before = poison_count();
	bool good;
	int err;

	if (file)
		err = poison_write(file, pfn);
	else
		err = madvise(addr, page_size(), MADV_SOFT_OFFLINE) ? -errno : 0;
	good = poison_is_error(word, err, 0);
	good &= poison_is_count(word, before, 1);
	good = good && intact(buf, page) && page_pfn(addr) != pfn &&
	       is_poisoned(pfn) && page_get(pfn).refcount == 1;
	ksft_test_result(good, "%s\n", word);
}

/* The child poisons its own copy of the page. */
static void test_hard(char *buf, int page)
{
	char *addr = buf_page(buf, page);
	long long before = poison_count();
	bool good;

	good = poison_child(addr) && poison_was_hit("hard", addr, 12);
	good &= poison_is_count("hard", before, 1);
	ksft_test_result(good, "hard_mapper\n");
	ksft_test_result(intact(buf, page), "hard_others\n");
}

/* By pfn, like a scrubber, not by access to the page. */
static void test_unpoison(char *buf, int page)
{
	char *addr = buf_page(buf, page);
	unsigned long pfn = page_pfn(addr);
	long long before = poison_count();
	struct test_memmap_page rec;
	bool good;

	good = poison_is_error("inject", poison_write(POISON_INJECT, pfn), 0);
	good &= poison_is_count("inject", before, 1);
	good = good && is_poisoned(pfn);
	munmap(addr, page_size());
	good &= poison_is_error("unpoison", poison_write(POISON_UNDO, pfn), 0);
	good &= poison_is_count("unpoison", before, 0);
	rec = page_get(pfn);
	if (is_poisoned(pfn) || rec.refcount)
		ksft_print_msg("unpoison: pfn %#lx flags %#llx refcount %d\n",
			       pfn, (unsigned long long)rec.flags, rec.refcount);
	ksft_test_result(good && !is_poisoned(pfn) && !rec.refcount,
			 "unpoison\n");
}

/*
 * The memory map of a DIMM that is never online is not initialised: whatever was
 * in that memory must not count as poisoned pages.
 */
static void test_never_online(const char *name, long long before)
{
	char *buf = mem_map(FILL_SIZE);

	memset(buf, 0xff, FILL_SIZE);
	if (madvise(buf, page_size(), MADV_SOFT_OFFLINE))
		ksft_exit_fail_msg("soft offline: %s\n", strerror(errno));
	munmap(buf, FILL_SIZE);

	ksft_set_plan(2);
	ksft_test_result(poison_is_count("poisoned", before, 1), "never_poisoned\n");
	dimm = dimm_plug(name);
	ksft_test_result(block_all(&dimm, 0) && dimm_eject(name) &&
			 poison_is_count("gone", before, 1), "never_unplug\n");
}

int main(int argc, char **argv)
{
	long long before;
	char *buf;

	test_begin();
	if (argc != 2 && argc != 3)
		ksft_exit_skip("needs a DIMM, and its node\n");
	before = poison_count();
	if (argc == 2) {
		test_never_online(argv[1], before);
		ksft_exit(!ksft_get_fail_cnt());
	}
	dimm = dimm_plug(argv[1]);

	ksft_set_plan(NR_CASES);
	test_offline("new");
	if (!set_dimm_state("online_movable"))
		ksft_exit_fail_msg("the DIMM can't be onlined\n");
	buf = dimm_buffer(atoi(argv[2]));
	test_soft("soft_madvise", buf, 0, NULL);
	test_soft("soft_sysfs", buf, 2, POISON_SOFT);
	test_hard(buf, 4);
	test_unpoison(buf, 6);
	munmap(buf, NR_PAGES * page_size());

	/* Two soft, one hard: they allow offlining. */
	ksft_test_result(set_dimm_state("offline") &&
			 poison_is_count("offline", before, 3),
			 "offline_poisoned\n");
	test_offline("offline");
	ksft_test_result(dimm_eject(argv[1]) && poison_is_count("gone", before, 0),
			 "unplug\n");

	dimm = dimm_plug(argv[1]);
	ksft_test_result(set_dimm_state("online_movable") &&
			 !poisoned_in_dimm() &&
			 poison_is_count("again", before, 0), "replug\n");
	test_hole();
	ksft_exit(!ksft_get_fail_cnt());
}
