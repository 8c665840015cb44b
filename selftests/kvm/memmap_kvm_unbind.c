// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine on device memory whose device is being unbound. Unbinding
 * waits for one page, which is in a pipe; the other pages have no reference any
 * more, and can't get one. The machine's memory is mapped from /dev/mem, so
 * that KVM has to recognise the pages itself.
 *
 * usage: memmap_kvm_unbind [namespace]
 *
 * Needs KVM and /dev/mem. The data in the namespace (default: namespace0.0) is
 * lost.
 */
#include <sys/uio.h>
#include <sys/wait.h>

#include "dax.h"
#include "file.h"
#include "kvm.h"
#include "test.h"

#define NR		64	/* the machine's pages; a pipe has the first */
#define SEED		0x5eedU
#define NR_CASES	7

/* Refcounts must be @first, then @others. */
static bool check_counts(const struct pages *pages, int first, int others)
{
	unsigned long i;
	int count;

	for (i = 0; i < pages->nr; i++) {
		count = page_get(pages->pfn + i).refcount;
		if (count == (i ? others : first))
			continue;
		ksft_print_msg("pfn %#lx: refcount %d\n", pages->pfn + i, count);
		return false;
	}
	return true;
}

/* Have every page read, and its complement written. */
static bool run(const struct pages *pages, uint32_t *addr)
{
	struct vm vm;
	bool good;

	good = kvm_open(&vm, addr, pages->nr * page_size()) && kvm_ask(&vm, addr, SEED);
	kvm_close(&vm);
	return good;
}

/* Put the first page of the device into a pipe, to hold a reference. */
static void fill_pipe(int held[2], const struct dax *dax)
{
	char *page = dax_map(dax, page_size(), 0);

	*page = 1;
	if (!mem_hold(held, page, 1))
		ksft_exit_fail_msg("no page in the pipe\n");
	munmap(page, page_size());
}

/* Wait until the last page has lost the device's reference. */
static bool wait_counts(const struct pages *pages)
{
	const unsigned long last = pages->pfn + pages->nr - 1;
	long long end = test_ms() + BIND_SECONDS * 1000LL;

	while (page_get(last).refcount) {
		if (test_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

int main(int argc, char *argv[])
{
	const char *ns = kvm_begin(argc, argv);
	struct pages machine = { .nr = NR };
	struct dax dax = {};
	char *page = mem_map(page_size());
	int fd, held[2];
	pid_t pid;
	bool good;
	void *addr;

	fd = file_open_mem();

	ksft_set_plan(NR_CASES);
	dax_make(ns, "4K", &dax);
	machine.pfn = dax.data.pfn;
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    machine.pfn * page_size());
	if (addr == MAP_FAILED)
		ksft_exit_fail_msg("/dev/mem: %s\n", strerror(errno));

	fill_pipe(held, &dax);
	ksft_test_result(check_counts(&machine, 2, 1), "pipe\n");
	ksft_test_result(run(&machine, addr) && check_counts(&machine, 2, 1),
			 "bound\n");

	pid = dax_start_bind(&dax, false);
	good = wait_counts(&dax.all);
	ksft_test_result(good && check_counts(&machine, 1, 0) &&
			 waitpid(pid, NULL, WNOHANG) == 0, "unbinding\n");
	ksft_test_result(good && run(&machine, addr), "unbinding_ran\n");
	ksft_test_result(good && check_counts(&machine, 1, 0) &&
			 waitpid(pid, NULL, WNOHANG) == 0,
			 "unbinding_references\n");

	/* Drops the reference to the page. */
	good = read(held[0], page, page_size()) == (ssize_t)page_size();
	good = dax_wait_bind(&dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	munmap(addr, NR * page_size());
	ksft_test_result(good && dax_bind(&dax, true) && dax_check("bound again", &dax),
			 "rebind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
