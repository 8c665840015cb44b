// SPDX-License-Identifier: GPL-2.0
/*
 * Device DAX and a file on ext4 with DAX as the memory of a virtual machine,
 * mapped by pages and by huge pages, with either MMU: the log of dirty pages
 * names those that the machine wrote and no others; huge mappings are split
 * for it and rebuilt afterwards; when the memory is unmapped, the machine
 * loses it as well; and the struct pages stay as they were.
 *
 * usage: memmap_kvm_dirty [namespace [seed]]
 *
 * Wants KVM and mke2fs. What is in the namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include "memmap_kvm_fsdax.h"

#define NR_HUGE		(HUGE_SIZE / PAGE)
#define NR_MODE_CASES	11
#define NR_LEVEL_CASES	4
#define NR_CASES	(4 * (2 * NR_MODE_CASES + NR_LEVEL_CASES) + 3)

static const bool nothing[NR];

/* What the machine runs on, in one way. */
struct mode {
	const char *word;
	int fd;
	bool huge;
	bool tdp_mmu;
	uint32_t *addr;		/* what is mapped for the machine, */
	uint32_t *other;	/* and the same pages for us only */
	unsigned long pfn[NR];
};

/* The machine's memory, or, at @offset SIZE, other pages of the same kind. */
static uint32_t *map_part(const struct mode *mode, void *addr, off_t offset)
{
	return map_dax(addr, mode->fd, offset, SIZE, mode->huge);
}

static void result(const struct mode *mode, const char *word, bool good)
{
	ksft_test_result(good, "%s%s_%s\n", mode->word,
			 mode->tdp_mmu ? "_tdp" : "", word);
}

/* Huge mappings that the machine has. Not every TDP MMU counts them. */
static void test_level(const struct mode *mode, const char *word, long long want)
{
	long long nr = vm_large_mappings();

	if (mode->tdp_mmu)
		return;
	if (!mode->huge)
		want = 0;
	result(mode, word, nr == want);
	if (nr != want)
		ksft_print_msg("%lld large mappings, should be %lld\n", nr, want);
}

static void ask(const struct mode *mode, uint32_t question)
{
	vm_ask(mode->other, NR, question);
}

static bool answered(const struct mode *mode, uint32_t question,
		     const bool *written)
{
	return vm_answered(mode->other, NR, question, written);
}

static bool run(struct vm *vm, const struct mode *mode, uint32_t question)
{
	ask(mode, question);
	return vm_ran(vm_run(vm, true)) && answered(mode, question, NULL);
}

/* Does the log have the pages of @written, and no others? */
static bool check_log(struct vm *vm, const bool *written)
{
	uint64_t bits[NR / 64] = {};
	struct kvm_dirty_log log = {
		.slot = VM_SLOT_MEMORY,
		.dirty_bitmap = bits,
	};
	size_t i, missing = 0, more = 0;
	bool dirty;

	if (ioctl(vm->vm, KVM_GET_DIRTY_LOG, &log)) {
		ksft_print_msg("KVM_GET_DIRTY_LOG: %s\n", strerror(errno));
		return false;
	}
	for (i = 0; i < NR; i++) {
		dirty = bits[i / 64] >> i % 64 & 1;
		missing += !dirty && written[i];
		more += dirty && !written[i];
	}
	if (missing || more)
		ksft_print_msg("log: %zu pages are missing, %zu too many\n",
			       missing, more);
	return !missing && !more;
}

static void test_log(struct vm *vm, const struct mode *mode)
{
	bool written[NR];
	bool good;

	ask(mode, 2);
	result(mode, "log_read", vm_log_dirty(vm, true) &&
	       vm_ran(vm_run(vm, false)) && check_log(vm, nothing));

	/* What is read after a split is mapped anew and counts as written. */
	good = write_some(vm, written, NR_HUGE);
	result(mode, "log_half", good && check_log(vm, written) &&
	       answered(mode, 2, written));
	test_level(mode, "split_half", 1);
	ask(mode, 3);
	good = write_some(vm, written, NR);
	result(mode, "log_all", good && check_log(vm, written) &&
	       answered(mode, 3, written));
	test_level(mode, "split", 0);
	result(mode, "log_empty", check_log(vm, nothing));

	/* All are mapped writable: no fault is left that would do the rebuilding. */
	result(mode, "log_off", run(vm, mode, 4) && vm_log_dirty(vm, false) &&
	       run(vm, mode, 10));
	test_level(mode, "rebuilt", NR / NR_HUGE);
}

/* The machine must lose what we unmap, at once, and see what we map there. */
static void test_unmap(struct vm *vm, struct mode *mode)
{
	uint32_t *old = mode->other;
	bool good;

	ask(mode, 5);
	munmap(mode->addr, SIZE);
	result(mode, "unmapped", vm_run(vm, false) == EFAULT &&
	       vm_run(vm, true) == EFAULT && answered(mode, 5, nothing));

	/* Other pages, in the place of some that the machine has in use. */
	map_part(mode, mode->addr, 0);
	good = run(vm, mode, 6);
	ask(mode, 7);
	map_part(mode, mode->addr, SIZE);
	mode->other = map_part(mode, NULL, SIZE);
	good = run(vm, mode, 8) && good;
	munmap(mode->other, SIZE);
	mode->other = old;
	result(mode, "moved", answered(mode, 7, nothing) && good);

	map_part(mode, mode->addr, 0);
	result(mode, "moved_back", run(vm, mode, 9));
}

/* Nobody has a reference but the device, and page tables. */
static bool no_users(const struct mode *mode)
{
	struct test_memmap_page page;
	size_t i;

	for (i = 0; i < NR; i++) {
		page = memmap_page(mode->pfn[i]);
		if (!memmap_users(&page))
			continue;
		ksft_print_msg("pfn %#lx: %d users\n", mode->pfn[i],
			       memmap_users(&page));
		return false;
	}
	return true;
}

static void test_mode(struct mode *mode, bool tdp_mmu)
{
	static __u64 flags[NR];
	size_t i, changed = 0;
	struct vm vm;
	bool good;

	mode->tdp_mmu = tdp_mmu;
	vm_use_tdp_mmu(tdp_mmu);
	mode->addr = map_part(mode, NULL, 0);
	mode->other = map_part(mode, NULL, 0);
	ask(mode, 0);
	for (i = 0; i < NR; i++)
		mode->pfn[i] = memmap_vaddr_to_pfn(mode->other + i * WORDS);

	good = vm_open(&vm, mode->addr, SIZE) && run(&vm, mode, 1);
	result(mode, "ran", good);
	if (!good)
		ksft_exit_fail_msg("no virtual machine\n");
	test_level(mode, "level", NR / NR_HUGE);
	test_log(&vm, mode);
	test_unmap(&vm, mode);

	result(mode, "references", no_users(mode));
	for (i = 0; i < NR; i++)
		flags[i] = memmap_page(mode->pfn[i]).flags;
	vm_close(&vm);
	for (i = 0; i < NR; i++)
		changed += memmap_page(mode->pfn[i]).flags != flags[i];
	if (changed)
		ksft_print_msg("the flags of %zu pages have changed\n", changed);
	result(mode, "flags", !changed);
	munmap(mode->addr, SIZE);
	munmap(mode->other, SIZE);
}

static void test_modes(const char *word, int fd, bool huge)
{
	static struct mode mode;

	mode.word = word;
	mode.fd = fd;
	mode.huge = huge;
	test_mode(&mode, false);
	test_mode(&mode, true);
	close(fd);
}

static void test_devdax(const char *ns, const char *word, bool huge)
{
	struct dax dax = {};

	make_dax(ns, huge ? "2M" : "4K", &dax);
	test_modes(word, open_dax(&dax), huge);
	ksft_test_result(check_pages(word, &dax.data, STATE_MASK, DEVICE_PAGE,
				     dax.nid), "%s_after\n", word);
}

int main(int argc, char *argv[])
{
	const char *ns = begin_dax_vm(argc, argv);
	struct dax dax = {};

	ksft_set_plan(NR_CASES);
	/* As they are written to, and not when the log begins. */
	write_text("/sys/module/kvm/parameters/eager_page_split", "N");
	/* What is written back is mapped anew: not at any time. */
	write_text("/proc/sys/vm/dirty_writeback_centisecs", "0");
	test_devdax(ns, "devdax_4k", false);
	test_devdax(ns, "devdax_2m", true);
	make_fsdax(ns, "mem", false, &dax);
	test_modes("fsdax_4k", make_file("4k", 2 * SIZE, false), false);
	test_modes("fsdax_2m", make_file("2m", 2 * SIZE, false), true);
	umount(FSDAX_DIR);
	ksft_test_result(check_pages("fsdax", &dax.data, STATE_MASK, DEVICE_PAGE,
				     dax.nid), "fsdax_after\n");

	ksft_exit(!ksft_get_fail_cnt());
}
