// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX as the memory of a virtual machine: the machine runs and its data
 * arrives; KVM leaves no references, and no marks in page->flags; the device
 * can be unbound while the machine exists, and running on what is left of it is
 * harmless and changes nothing there. Anonymous memory is the control.
 *
 * usage: memmap_kvm [namespace]
 *
 * Needs KVM. The data in the namespace (default: namespace0.0) is lost.
 */
#include <linux/kernel-page-flags.h>

#include "block.h"
#include "dax.h"
#include "kvm.h"
#include "ram.h"
#include "test.h"

#define SIZE		(4 * MB)
#define NR_RAM_CASES	2
#define NR_LEVEL_CASES	2
#define NR_MODE_CASES	13	/* two of them either not_dirty or flags */

static const struct mode {
	const char *word;
	const char *align;
	bool tdp_mmu;
} modes[] = {
	{ "4k", "4K", false },
	{ "4k_tdp", "4K", true },
	{ "2m", "2M", false },
	{ "2m_tdp", "2M", true },
};

/* Memory mapped by the virtual machine and by us. */
struct memory {
	uint32_t *addr;
	struct pages pages;
	__u64 *flags;		/* by remember_flags() */
	bool stays;		/* the memmap, when the device is gone */
};

static void result(const struct mode *mode, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", mode->word, word);
}

static void remember_flags(const struct memory *mem)
{
	size_t i;

	for (i = 0; i < mem->pages.nr; i++)
		mem->flags[i] = page_get(mem->pages.pfn + i).flags;
}

static bool same_flags(const struct memory *mem)
{
	unsigned long changed = 0;
	__u64 flags;
	size_t i;

	for (i = 0; i < mem->pages.nr; i++) {
		flags = page_get(mem->pages.pfn + i).flags;
		if (flags != mem->flags[i] && changed++ < 3)
			ksft_print_msg("pfn %#lx: flags %#llx, were %#llx\n",
				       mem->pages.pfn + i,
				       (unsigned long long)flags,
				       (unsigned long long)mem->flags[i]);
	}
	if (changed)
		ksft_print_msg("%lu of %lu pages have changed\n", changed,
			       mem->pages.nr);
	return !changed;
}

#ifdef PIN_V7
#define CAN_SWITCH_MMU	false
#define PG_DIRTY	(1ULL << 4)	/* in page->flags */

/* KVM marks RAM dirty when it maps it writable for the guest. */
static bool ram_is_dirty(const void *addr)
{
	return page_get(page_pfn(addr)).flags & PG_DIRTY;
}

/*
 * KVM must not mark device memory. In a large folio the first page has the
 * mark. Marks come on mapping: too early for test_same_flags().
 */
static void test_not_dirty(const struct mode *mode, const char *word,
			   const struct memory *mem, bool good)
{
	unsigned long dirty = 0;
	size_t i;

	for (i = 0; i < mem->pages.nr; i++)
		dirty += !!(page_get(mem->pages.pfn + i).flags & PG_DIRTY);
	result(mode, word, test_is("dirty pages", dirty, 0) && good);
}

static void test_same_flags(const struct mode *mode, const char *word,
			    const struct memory *mem, bool good)
{
	(void)mode;
	(void)word;
	(void)mem;
	(void)good;
}
#else
#define CAN_SWITCH_MMU	true

/* KVM marks a page when it unmaps it. */
static bool ram_is_dirty(const void *addr)
{
	(void)addr;
	return true;
}

static void test_not_dirty(const struct mode *mode, const char *word,
			   const struct memory *mem, bool good)
{
	(void)mode;
	(void)word;
	(void)mem;
	(void)good;
}

/* The flags must not change when the machine ends. */
static void test_same_flags(const struct mode *mode, const char *word,
			    const struct memory *mem, bool good)
{
	result(mode, word, good && same_flags(mem));
}
#endif

/* True if the log has every page, and reading it clears it. */
static bool check_log(struct vm *vm, const struct memory *mem)
{
	uint64_t bits[SIZE / 4096 / 64];
	struct kvm_dirty_log log = {
		.slot = KVM_SLOT_MEMORY,
		.dirty_bitmap = bits,
	};
	size_t i, round, logged[2] = {};

	for (round = 0; round < ARRAY_SIZE(logged); round++) {
		memset(bits, 0, sizeof(bits));
		if (ioctl(vm->vm, KVM_GET_DIRTY_LOG, &log)) {
			ksft_print_msg("KVM_GET_DIRTY_LOG: %s\n", strerror(errno));
			return false;
		}
		for (i = 0; i < ARRAY_SIZE(bits); i++)
			logged[round] += __builtin_popcountll(bits[i]);
	}
	if (logged[0] != mem->pages.nr || logged[1])
		ksft_print_msg("%zu of %lu pages dirty, then %zu\n", logged[0],
			       mem->pages.nr, logged[1]);
	return logged[0] == mem->pages.nr && !logged[1];
}

static bool check_level(const struct mode *mode)
{
	long long nr = kvm_large_mappings();
	bool good = strcmp(mode->align, "2M") ? nr == 0 : nr > 0;

	if (!good)
		ksft_print_msg("%lld large mappings\n", nr);
	return good;
}

/* Pages on which any of the flags in @mask is set. */
static unsigned long count_marked(const char *addr, unsigned long long mask)
{
	unsigned long nr = 0;
	size_t i;

	for (i = 0; i < SIZE; i += page_size())
		nr += (page_kpageflags(page_pfn(addr + i)) & mask) != 0;
	return nr;
}

/* Control: KVM marks RAM dirty and accessed, for the guest. */
static void test_ram(void)
{
	const unsigned long long dirty = 1ULL << KPF_DIRTY;
	const unsigned long long accessed = 1ULL << KPF_REFERENCED |
					    1ULL << KPF_ACTIVE;
	const unsigned long nr = SIZE / page_size();
	unsigned long before, after, marked;
	void *addr = mem_map(SIZE);
	struct vm vm;
	bool good;

	madvise(addr, SIZE, MADV_NOHUGEPAGE);
	kvm_put_questions(addr, nr, 0);
	before = count_marked(addr, dirty);

	good = kvm_open(&vm, addr, SIZE) && kvm_ask(&vm, addr, 1);
	ksft_test_result(good, "ram_ran\n");
	kvm_close(&vm);

	after = count_marked(addr, dirty);
	good &= ram_is_dirty(addr);
	marked = count_marked(addr, accessed);
	ksft_print_msg("RAM: of %lu pages %lu were dirty, then %lu, and %lu accessed\n",
		       nr, before, after, marked);
	/* Some may not be on the active list yet. */
	ksft_test_result(good && !before && after == nr && marked > nr / 2,
			 "ram_marked\n");
	munmap(addr, SIZE);
}

/*
 * If KVM of v5.10 passes on what the guest did to a page, it does so when it
 * unmaps the page or write-protects it. Its first look-up leaves a mark as
 * well, but that is get_user_pages()'s.
 */
static void test_vm(const struct mode *mode, const struct dax *dax,
		    const struct memory *mem)
{
	struct vm vm;
	bool good;

	good = kvm_open(&vm, mem->addr, SIZE);
	result(mode, "ran", good && kvm_ask(&vm, mem->addr, 2));
	/* Not every TDP MMU counts its large mappings. */
	if (!mode->tdp_mmu)
		result(mode, "level", good && check_level(mode));
	result(mode, "references",
	       good && page_check("mapped", &mem->pages, DEVICE_MASK,
				   DEVICE_PAGE, dax->nid));
	remember_flags(mem);
	test_not_dirty(mode, "not_dirty", mem, good);
	kvm_close(&vm);
	test_same_flags(mode, "flags", mem, good);

	/* On a running machine, as migration does. */
	good = kvm_open(&vm, mem->addr, SIZE) && kvm_ask(&vm, mem->addr, 3) &&
	       kvm_log_dirty(&vm, true);
	result(mode, "log_ran", good && kvm_ask(&vm, mem->addr, 4));
	remember_flags(mem);
	result(mode, "log_dirty", good && check_log(&vm, mem));
	result(mode, "log_again", good && kvm_ask(&vm, mem->addr, 5) &&
	       kvm_log_dirty(&vm, false) && kvm_ask(&vm, mem->addr, 6));
	kvm_close(&vm);
	test_same_flags(mode, "log_flags", mem, good);
	test_not_dirty(mode, "log_not_dirty", mem, good);
	result(mode, "released",
	       good && page_check("released", &mem->pages, DEVICE_MASK,
				   DEVICE_PAGE, dax->nid));
}

/*
 * Run on /dev/mem, where the device was: no driver owns the pages, and KVM must
 * not touch what is left of the memory map.
 */
static void test_left_behind(const struct mode *mode, const struct memory *old)
{
	struct memory mem = *old;
	long before, after;
	struct vm vm;
	bool good;

	if (access("/dev/mem", F_OK)) {
		ksft_test_result_skip("%s_left_behind: needs /dev/mem\n",
				      mode->word);
		ksft_test_result_skip("%s_left_pages: needs /dev/mem\n",
				      mode->word);
		return;
	}
	mem.addr = mem_map_file("/dev/mem", 0, mem.pages.pfn, mem.pages.nr);
	if (mem.addr == MAP_FAILED) {
		result(mode, "left_behind", false);
		result(mode, "left_pages", false);
		return;
	}

	remember_flags(&mem);
	before = page_sum_references(mem.pages.pfn, mem.pages.nr);
	good = kvm_open(&vm, mem.addr, SIZE) && kvm_ask(&vm, mem.addr, 8);
	result(mode, "left_behind", good);
	kvm_close(&vm);
	munmap(mem.addr, SIZE);
	after = page_sum_references(mem.pages.pfn, mem.pages.nr);
	result(mode, "left_pages",
	       good && page_check_state("left", &mem.pages, TEST_MEMMAP_VALID,
					mem.stays ? TEST_MEMMAP_VALID : 0) &&
	       same_flags(&mem) && test_is("references", after, before));
}

/* True if a memory block has RAM, too: then the struct pages stay. */
static bool shares_block(const struct pages *pages)
{
	const unsigned long nr = block_pages();
	unsigned long end = (pages->pfn + pages->nr + nr - 1) / nr * nr;

	return ram_pages(pages->pfn / nr * nr, end);
}

static void test_mode(const char *ns, const struct mode *mode)
{
	struct memory mem = {};
	struct dax dax = {};
	struct vm vm;
	bool good;

	if (!kvm_use_tdp_mmu(mode->tdp_mmu) && CAN_SWITCH_MMU)
		ksft_exit_fail_msg("%s: not with this MMU\n", mode->word);
	dax_make(ns, mode->align, &dax);
	mem.pages.pfn = dax.data.pfn;
	mem.pages.nr = SIZE / page_size();
	mem.stays = shares_block(&dax.all);
	mem.flags = calloc(mem.pages.nr, sizeof(*mem.flags));
	mem.addr = dax_map(&dax, SIZE, 0);
	if (!mem.flags)
		ksft_exit_fail_msg("no memory\n");
	kvm_put_questions(mem.addr, mem.pages.nr, 0);

	test_vm(mode, &dax, &mem);

	/* The machine and our own mapping are still there. */
	good = kvm_open(&vm, mem.addr, SIZE) && kvm_ask(&vm, mem.addr, 7);
	result(mode, "unbind", good && dax_bind(&dax, false));
	result(mode, "gone", good && kvm_run(&vm, true) == EFAULT);
	kvm_close(&vm);
	munmap(mem.addr, SIZE);
	test_left_behind(mode, &mem);

	/*
	 * Binding initialises the struct pages: this checks their new state,
	 * and can't find marks or references left by the machine.
	 */
	result(mode, "rebind",
	       dax_bind(&dax, true) && dax_check("bound again", &dax));
	free(mem.flags);
}

int main(int argc, char *argv[])
{
	const char *ns = kvm_begin(argc, argv);
	size_t i;

	ksft_set_plan(NR_RAM_CASES + NR_LEVEL_CASES + ARRAY_SIZE(modes) * NR_MODE_CASES);
	test_ram();
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		test_mode(ns, &modes[i]);

	ksft_exit(!ksft_get_fail_cnt());
}
