// SPDX-License-Identifier: GPL-2.0
/*
 * A DIMM that is in use can't be unplugged, and nothing is lost when it is tried;
 * when it is not in use any more, it can.
 *
 *	memmap_busy NAME NODE
 *
 * The host plugs the DIMM called NAME, twice; NODE has no other memory. Wants an
 * IOMMU and QEMU's "edu" PCI device for VFIO.
 *
 * What the kernel has allocated for itself can't be moved, and the kernel says so
 * at once: pages in pipes, here, from a block of a kernel zone. Pages that only
 * somebody's pin keeps in place look movable, and are tried again and again:
 * through sysfs until a signal comes, but for the host's request nothing ends
 * that but the end of the pin.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "memmap_layout.h"
#include "memmap_vfio.h"

#define BUF_SIZE	(1 * MB)
#define PIPE_SIZE	(1 * MB)
#define TRY_SECONDS	30	/* for the kernel to have tried to move pages */

static unsigned long first_block, nr_blocks, pages_per_block, page_size;

static void set_policy(int nid)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_set_mempolicy, nid < 0 ? MPOL_DEFAULT : MPOL_BIND,
		    nid < 0 ? NULL : &mask, 8 * sizeof(mask)))
		ksft_exit_fail_msg("memory of node %d: %s\n", nid,
				   strerror(errno));
}

static bool in_dimm(unsigned long pfn)
{
	return pfn / pages_per_block - first_block < nr_blocks;
}

static unsigned long pattern(unsigned long i)
{
	return (i + 1) * 0x9e3779b97f4a7c15UL;
}

static void fill(unsigned long *words, size_t size)
{
	unsigned long i;

	for (i = 0; i < size / sizeof(*words); i++)
		words[i] = pattern(i);
}

static bool is_intact(const unsigned long *words, size_t size)
{
	unsigned long i;

	for (i = 0; i < size / sizeof(*words); i++)
		if (words[i] != pattern(i)) {
			ksft_print_msg("word %lu of %p is %#lx\n", i, words,
				       words[i]);
			return false;
		}
	return true;
}

/* All memory in the DIMM or, if @inside is false, none. */
static bool is_where(const struct memory *mem, bool inside)
{
	unsigned long wrong = 0;
	size_t i;

	for (i = 0; i < mem->nr; i++)
		wrong += in_dimm(memmap_vaddr_to_pfn(mem->addr + i * page_size)) !=
			 inside;
	if (wrong)
		ksft_print_msg("%lu of %zu pages are %s the DIMM\n", wrong,
			       mem->nr, inside ? "not in" : "in");
	return !wrong;
}

static bool is_online(void)
{
	const unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				  TEST_MEMMAP_RESERVED | TEST_MEMMAP_DEVICE;
	bool good = true;
	unsigned long i;

	for (i = first_block; i < first_block + nr_blocks; i++)
		good &= block_online(i) == 1 &&
			memmap_count(i * pages_per_block, pages_per_block, mask,
				     TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE,
				     "busy DIMM") == pages_per_block;
	return good;
}

static bool is_gone(void)
{
	unsigned long nr = nr_blocks * pages_per_block, i;
	bool good = true;

	for (i = first_block; i < first_block + nr_blocks; i++)
		good &= block_online(i) < 0;
	return good && memmap_count(first_block * pages_per_block, nr,
				    TEST_MEMMAP_VALID, 0, "gone") == nr;
}

/* How many pages of the first block somebody uses. */
static unsigned long used_pages(void)
{
	static struct test_memmap_page rec[4096];
	const unsigned long chunk = ARRAY_SIZE(rec);
	unsigned long nr = 0, done, i;

	for (done = 0; done < pages_per_block; done += chunk) {
		memmap_read(first_block * pages_per_block + done, rec, chunk);
		for (i = 0; i < chunk; i++)
			nr += rec[i].refcount > 0;
	}
	return nr;
}

/* Plug the DIMM; the first block goes to a kernel zone if @kernel says so. */
static void plug(const char *name, bool kernel)
{
	unsigned long long start, size;
	unsigned long i;
	int err = 0;

	plug_dimm(name, &start, &size);
	first_block = start / page_size / pages_per_block;
	nr_blocks = size / page_size / pages_per_block;
	for (i = 0; i < nr_blocks && !err; i++)
		err = set_block_state(first_block + i, kernel && !i ?
				      "online_kernel" : "online_movable");
	if (err || nr_blocks < 2)
		ksft_exit_fail_msg("%s: %lu blocks: %s\n", name, nr_blocks,
				   strerror(-err));
}

/*
 * Memory of the node, with something in it. It is moved there: with a policy for
 * all that this process does, its page tables would be there, too.
 */
static void get_node_memory(struct memory *mem, int nid)
{
	const struct part part = { .fd = ANONYMOUS, .size = BUF_SIZE };
	unsigned long mask = 1UL << nid;
	size_t i;

	get_memory(mem, &part, 1);
	fill((unsigned long *)mem->addr, mem->size);
	if (syscall(SYS_mbind, mem->addr, mem->size, MPOL_BIND, &mask,
		    8 * sizeof(mask), MPOL_MF_MOVE))
		ksft_exit_fail_msg("mbind: %s\n", strerror(errno));
	for (i = 0; i < mem->nr; i++)
		mem->pfn[i] = memmap_vaddr_to_pfn(mem->addr + i * page_size);
}

static void test_kernel(const char *name, int nid)
{
	static unsigned long data[PIPE_SIZE / sizeof(long)];
	unsigned long before, pages;
	struct memory mem = {};
	char request[64], answer[128] = "";
	bool good;
	int fd[2];
	int err;

	plug(name, true);
	get_node_memory(&mem, nid);
	fill(data, PIPE_SIZE);
	before = used_pages();
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) ||
	    fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE) != PIPE_SIZE)
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	set_policy(nid);
	good = write(fd[1], data, PIPE_SIZE) == PIPE_SIZE;
	set_policy(-1);
	pages = used_pages() - before;
	ksft_print_msg("the kernel uses %lu pages more\n", pages);
	good &= pages >= PIPE_SIZE / page_size && is_where(&mem, true);

	snprintf(request, sizeof(request), "unplug %s", name);
	err = host_request(request, answer, sizeof(answer));
	ksft_print_msg("%s: %s\n", request, answer);
	ksft_test_result(good && err == -EIO && strstr(answer, "_OST says"),
			 "kernel_refused\n");
	ksft_test_result(is_online(), "kernel_online\n");
	ksft_test_result(is_intact((unsigned long *)mem.addr, mem.size),
			 "kernel_memory\n");

	memset(data, 0, PIPE_SIZE);
	good = read(fd[0], data, PIPE_SIZE) == PIPE_SIZE;
	ksft_test_result(good && is_intact(data, PIPE_SIZE), "kernel_data\n");
	close(fd[0]);
	close(fd[1]);
	ksft_test_result(eject_dimm(name) && is_gone() && is_where(&mem, false) &&
			 is_intact((unsigned long *)mem.addr, mem.size),
			 "kernel_released\n");
	put_memory(&mem);
}

/*
 * Has the kernel begun to move the memory? It takes a reference to each page for
 * that, all at once; whoever only puts them on lists, to a few.
 */
static bool wait_tried(const struct memory *mem)
{
	long long end = now_ms() + TRY_SECONDS * 1000;
	size_t held = 0, i;

	while (held < mem->nr / 2 && now_ms() < end)
		for (held = 0, i = 0; i < mem->nr; i++)
			held += memmap_page(mem->pfn[i]).refcount > PIN + 1;
	if (held < mem->nr / 2)
		ksft_print_msg("no page was to be moved in %d s\n", TRY_SECONDS);
	return held >= mem->nr / 2;
}

/*
 * Where it was, as it was, and pinned as often as it was. A page that is being
 * moved is not mapped.
 */
static bool is_pinned(const struct memory *mem)
{
	unsigned long pfn;
	size_t i;

	for (i = 0; i < mem->nr; i++) {
		pfn = memmap_vaddr_to_pfn(mem->addr + i * page_size);
		if (pfn && pfn != mem->pfn[i])
			return false;
	}
	return is("pins", count_pins(mem), count_pages(mem)) &&
	       is_intact((unsigned long *)mem->addr, mem->size);
}

/* The block that the memory is in, through sysfs: goes on until a signal. */
static void test_signal(const struct memory *mem)
{
	struct sigaction action = { .sa_handler = interrupt_offlining };
	unsigned long block = mem->pfn[0] / pages_per_block;
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		sigaction(SIGALRM, &action, NULL);
		_exit(-set_block_state(block, "offline"));
	}
	if (wait_tried(mem))
		kill(pid, SIGALRM);
	else
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ksft_test_result(WIFEXITED(status) && WEXITSTATUS(status) == EINTR,
			 "pin_interrupted\n");
	ksft_test_result(is_online() && is_pinned(mem), "pin_online\n");
}

static void test_pin(const char *name, int nid, struct vfio *vfio)
{
	struct memory mem = {};
	int status = 0;
	bool good;
	pid_t pid;

	plug(name, false);
	get_node_memory(&mem, nid);
	open_container(vfio);
	good = !map_dma(vfio, &mem);
	ksft_test_result(good && is_where(&mem, true) && is_pinned(&mem), "pin\n");
	test_signal(&mem);

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(!eject_dimm(name));
	good = wait_tried(&mem);
	ksft_test_result(good && is_pinned(&mem) && !waitpid(pid, &status, WNOHANG),
			 "pin_waits\n");
	good = unmap_dma(vfio, &mem);
	waitpid(pid, &status, 0);
	ksft_test_result(good && !status && is_gone() && is_where(&mem, false) &&
			 is_intact((unsigned long *)mem.addr, mem.size),
			 "pin_released\n");
	ksft_test_result(is("locked bytes left", locked(), 0), "pin_locked\n");
	put_memory(&mem);
}

int main(int argc, char **argv)
{
	struct vfio vfio = {};
	char answer[128];

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_busy NAME NODE\n");
	if (host_request("unplug", answer, sizeof(answer)) == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
	require_vfio(&vfio);
	page_size = sysconf(_SC_PAGESIZE);
	pages_per_block = block_pages();

	ksft_set_plan(11);
	test_kernel(argv[1], atoi(argv[2]));
	test_pin(argv[1], atoi(argv[2]), &vfio);
	ksft_exit(!ksft_get_fail_cnt());
}
