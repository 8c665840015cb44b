// SPDX-License-Identifier: GPL-2.0
/*
 * A virtual machine on device memory whose device is being unbound. That waits
 * for one page, which a pipe has: the other pages have no reference any more,
 * and there is none to be had. The machine gets at them by /dev/mem, so that
 * KVM must find out about them by itself.
 *
 * usage: memmap_kvm_unbind [namespace]
 *
 * Wants KVM and /dev/mem. What is in the namespace (namespace0.0) gets lost.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/uio.h>

#include "memmap_dax.h"
#include "memmap_kvm.h"

#define NR		64	/* pages for the machine; the pipe has the first */
#define SEED		0x5eedU
#define NR_CASES	7

static size_t page_size;

/* Are all but the first without a reference? */
static bool check_counts(const struct pages *pages, int first, int others)
{
	unsigned long i;
	int count;

	for (i = 0; i < pages->nr; i++) {
		count = memmap_page(pages->pfn + i).refcount;
		if (count == (i ? others : first))
			continue;
		ksft_print_msg("pfn %#lx: refcount %d\n", pages->pfn + i, count);
		return false;
	}
	return true;
}

/* Have every page read, and answered by the complement. */
static bool run(const struct pages *pages, uint32_t *addr)
{
	struct vm vm;
	int err;

	vm_ask(addr, pages->nr, SEED);
	if (!vm_open(&vm, addr, pages->nr * page_size))
		return false;
	err = vm_run(&vm, true);
	vm_close(&vm);
	return vm_ran(err) && vm_answered(addr, pages->nr, SEED, NULL);
}

/* Put the first page of the device into a pipe: that is a reference. */
static void fill_pipe(int pipe_fd, const struct dax *dax)
{
	struct iovec piece = { .iov_len = page_size };
	int fd = open_dax(dax);

	piece.iov_base = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	if (piece.iov_base == MAP_FAILED)
		ksft_exit_fail_msg("mmap of dax: %s\n", strerror(errno));
	*(char *)piece.iov_base = 1;
	if (vmsplice(pipe_fd, &piece, 1, 0) != (ssize_t)page_size)
		ksft_exit_fail_msg("vmsplice: %s\n", strerror(errno));
	munmap(piece.iov_base, page_size);
	close(fd);
}

/* Wait until all pages have lost the reference of the device. */
static bool wait_counts(const struct pages *pages)
{
	const unsigned long last = pages->pfn + pages->nr - 1;
	long long end = now_ms() + BIND_SECONDS * 1000LL;

	while (memmap_page(last).refcount) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

int main(int argc, char *argv[])
{
	const char *ns = begin_vm(argc, argv);
	struct pages machine = { .nr = NR };
	struct dax dax = {};
	int fd, ends[2];
	pid_t pid;
	bool good;
	void *addr, *page;

	page_size = sysconf(_SC_PAGESIZE);
	page = malloc(page_size);
	fd = require_dev_mem();

	ksft_set_plan(NR_CASES);
	make_dax(ns, "4K", &dax);
	machine.pfn = dax.data.pfn;
	addr = mmap(NULL, NR * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    machine.pfn * page_size);
	if (addr == MAP_FAILED || !page || pipe2(ends, O_CLOEXEC))
		ksft_exit_fail_msg("/dev/mem, pipe: %s\n", strerror(errno));

	fill_pipe(ends[1], &dax);
	ksft_test_result(check_counts(&machine, 2, 1), "pipe\n");
	ksft_test_result(run(&machine, addr) && check_counts(&machine, 2, 1),
			 "bound\n");

	pid = start_bind(&dax, false);
	good = wait_counts(&dax.all);
	ksft_test_result(good && check_counts(&machine, 1, 0) &&
			 waitpid(pid, NULL, WNOHANG) == 0, "unbinding\n");
	ksft_test_result(good && run(&machine, addr), "unbinding_ran\n");
	ksft_test_result(good && check_counts(&machine, 1, 0) &&
			 waitpid(pid, NULL, WNOHANG) == 0,
			 "unbinding_references\n");

	/* The child has the pipe, too: closing it would not be enough. */
	good = read(ends[0], page, page_size) == (ssize_t)page_size;
	good = wait_bind(&dax, pid) && good;
	ksft_test_result(good, "unbind\n");
	munmap(addr, NR * page_size);
	ksft_test_result(good && bind_dax(&dax, true) &&
			 check_pages("bound again", &dax.all, DEVICE_MASK,
				     DEVICE_PAGE, dax.nid), "rebind\n");

	ksft_exit(!ksft_get_fail_cnt());
}
