// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to use memory that is hot-plugged or of a device: a memory block
 * goes online and offline, a process touches a page of device DAX for the first
 * time, and a virtual machine reads a page of RAM or of device DAX that KVM has
 * not mapped yet.
 *
 *	memmap_use_cost NAMESPACE START SIZE
 *
 * START and SIZE are of memory that is present, but offline: bytes, in any
 * base. The contents of the namespace get lost. Needs KVM, and x86.
 *
 * There is no limit on the cost: scripts/bench/ makes a table of it. There, a
 * tick is an instruction.
 */
#include "block.h"
#include "dax.h"
#include "kvm.h"
#include "test.h"

#define BLOCK_ROUNDS	24	/* test_memmap reads the pages of the first 64 blocks */
#define FAULT_ROUNDS	4	/* of faults on each page */
#define NR_4K		512	/* pages that are touched */
#define NR_2M		32
#define QUESTION	1	/* in the first page of a virtual machine */

static const char *ns;

static void print_cost(const char *word, unsigned long long ticks)
{
	ksft_print_msg("cost of %s, ticks: %llu\n", word, ticks);
}

static void keep_least(unsigned long long *least, unsigned long long ticks)
{
	if (!*least || ticks < *least)
		*least = ticks;
}

/* Set the state of all blocks; returns what one costs. */
static unsigned long long set_blocks(const struct blocks *dimm, const char *state)
{
	unsigned long long start = __builtin_ia32_rdtsc();

	block_set_all(dimm, state);
	return (__builtin_ia32_rdtsc() - start) / dimm->nr;
}

static bool all_movable(const struct blocks *dimm)
{
	unsigned long block;
	bool good = true;

	block_for_each(block, dimm)
		good &= block_is_in_zone(block, "Movable");
	return good;
}

static void test_blocks(const struct blocks *dimm)
{
	bool is_online = true, is_offline = true;
	unsigned long long online = 0, offline = 0;
	int i;

	for (i = 0; i < BLOCK_ROUNDS; i++) {
		keep_least(&online, set_blocks(dimm, "online_movable"));
		is_online &= all_movable(dimm);
		keep_least(&offline, set_blocks(dimm, "offline"));
		is_offline &= block_all_offline(dimm);
	}
	print_cost("online", online);
	ksft_test_result(is_online && online, "online\n");
	print_cost("offline", offline);
	ksft_test_result(is_offline && offline, "offline\n");
}

/* True if the first and the last page of @size bytes at @addr are those from @pfn on. */
static bool maps(const char *addr, size_t size, unsigned long pfn)
{
	const size_t last = size - page_size();

	return test_is("pfn", page_pfn(addr), pfn) &&
	       test_is("last pfn", page_pfn(addr + last), pfn + last / page_size());
}

/* Each page of @size bytes is touched once, and not mapped before. */
static void test_fault(const char *word, const struct dax *dax, size_t size, size_t nr)
{
	unsigned long long start, least = 0;
	unsigned long pfn;
	bool good = true;
	size_t i, round;
	char *addr;

	for (round = 0; round < FAULT_ROUNDS; round++) {
		addr = dax_map(dax, nr * size, 0);
		for (i = 0; i < nr; i++) {
			pfn = dax->data.pfn + i * size / page_size();
			good &= !page_pfn(addr + i * size);
			start = __builtin_ia32_rdtsc();
			__atomic_store_n(addr + i * size, 1, __ATOMIC_RELAXED);
			keep_least(&least, __builtin_ia32_rdtsc() - start);
			good &= maps(addr + i * size, size, pfn);
		}
		munmap(addr, nr * size);
	}
	print_cost(word, least);
	ksft_test_result(good && least, "%s\n", word);
}

/* Have the machine read one page; its answer must be right. */
static bool run(struct vm *vm, size_t page, unsigned long long *least)
{
	unsigned long long start = __builtin_ia32_rdtsc();
	int err = kvm_run_pages(vm, page, 1, false);

	keep_least(least, __builtin_ia32_rdtsc() - start);
	return kvm_ran(err) && test_is("answer", kvm_eax(vm), QUESTION + page);
}

/* A fault is what it costs to read a page for the first time, and not again. */
static void test_kvm(const char *word, void *addr, size_t size, size_t nr)
{
	unsigned long long first = 0, again = 0;
	const long large = size == HUGE_SIZE ? nr : 0;
	bool good = true;
	size_t page, round;
	struct vm vm;

	kvm_put_questions(addr, nr * size / page_size(), QUESTION);
	for (round = 0; round < FAULT_ROUNDS && good; round++) {
		good = kvm_open(&vm, addr, nr * size);
		for (page = 0; good && page < nr * size / page_size(); page += size / page_size())
			good = run(&vm, page, &first) && run(&vm, page, &again);
		good = good && test_is("large mappings", kvm_large_mappings(), large);
		kvm_close(&vm);
	}
	print_cost(word, first - again);
	ksft_test_result(good && first > again, "%s\n", word);
}

static void test_dax(const char *align, size_t size, size_t nr, const char *fault, const char *kvm)
{
	struct dax dax = {};
	char *addr;

	dax_make(ns, align, &dax);
	test_fault(fault, &dax, size, nr);
	addr = dax_map(&dax, nr * size, 0);
	test_kvm(kvm, addr, size, nr);
	munmap(addr, nr * size);
}

static void test_ram(void)
{
	char *addr = mem_map(NR_4K * page_size());

	madvise(addr, NR_4K * page_size(), MADV_NOHUGEPAGE);
	test_kvm("kvm_ram", addr, page_size(), NR_4K);
	munmap(addr, NR_4K * page_size());
}

int main(int argc, char *argv[])
{
	struct blocks dimm;

	ns = kvm_begin(argc, argv);
	if (argc != 4)
		ksft_exit_skip("usage: memmap_use_cost NAMESPACE START SIZE\n");
	dimm = block_parse(argv[2], argv[3]);
	if (!block_all_offline(&dimm))
		ksft_exit_fail_msg("a DIMM must be offline\n");

	ksft_set_plan(7);
	test_blocks(&dimm);
	test_ram();
	test_dax("4K", page_size(), NR_4K, "fault_4k", "kvm_4k");
	test_dax("2M", HUGE_SIZE, NR_2M, "fault_2m", "kvm_2m");
	ksft_exit(!ksft_get_fail_cnt());
}
