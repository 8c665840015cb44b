// SPDX-License-Identifier: GPL-2.0
/*
 * Poison and soft offline in a DIMM that comes and goes, in memory that is not
 * online, and in a hole beside RAM.
 *
 *	memmap_poison NAME NODE
 *
 * NAME is a DIMM that the host plugs when asked to, into a NODE that has no
 * other memory: what is bound to the node is in the DIMM.
 */
#include <linux/mempolicy.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"
#include "memmap_poison.h"

#define NR_CASES	11
#define NR_PAGES	8	/* of the buffer in the DIMM */
#define SUBSECTION	512UL	/* pages: what the memory map knows holes by */
#define RETRIES		50

static struct range dimm;
static size_t page_size;

static void plug(const char *name)
{
	unsigned long long start = 0, size = 0;

	plug_dimm(name, &start, &size);
	dimm.start = start / page_size;
	dimm.end = dimm.start + size / page_size;
}

/* Offlining gives up when somebody holds a page for a moment: again. */
static bool set_dimm_state(const char *state)
{
	unsigned long block = dimm.start / block_pages();
	int err, tries;

	for (; block < dimm.end / block_pages(); block++) {
		for (tries = 0; tries < RETRIES; tries++) {
			err = try_block_state(block, state);
			if (err != -EBUSY && err != -EAGAIN)
				break;
			usleep(100000);
		}
		if (err) {
			ksft_print_msg("memory%lu: %s: %s\n", block, state,
				       strerror(-err));
			return false;
		}
	}
	return true;
}

static bool is_poisoned(unsigned long pfn)
{
	return memmap_kpageflags(pfn) >> KPF_HWPOISON & 1;
}

static unsigned long poisoned_in_dimm(void)
{
	unsigned long pfn, nr = 0;

	for (pfn = dimm.start; pfn < dimm.end; pfn++)
		nr += is_poisoned(pfn);
	return nr;
}

/* Memory that the page allocator has not got: nothing that could be poisoned. */
static void test_offline(const char *word)
{
	unsigned long pfn = (dimm.start + dimm.end) / 2;
	long long before = poisoned_pages();
	bool good;

	good = expect_error("hard", poison_by(HARD_FILE, pfn), -ENXIO);
	good &= expect_error("inject", poison_by(INJECT_FILE, pfn), -ENXIO);
	good &= expect_error("soft", poison_by(SOFT_FILE, pfn), -EIO);
	good &= expect_poisoned(word, before, 0);
	ksft_test_result(good, "%s\n", word);
}

/*
 * Behind the end of RAM, where its section goes on. On a kernel that takes this
 * for a page of its own the count is wrong from now on.
 */
static void test_hole(void)
{
	struct range ram[MAX_RANGES];
	long long before = poisoned_pages();
	int nr = read_system_ram(ram, MAX_RANGES);
	struct test_memmap_page rec, after;
	unsigned long pfn = 0;
	bool good;
	int i;

	for (i = 0; i < nr; i++)
		if (ram[i].end <= dimm.start)
			pfn = (ram[i].end + SUBSECTION - 1) / SUBSECTION * SUBSECTION;
	rec = memmap_page(pfn);
	if (!(rec.state & TEST_MEMMAP_VALID)) {
		ksft_test_result_skip("hole: RAM ends where its section does\n");
		return;
	}

	good = expect_error("hard", poison_by(HARD_FILE, pfn), -ENXIO);
	good &= expect_error("soft", poison_by(SOFT_FILE, pfn), -EIO);
	good &= expect_poisoned("hole", before, 0);
	after = memmap_page(pfn);
	if (rec.flags != after.flags || rec.refcount != after.refcount) {
		ksft_print_msg("hole: pfn %#lx flags %#llx, were %#llx, refcount %d, was %d\n",
			       pfn, (unsigned long long)after.flags,
			       (unsigned long long)rec.flags, after.refcount,
			       rec.refcount);
		good = false;
	}
	ksft_test_result(good, "hole\n");
}

/* Pages of the node that has only the DIMM. */
static char *dimm_buffer(int nid)
{
	const size_t size = NR_PAGES * page_size;
	unsigned long mask[16] = {}, pfn;
	size_t i;
	char *buf;

	mask[nid / 64] = 1UL << nid % 64;
	buf = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED || syscall(SYS_mbind, buf, size, MPOL_PREFERRED, mask,
					 sizeof(mask) * 8, 0))
		ksft_exit_fail_msg("mbind: %s\n", strerror(errno));
	for (i = 0; i < size; i++)
		buf[i] = i * 31 >> 3;
	for (i = 0; i < size; i += page_size) {
		pfn = memmap_vaddr_to_pfn(buf + i);
		if (pfn < dimm.start || pfn >= dimm.end)
			ksft_exit_fail_msg("pfn %#lx is not in the DIMM\n", pfn);
	}
	return buf;
}

static bool intact(const char *buf, int page)
{
	size_t i, from = page * page_size;

	for (i = from; i < from + page_size; i++)
		if (buf[i] != (char)(i * 31 >> 3))
			return false;
	return true;
}

/* The data moves, the page stays behind and is nobody's. */
static void test_soft(const char *word, char *buf, int page, const char *file)
{
	char *addr = buf + page * page_size;
	unsigned long pfn = memmap_vaddr_to_pfn(addr);
	long long before = poisoned_pages();
	bool good;
	int err;

	if (file)
		err = poison_by(file, pfn);
	else
		err = madvise(addr, page_size, MADV_SOFT_OFFLINE) ? -errno : 0;
	good = expect_error(word, err, 0);
	good &= expect_poisoned(word, before, 1);
	good = good && intact(buf, page) && memmap_vaddr_to_pfn(addr) != pfn &&
	       is_poisoned(pfn) && memmap_page(pfn).refcount == 1;
	ksft_test_result(good, "%s\n", word);
}

/* A page of a child: the parent has one of its own. */
static void test_hard(char *buf, int page)
{
	char *addr = buf + page * page_size;
	long long before = poisoned_pages();
	bool good;

	good = hit_child(addr) && was_hit("hard", addr, 12);
	good &= expect_poisoned("hard", before, 1);
	ksft_test_result(good, "hard_mapper\n");
	ksft_test_result(intact(buf, page), "hard_others\n");
}

/* As a scrubber does it: by pfn, while the owner does something else. */
static void test_unpoison(char *buf, int page)
{
	char *addr = buf + page * page_size;
	unsigned long pfn = memmap_vaddr_to_pfn(addr);
	long long before = poisoned_pages();
	struct test_memmap_page rec;
	bool good;

	good = expect_error("inject", poison_by(INJECT_FILE, pfn), 0);
	good &= expect_poisoned("inject", before, 1);
	good = good && is_poisoned(pfn);
	munmap(addr, page_size);
	good &= expect_error("unpoison", poison_by(UNPOISON_FILE, pfn), 0);
	good &= expect_poisoned("unpoison", before, 0);
	rec = memmap_page(pfn);
	if (is_poisoned(pfn) || rec.refcount)
		ksft_print_msg("unpoison: pfn %#lx flags %#llx refcount %d\n",
			       pfn, (unsigned long long)rec.flags, rec.refcount);
	ksft_test_result(good && !is_poisoned(pfn) && !rec.refcount,
			 "unpoison\n");
}

int main(int argc, char **argv)
{
	long long before;
	char *buf;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3)
		ksft_exit_skip("needs a DIMM and its node\n");
	page_size = sysconf(_SC_PAGESIZE);
	before = poisoned_pages();
	plug(argv[1]);

	ksft_set_plan(NR_CASES);
	test_offline("new");
	if (!set_dimm_state("online_movable"))
		ksft_exit_fail_msg("the DIMM can't be onlined\n");
	buf = dimm_buffer(atoi(argv[2]));
	test_soft("soft_madvise", buf, 0, NULL);
	test_soft("soft_sysfs", buf, 2, SOFT_FILE);
	test_hard(buf, 4);
	test_unpoison(buf, 6);
	munmap(buf, NR_PAGES * page_size);

	/* Two soft, one hard. They don't keep the DIMM. */
	ksft_test_result(set_dimm_state("offline") &&
			 expect_poisoned("offline", before, 3),
			 "offline_poisoned\n");
	test_offline("offline");
	ksft_test_result(eject_dimm(argv[1]) && expect_poisoned("gone", before, 0),
			 "unplug\n");

	plug(argv[1]);
	ksft_test_result(set_dimm_state("online_movable") &&
			 !poisoned_in_dimm() &&
			 expect_poisoned("again", before, 0), "replug\n");
	test_hole();
	ksft_exit(!ksft_get_fail_cnt());
}
