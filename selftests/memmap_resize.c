// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio-mem device that grows and shrinks while its memory is online, down
 * to zero and up again: each page is memory, or PageOffline, and never reserved.
 *
 *	memmap_resize NAME START	the id of the device, its address
 *
 * All of it must be unplugged to begin with, and no memory go online by itself.
#ifdef PIN_V7
 * The driver adds whole memory blocks, and plugs them by sub-blocks of 2 MiB.
#else
 * The driver adds whole memory blocks, and plugs them by sub-blocks of 4 MiB.
#endif
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"
#include "memmap_offline.h"

#define DRIVER		"/sys/bus/virtio/drivers/virtio_mem"
#ifdef PIN_V7
#define SUB		(2UL << 20)	/* the driver's sub-block */
#else
#define SUB		(4UL << 20)	/* the driver's sub-block */
#endif
#define ADD_SECONDS	20		/* to add or remove a memory block */
#define TRIES		5		/* pages may be busy for a moment */
#define BUF_SIZE	(16UL << 20)

static unsigned long first, pages_per_block, block_size, page_size;
static const char *name;
static long unplugged_total;	/* managed_pages() without the device */

static bool wait_for_state(unsigned long block, int state)
{
	long long end = now_ms() + ADD_SECONDS * 1000LL;

	while (block_online(block) != state) {
		if (now_ms() > end) {
			ksft_print_msg("memory%lu: state %d, not %d\n", block,
				       block_online(block), state);
			return false;
		}
		usleep(10000);
	}
	return true;
}

/* What the driver could not unplug at once it only tries again when asked. */
static bool resize(unsigned long size)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++)
		if (host_resize(name, size, 10) == size)
			return true;
	return false;
}

/*
 * The first block is usable, and of the second what the numbers leave; as
 * much counts as memory. The last change of the accounting, or of the struct
 * pages, can come after the host has been told.
 */
static bool is_memory(const char *what, unsigned long kept, unsigned long taken)
{
	const long want = 2 * pages_per_block - kept - taken;
	long long end = now_ms() + ADD_SECONDS * 1000LL;

	while (managed_pages() - unplugged_total != want && now_ms() < end)
		usleep(10000);
	if (managed_pages() - unplugged_total != want)
		ksft_print_msg("%s: %ld pages more memory, not %ld\n", what,
			       managed_pages() - unplugged_total, want);

	return managed_pages() - unplugged_total == want &&
	       is_held(what, first * pages_per_block, pages_per_block, 0, 0) &&
	       is_held(what, (first + 1) * pages_per_block, pages_per_block,
		       kept, taken);
}

static unsigned long sub_pages(unsigned long nr)
{
	return nr * SUB / page_size;
}

/*
 * Nothing of the device is left: no block, no struct page, no memory. A block's
 * directory goes first, its range in /proc/iomem last.
 */
static bool is_gone(void)
{
	const unsigned long pfn = first * pages_per_block;
	const unsigned long nr = 2 * pages_per_block;
	long long end = now_ms() + ADD_SECONDS * 1000LL;

	while (system_ram_pages(pfn, pfn + nr)) {
		if (now_ms() > end) {
			ksft_print_msg("%lu pages are still RAM\n",
				       system_ram_pages(pfn, pfn + nr));
			return false;
		}
		usleep(10000);
	}

	return wait_for_state(first, -1) && wait_for_state(first + 1, -1) &&
	       managed_pages() == unplugged_total &&
	       memmap_count(pfn, nr, TEST_MEMMAP_VALID, 0, "gone") == nr;
}

/* One block, and one sub-block of the next; both blocks online. */
static bool plug(void)
{
	const unsigned long pfn = first * pages_per_block;

	return resize(block_size + SUB) && wait_for_state(first, 0) &&
	       wait_for_state(first + 1, 0) &&
	       memmap_count(pfn, 2 * pages_per_block,
			    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE,
			    TEST_MEMMAP_VALID, "offline") ==
		       2 * pages_per_block &&
	       set_state(first, "online_movable") &&
	       set_state(first + 1, "online_movable") &&
	       is_memory("plug", pages_per_block - sub_pages(1), 0);
}

static bool is_intact(const unsigned long *words, size_t size)
{
	size_t i;

	for (i = 0; i < size / sizeof(*words); i++)
		if (words[i] != ~i)
			return false;
	return true;
}

/* Memory with a pattern; user memory comes from the movable zone first. */
static unsigned long *get_buf(void)
{
	unsigned long *words;
	size_t i;

	words = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	madvise(words, BUF_SIZE, MADV_NOHUGEPAGE);
	for (i = 0; i < BUF_SIZE / sizeof(*words); i++)
		words[i] = ~i;

	return words;
}

/*
 * Shrink to nothing while one page is pinned, by a pipe: just its sub-block
 * stays, all else of the buffer moves, and goes when the pipe is closed.
 */
static void test_pinned(void)
{
	unsigned long *buf = get_buf(), pfn = memmap_vaddr_to_pfn(buf), block;
	struct iovec iov = { .iov_base = buf, .iov_len = page_size };
	unsigned long left = 0;
	int fds[2], tries;
	bool good;

	block = pfn / pages_per_block;
	if (pipe2(fds, O_CLOEXEC) || vmsplice(fds[1], &iov, 1, 0) < 0)
		ksft_exit_fail_msg("vmsplice: %s\n", strerror(errno));
	for (tries = 0; tries < TRIES && left != SUB; tries++)
		left = host_resize(name, 0, 1);
	ksft_print_msg("pfn %#lx of memory%lu pinned: %#lx bytes left\n", pfn,
		       block, left);

	good = left == SUB && (block == first || block == first + 1) &&
	       wait_for_state(block == first ? first + 1 : first, -1) &&
	       memmap_vaddr_to_pfn(buf) == pfn &&
	       count_held(block * pages_per_block, pages_per_block).usable ==
		       sub_pages(1) &&
	       is_held("pinned", pfn - pfn % sub_pages(1), sub_pages(1), 0, 0) &&
	       is_intact(buf, BUF_SIZE);
	ksft_test_result(good, "pinned_stays\n");

	close(fds[0]);
	close(fds[1]);
	good = resize(0) && is_gone() && is_intact(buf, BUF_SIZE);
	ksft_test_result(good, "shrunk_to_nothing\n");
	munmap(buf, BUF_SIZE);
}

static int bind_driver(const char *device, const char *verb)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), DRIVER "/%s", verb);
	err = write_text(path, device);
	ksft_print_msg("%s %s: %s\n", verb, device, strerror(-err));
	return err;
}

/* The name of the one device that the driver has. */
static void find_device(char *device, size_t size)
{
	struct dirent *entry;
	DIR *dir = opendir(DRIVER);

	device[0] = '\0';
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "virtio", strlen("virtio")))
			snprintf(device, size, "%.16s", entry->d_name);
	if (!device[0])
		ksft_exit_skip("needs a virtio-mem device\n");
	closedir(dir);
}

/*
 * The driver leaves. Without memory it leaves nothing behind and can come back;
 * with memory that stays as it is, and what is not plugged is still kept from
 * everybody: such a block does not go offline. Nor can the driver come back.
 */
static void test_unbind(const char *device)
{
	unsigned long *buf;
	bool good;

	good = !bind_driver(device, "unbind") && is_gone() &&
	       !bind_driver(device, "bind") && plug();
	ksft_test_result(good, "rebound\n");

	buf = get_buf();
	good = !bind_driver(device, "unbind") &&
	       is_memory("unbound", pages_per_block - sub_pages(1), 0);
	ksft_test_result(good && is_intact(buf, BUF_SIZE), "unbound_in_use\n");

	good = !set_state(first + 1, "offline") && block_online(first + 1) == 1 &&
	       bind_driver(device, "bind") &&
	       is_memory("refused", pages_per_block - sub_pages(1), 0);
	ksft_test_result(good && is_intact(buf, BUF_SIZE), "offline_refused\n");
	munmap(buf, BUF_SIZE);
}

int main(int argc, char **argv)
{
	unsigned long kept, subs;
	char device[32];
	bool good;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_resize NAME START\n");
	find_device(device, sizeof(device));
	name = argv[1];
	page_size = sysconf(_SC_PAGESIZE);
	pages_per_block = block_pages();
	block_size = pages_per_block * page_size;
	first = strtoull(argv[2], NULL, 0) / block_size;
	subs = block_size / SUB;
	unplugged_total = managed_pages();
	if (block_online(first) >= 0 || subs < 8)
		ksft_exit_fail_msg("memory%lu is there, or blocks are small\n",
				   first);

	ksft_set_plan(10);
	ksft_test_result(plug(), "plugged\n");

	/* The second block gets half of what it has not. */
	kept = pages_per_block - sub_pages(subs / 2);
	good = resize(block_size + subs / 2 * SUB);
	ksft_test_result(good && is_memory("grown", kept, 0), "grown\n");

	/* What is taken from the page allocator is not what it never had. */
	good = resize(block_size + subs / 4 * SUB);
	ksft_test_result(good && is_memory("shrunk", kept, sub_pages(subs / 4)),
			 "shrunk\n");

	/* Until the block was offline: now it is. */
	kept = pages_per_block - sub_pages(subs / 4);
	good = set_state(first + 1, "offline") &&
	       set_state(first + 1, "online_movable");
	ksft_test_result(good && is_memory("cycled", kept, 0), "cycled\n");

	good = resize(2 * block_size);
	ksft_test_result(good && is_memory("whole", 0, 0), "whole\n");

	test_pinned();
	test_unbind(device);
	ksft_exit(!ksft_get_fail_cnt());
}
