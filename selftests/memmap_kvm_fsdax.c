// SPDX-License-Identifier: GPL-2.0
/*
 * A file on ext4 with DAX as the memory of a virtual machine, mapped by pages
 * and by huge pages, with either MMU, while things happen to the file: holes
 * are read and filled, it is written back, gets holes, is found again after
 * another mount, and is truncated under the running machine, when others get
 * its blocks. The machine sees the file as it is, and reaches nothing else.
 *
 * usage: memmap_kvm_fsdax [namespace [seed]]
 *
 * Wants KVM, mke2fs and the tracepoint dax_writeback_one. What is in the
 * namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>

#include "memmap_kvm_fsdax.h"

#define TRACE		"/sys/kernel/tracing"
#define WRITEBACK	TRACE "/events/fs_dax/dax_writeback_one/enable"
#define RUN_SECONDS	60	/* for the machine to run, and to stop */
#define NR_MODE_CASES	10
#define NR_CASES	(ARRAY_SIZE(modes) * NR_MODE_CASES + 1)

static const struct mode {
	const char *word;
	bool huge;
	bool tdp_mmu;
} modes[] = {
	{ "4k", false, false },
	{ "4k_tdp", false, true },
	{ "2m", true, false },
	{ "2m_tdp", true, true },
};

static struct dax dax;

static void result(const struct mode *mode, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", mode->word, word);
}

/* Does the machine read what we do, and no more than zero where @hole is? */
static bool check_reading(struct vm *vm, const uint32_t *addr, const bool *hole)
{
	size_t i;

	for (i = 0; i < NR; i++) {
		if (!vm_ran(vm_run_pages(vm, i, 1, false)))
			return false;
		if (vm_eax(vm) == (hole[i] ? 0 : addr[i * WORDS]))
			continue;
		ksft_print_msg("page %zu: the machine reads %#x\n", i, vm_eax(vm));
		return false;
	}
	return true;
}

/* Has the file questions from @question on, and answers where @written is set? */
static bool check_file(int fd, uint32_t question, const bool *written)
{
	uint32_t words[WORDS], want;
	size_t i;

	for (i = 0; i < NR; i++) {
		want = question ? question + i : 0;
		if (pread(fd, words, PAGE, i * PAGE) == (ssize_t)PAGE &&
		    words[0] == want &&
		    words[VM_ANSWER_WORD] == (!written || written[i] ? ~want : 0))
			continue;
		ksft_print_msg("page %zu of the file: %#x, answer %#x\n", i,
			       words[0], words[VM_ANSWER_WORD]);
		return false;
	}
	return true;
}

/* Reading a hole gives a page of zeros, which KVM must leave as it was. */
static void test_holes(const struct mode *mode, struct vm *vm, int fd,
		       uint32_t *addr)
{
	bool all[NR], written[NR];
	unsigned long pfn, end;
	int refcount, end_refcount;
	bool good;

	asm volatile("" : : "r" (addr[0]), "r" (addr[(NR - 1) * WORDS]) : "memory");
	pfn = memmap_vaddr_to_pfn(addr);
	end = memmap_vaddr_to_pfn(addr + (NR - 1) * WORDS);
	refcount = memmap_page(pfn).refcount;
	end_refcount = memmap_page(end).refcount;
	memset(all, true, sizeof(all));
	result(mode, "hole_read", check_reading(vm, addr, all));
	ksft_print_msg("zeros: pfn %#lx, refcount %d, then %d\n", pfn, refcount,
		       memmap_page(pfn).refcount);
	result(mode, "hole_references", pfn && end &&
	       memmap_page(pfn).refcount == refcount &&
	       memmap_page(end).refcount == end_refcount);

	good = write_some(vm, written, NR);
	result(mode, "hole_written", good && check_file(fd, 0, written));
}

/* Are the pages of @written in the trace, as parts of what was written back? */
static bool check_trace(const struct mode *mode, const bool *written)
{
	unsigned long first, nr, i, missing = 0, more = 0;
	bool back[NR] = {}, want[NR] = {};
	char line[256], *text;
	FILE *trace;

	for (i = 0; i < NR; i++)
		if (written[i])
			memset(want + (mode->huge ? i & ~511UL : i), true,
			       mode->huge ? 512 : 1);
	trace = fopen(TRACE "/trace", "re");
	while (trace && fgets(line, sizeof(line), trace)) {
		text = strstr(line, "dax_writeback_one: ");
		text = text ? strstr(text, "pgoff ") : NULL;
		if (!text || sscanf(text, "pgoff %lx pglen %lx", &first, &nr) != 2)
			continue;
		for (i = first; i < first + nr && i < NR; i++)
			back[i] = true;
	}
	if (trace)
		fclose(trace);
	for (i = 0; i < NR; i++) {
		missing += want[i] && !back[i];
		more += back[i] && !want[i];
	}
	if (missing || more)
		ksft_print_msg("written back: %lu pages are missing, %lu too many\n",
			       missing, more);
	return !missing && !more;
}

/*
 * What is written back is clean, so that the file system can't know what the
 * machine writes then unless KVM asks again.
 */
static void test_writeback(const struct mode *mode, struct vm *vm, int fd,
			   uint32_t *addr)
{
	bool written[NR];
	bool good;

	vm_ask(addr, NR, 2000);
	good = vm_ran(vm_run(vm, true));
	vm_ask(addr, NR, 3000);
	good = !msync(addr, SIZE, MS_SYNC) && vm_ran(vm_run(vm, false)) && good;
	good = write_some(vm, written, NR) && good;

	close(open(TRACE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC));
	write_text(WRITEBACK, "1");
	good = !msync(addr, SIZE, MS_SYNC) && good;
	write_text(WRITEBACK, "0");
	/* follow_invalidate_pte() finds no huge mapping where pmd_huge() is 0. */
	if (mode->huge && access("/sys/kernel/mm/hugepages", F_OK))
		ksft_test_result_skip("%s_written_back: needs CONFIG_HUGETLB_PAGE\n",
				      mode->word);
	else
		result(mode, "written_back", good && check_trace(mode, written));
	result(mode, "in_file", check_file(fd, 3000, written));
}

/* A page here and there, a run of them, and one that is next to it. */
static void test_punch(const struct mode *mode, struct vm *vm, int fd,
		       uint32_t *addr)
{
	static const size_t holes[][2] = { { 0, 1 }, { 77, 1 }, { 500, 100 } };
	bool hole[NR] = {};
	bool good;
	size_t i;

	vm_ask(addr, NR, 4000);
	good = vm_ran(vm_run(vm, true));
	for (i = 0; i < ARRAY_SIZE(holes); i++) {
		memset(hole + holes[i][0], true, holes[i][1]);
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      holes[i][0] * PAGE, holes[i][1] * PAGE))
			ksft_exit_fail_msg("punch: %s\n", strerror(errno));
	}
	result(mode, "punched", good && check_reading(vm, addr, hole));
	vm_ask(addr, NR, 5000);
	result(mode, "refilled", vm_ran(vm_run(vm, true)) &&
	       check_file(fd, 5000, NULL));
}

struct runner {
	struct vm vm;
	atomic_uint rounds;
	atomic_bool stop, done;
	int err;
};

static void *run_on(void *arg)
{
	struct runner *runner = arg;

	while (!runner->err && !runner->stop) {
		runner->err = vm_run(&runner->vm, true);
		runner->rounds++;
	}
	runner->done = true;
	return NULL;
}

/* Take all that is free on the file system, and mark it. How much of @old is it? */
static size_t fill_up(uint32_t **addr, size_t *nr, const unsigned long *old)
{
	int fd = make_file("filler", 0, true);
	bool *mine = calloc(dax.data.nr, sizeof(*mine));
	size_t found = 0, i;

	for (*nr = 0; !fallocate(fd, 0, *nr * PAGE, HUGE_SIZE); )
		*nr += HUGE_SIZE / PAGE;
	if (!*nr || !mine)
		ksft_exit_fail_msg("no filler\n");
	*addr = map_dax(NULL, fd, 0, *nr * PAGE, true);
	for (i = 0; i < *nr; i++) {
		(*addr)[i * WORDS] = ~0U;
		(*addr)[i * WORDS + VM_ANSWER_WORD] = ~0U;
		mine[memmap_vaddr_to_pfn(*addr + i * WORDS) - dax.data.pfn] = true;
	}
	for (i = 0; i < NR; i++)
		found += mine[old[i] - dax.data.pfn];
	close(fd);
	free(mine);
	return found;
}

static void test_truncate(const struct mode *mode)
{
	long long end = now_ms() + RUN_SECONDS * 1000;
	int fd = make_file("truncated", SIZE, false);
	struct runner runner = {};
	unsigned long old[NR];
	uint32_t *addr, *others;
	size_t i, nr, found;
	pthread_t thread;
	bool good;

	addr = map_dax(NULL, fd, 0, SIZE, mode->huge);
	vm_ask(addr, NR, 6000);
	for (i = 0; i < NR; i++)
		old[i] = memmap_vaddr_to_pfn(addr + i * WORDS);
	if (!vm_open(&runner.vm, addr, SIZE) ||
	    pthread_create(&thread, NULL, run_on, &runner))
		ksft_exit_fail_msg("no virtual machine that runs on\n");
	while (runner.rounds < 10 && !runner.done && now_ms() < end)
		usleep(1000);

	good = !runner.done && !ftruncate(fd, 0);
	while (!runner.done && now_ms() < end)
		usleep(1000);
	runner.stop = true;
	pthread_join(thread, NULL);
	ksft_print_msg("stopped after %u rounds: %s\n", runner.rounds,
		       strerror(runner.err));
	result(mode, "truncated", good && runner.err == EFAULT);

	found = fill_up(&others, &nr, old);
	good = vm_run(&runner.vm, true) == EFAULT &&
	       vm_run(&runner.vm, false) == EFAULT;
	for (i = 0; good && i < nr; i++)
		good = others[i * WORDS] == ~0U &&
		       others[i * WORDS + VM_ANSWER_WORD] == ~0U;
	if (found != NR)
		ksft_print_msg("of %lu pages others have got %zu\n", NR, found);
	result(mode, "no_trap", good && found == NR);

	vm_close(&runner.vm);
	munmap(others, nr * PAGE);
	munmap(addr, SIZE);
	close(fd);
	unlink(FSDAX_DIR "/filler");
	unlink(FSDAX_DIR "/truncated");
}

static void test_mode(const struct mode *mode, const char *ns)
{
	uint32_t *addr;
	struct vm vm;
	bool good;
	int fd;

	vm_use_tdp_mmu(mode->tdp_mmu);
	fd = make_file("memory", SIZE, true);
	addr = map_dax(NULL, fd, 0, SIZE, mode->huge);
	if (!vm_open(&vm, addr, SIZE))
		ksft_exit_fail_msg("no virtual machine\n");
	test_holes(mode, &vm, fd, addr);
	test_writeback(mode, &vm, fd, addr);
	test_punch(mode, &vm, fd, addr);

	/* What the machine said last is part of a file like any other. */
	vm_ask(addr, NR, 7000);
	good = vm_ran(vm_run(&vm, true));
	vm_close(&vm);
	munmap(addr, SIZE);
	close(fd);
	good = !umount(FSDAX_DIR) && mount_fsdax(ns) && good;
	fd = open(FSDAX_DIR "/memory", O_RDONLY | O_CLOEXEC);
	result(mode, "mounted_again", good && check_file(fd, 7000, NULL));
	close(fd);
	unlink(FSDAX_DIR "/memory");

	test_truncate(mode);
}

int main(int argc, char *argv[])
{
	const char *ns = begin_dax_vm(argc, argv);
	size_t i;

	if (access(TRACE "/trace", F_OK))
		mount("tracefs", TRACE, "tracefs", 0, NULL);
	if (access(WRITEBACK, W_OK))
		ksft_exit_skip("needs %s\n", WRITEBACK);

	ksft_set_plan(NR_CASES);
	make_fsdax(ns, "mem", false, &dax);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		test_mode(&modes[i], ns);
	umount(FSDAX_DIR);
	ksft_test_result(check_pages("fsdax", &dax.data, STATE_MASK, DEVICE_PAGE,
				     dax.nid), "after\n");

	ksft_exit(!ksft_get_fail_cnt());
}
