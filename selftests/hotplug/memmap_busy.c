// SPDX-License-Identifier: GPL-2.0
/*
 * A DIMM in use can't be unplugged, and nothing is lost by trying; once it is
 * no longer in use, it can.
 *
 *	memmap_busy NAME NODE
 *
 * The host plugs the DIMM called NAME, twice; NODE has no other memory. Needs
 * an IOMMU and QEMU's "edu" PCI device for VFIO.
 *
 * Kernel allocations can't be moved, and offlining fails at once: here, pages
 * of pipes in a block of a kernel zone. Pinned pages look movable, and
 * offlining retries: through sysfs until a signal comes, for the host's request
 * until they are unpinned.
 */
#include <linux/mempolicy.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "block.h"
#include "host.h"
#include "vfio.h"

#define BUF_SIZE	(1 * MB)
#define PIPE_SIZE	(1 * MB)
#define TRY_SECONDS	30	/* for the kernel to try to move pages */

static struct blocks dimm;

static void set_policy(int nid)
{
	unsigned long mask = 1UL << nid;

	if (syscall(SYS_set_mempolicy, nid < 0 ? MPOL_DEFAULT : MPOL_BIND,
		    nid < 0 ? NULL : &mask, 8 * sizeof(mask)))
		ksft_exit_fail_msg("memory of node %d: %s\n", nid,
				   strerror(errno));
}

static bool is_intact(const struct vfio_memory *mem)
{
	return mem_is_filled(mem->addr, mem->size);
}

static bool is_in_dimm(const struct vfio_memory *mem)
{
	return page_count_mapped(mem->addr, mem->size, &dimm.pages) == mem->nr;
}

/* The DIMM is gone; the memory is elsewhere and unchanged. */
static bool is_released(const struct vfio_memory *mem)
{
	return block_is_gone(&dimm) && !page_count_mapped(mem->addr, mem->size, &dimm.pages) &&
	       is_intact(mem);
}

static bool is_online(void)
{
	return block_all(&dimm, 1) &&
	       page_check_state("busy DIMM", &dimm.pages, ONLINE_MASK, ONLINE_PAGE);
}

/* Pages in use in the first block. */
static unsigned long used_pages(void)
{
	const struct test_memmap_page *recs = block_read(dimm.first);
	unsigned long nr = 0, i;

	for (i = 0; i < block_pages(); i++)
		nr += recs[i].refcount > 0;
	return nr;
}

/* Plug the DIMM; with @kernel, the first block goes to a kernel zone. */
static void plug(const char *name, bool kernel)
{
	unsigned long block;
	bool good = true;

	dimm = dimm_plug(name);
	block_for_each(block, &dimm)
		good &= block_set_state(block, kernel && block == dimm.first ?
					"online_kernel" : "online_movable");
	if (!good || dimm.nr < 2)
		ksft_exit_fail_msg("%s: %lu blocks\n", name, dimm.nr);
}

/*
 * Get memory of the node, filled. It is moved there by mbind(): a policy for
 * the whole process would put its page tables there, too.
 */
static void get_node_memory(struct vfio_memory *mem, int nid)
{
	const struct vfio_part part = { .fd = VFIO_ANONYMOUS, .size = BUF_SIZE };
	int err;

	vfio_get_memory(mem, &part, 1);
	mem_fill(mem->addr, mem->size);
	err = mem_bind(mem->addr, mem->size, MPOL_BIND, nid, MPOL_MF_MOVE);
	if (err)
		ksft_exit_fail_msg("mbind: %s\n", strerror(-err));
	page_read_pfns(mem->addr, mem->pfn, mem->nr);
}

static void test_kernel(const char *name, int nid)
{
	static unsigned long data[PIPE_SIZE / sizeof(long)];
	unsigned long before, pages;
	struct vfio_memory mem = {};
	char answer[128] = "";
	bool good;
	int fd[2];
	int err;

	plug(name, true);
	get_node_memory(&mem, nid);
	mem_fill(data, PIPE_SIZE);
	before = used_pages();
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) ||
	    fcntl(fd[1], F_SETPIPE_SZ, PIPE_SIZE) != PIPE_SIZE)
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	set_policy(nid);
	good = write(fd[1], data, PIPE_SIZE) == PIPE_SIZE;
	set_policy(-1);
	pages = used_pages() - before;
	ksft_print_msg("the kernel uses %lu pages more\n", pages);
	good &= pages >= PIPE_SIZE / page_size() && is_in_dimm(&mem);

	err = host_ask("unplug", name, answer, sizeof(answer));
	ksft_test_result(good && err == -EIO && strstr(answer, "_OST says"),
			 "kernel_refused\n");
	ksft_test_result(is_online(), "kernel_online\n");
	ksft_test_result(is_intact(&mem), "kernel_memory\n");

	memset(data, 0, PIPE_SIZE);
	good = read(fd[0], data, PIPE_SIZE) == PIPE_SIZE;
	ksft_test_result(good && mem_is_filled(data, PIPE_SIZE), "kernel_data\n");
	close(fd[0]);
	close(fd[1]);
	ksft_test_result(dimm_eject(name) && is_released(&mem), "kernel_released\n");
	vfio_put_memory(&mem);
}

/*
 * Wait until the kernel tries to move the memory: it then holds all pages.
 * Putting pages on LRU lists holds only a few.
 */
static bool wait_tried(const struct vfio_memory *mem)
{
	long long end = test_ms() + TRY_SECONDS * 1000;
	size_t held = 0, i;

	while (held < mem->nr / 2 && test_ms() < end)
		for (held = 0, i = 0; i < mem->nr; i++)
			held += page_get(mem->pfn[i]).refcount > VFIO_PIN + 1;
	if (held < mem->nr / 2)
		ksft_print_msg("no page was to be moved in %d s\n", TRY_SECONDS);
	return held >= mem->nr / 2;
}

/*
 * True if in the same place, unchanged, and with all its pins. A page that is
 * being moved is not mapped.
 */
static bool is_pinned(const struct vfio_memory *mem)
{
	unsigned long pfn;
	size_t i;

	for (i = 0; i < mem->nr; i++) {
		pfn = page_pfn(mem->addr + i * page_size());
		if (pfn && pfn != mem->pfn[i])
			return false;
	}
	return test_is("pins", vfio_pins(mem), vfio_pinnable(mem)) &&
	       is_intact(mem);
}

/* Offline the memory's block through sysfs: retries until a signal. */
static void test_signal(const struct vfio_memory *mem)
{
	unsigned long block = mem->pfn[0] / block_pages();
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (!pid) {
		block_catch(SIGALRM);
		_exit(-block_write_state(block, "offline"));
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
	struct vfio_memory mem = {};
	int status = 0;
	bool good;
	pid_t pid;

	plug(name, false);
	get_node_memory(&mem, nid);
	vfio_open(vfio);
	good = !vfio_map(vfio, &mem);
	ksft_test_result(good && is_in_dimm(&mem) && is_pinned(&mem), "pin\n");
	test_signal(&mem);

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (!pid)
		_exit(!dimm_eject(name));
	good = wait_tried(&mem);
	ksft_test_result(good && is_pinned(&mem) && !waitpid(pid, &status, WNOHANG),
			 "pin_waits\n");
	good = vfio_unmap(vfio, &mem);
	good &= waitpid(pid, &status, 0) == pid;
	ksft_test_result(good && !status && is_released(&mem), "pin_released\n");
	ksft_test_result(test_is("locked bytes left", vfio_locked(), 0), "pin_locked\n");
	vfio_put_memory(&mem);
}

int main(int argc, char **argv)
{
	struct vfio vfio = {};

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_busy NAME NODE\n");
	host_require();
	vfio_require(&vfio);

	ksft_set_plan(11);
	test_kernel(argv[1], atoi(argv[2]));
	test_pin(argv[1], atoi(argv[2]), &vfio);
	ksft_exit(!ksft_get_fail_cnt());
}
