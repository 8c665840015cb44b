// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory that virtio-pmem provides: its struct pages while it is
 * raw, fsdax and fsdax again after its driver has been away; that it keeps what
 * is written; and that nothing stays behind when the driver leaves.
 *
 * Wants namespace0.0 to be that of a virtio-pmem device; what is in it gets lost.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define DRIVER		"/sys/bus/virtio/drivers/virtio_pmem"
#define NS		"namespace0.0"
#define DISK		"/dev/pmem0"
#define BUF_SIZE	(3UL << 20)	/* no huge pages */
#define WAIT_SECONDS	20

static struct pages all, data;
static char device[32];
static char *buf;

static bool find_device(void)
{
	struct dirent *entry;
	DIR *dir = opendir(DRIVER);

	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "virtio", strlen("virtio")))
			snprintf(device, sizeof(device), "%.16s", entry->d_name);
	if (dir)
		closedir(dir);
	return device[0];
}

static bool bind_driver(const char *verb)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), DRIVER "/%s", verb);
	err = write_text(path, device);
	if (err)
		ksft_print_msg("%s: %s: %s\n", path, device, strerror(-err));
	return !err;
}

/* The region is probed in the background. */
static bool wait_for_disk(bool there)
{
	long long end = now_ms() + WAIT_SECONDS * 1000LL;

	while (!access(DISK, F_OK) != there) {
		if (now_ms() > end) {
			ksft_print_msg(DISK " %s there\n", there ? "not" : "still");
			return false;
		}
		usleep(10000);
	}
	return true;
}

/* Nobody uses a page, and they have been initialised. */
static bool is_device(const char *what, const struct pages *pages)
{
	return check_pages(what, pages, DEVICE_MASK, DEVICE_PAGE, 0);
}

static bool is_unreserved(const char *what, const struct pages *pages)
{
	return check_state(what, pages, DEVICE_MASK | TEST_MEMMAP_RESERVED,
			   DEVICE_PAGE);
}

/* Reports two cases. */
static void test_pages(const char *word, const struct pages *pages)
{
	ksft_test_result(is_device(word, pages), "%s\n", word);
	ksft_test_result(is_unreserved(word, pages), "%s_flag\n", word);
}

static bool is_pattern(const char *addr)
{
	size_t i;

	for (i = 0; i < BUF_SIZE; i++)
		if (addr[i] != (char)(i % 251 + 1))
			return false;
	return true;
}

/* Past the page cache; fsync() is what the host is asked for. */
static bool transfer(bool write_it)
{
	int fd = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	ssize_t done;
	size_t i;

	if (fd < 0)
		ksft_exit_fail_msg(DISK ": %s\n", strerror(errno));
	for (i = 0; i < BUF_SIZE; i++)
		buf[i] = write_it ? i % 251 + 1 : 0;
	done = write_it ? pwrite(fd, buf, BUF_SIZE, 0) :
			  pread(fd, buf, BUF_SIZE, 0);
	if (done != (ssize_t)BUF_SIZE || fsync(fd)) {
		ksft_print_msg(DISK ": %zd: %s\n", done, strerror(errno));
		done = -1;
	}
	close(fd);
	return done > 0 && is_pattern(buf);
}

#ifndef PIN_V7
/* What was written is in the pages, which each have one reference more. */
static bool is_mapped(void)
{
	struct pages pages = { data.pfn, BUF_SIZE / sysconf(_SC_PAGESIZE) };
	char *addr = map_pages(data.pfn, BUF_SIZE);
	bool good = is_pattern(addr);
	unsigned long i;

	for (i = 0; i < pages.nr; i++)
		good &= memmap_page(pages.pfn + i).refcount == 2;
	munmap(addr, BUF_SIZE);
	return good && is_device("unmapped", &pages);
}

#endif
static bool is_gone(void)
{
	return check_state("gone", &all, TEST_MEMMAP_VALID, 0) &&
	       wait_for_disk(false);
}

int main(void)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct dax fsdax = {};
	bool good;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, ndctl) || !find_device() ||
	    !read_namespace(NS, &all))
		ksft_exit_skip("needs ndctl and a virtio-pmem device\n");
	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED || !wait_for_disk(true))
		ksft_exit_fail_msg("no memory, or no " DISK "\n");

	ksft_set_plan(12);
	test_pages("raw", &all);
	/* What is left of the namespace without its info block and its memmap. */
	if (!create_fsdax(NS, "dev", "2M", &fsdax) || !wait_for_disk(true))
		ksft_exit_fail_msg("no fsdax\n");
	data = fsdax.data;
	test_pages("fsdax", &data);
	ksft_test_result(transfer(true) && transfer(false), "written\n");
#ifdef PIN_V7
	ksft_test_result_skip("mapped: only who has a reference can map a page\n");
#else
	ksft_test_result(is_mapped(), "mapped\n");
#endif

	good = bind_driver("unbind");
	ksft_test_result(good && is_gone(), "unbound\n");
	good = bind_driver("bind") && wait_for_disk(true);
	ksft_test_result(good, "rebound\n");
	test_pages("rebound_fsdax", &data);
	ksft_test_result(good && transfer(false), "kept\n");
	ksft_test_result(bind_driver("unbind") && is_gone(), "unbound_again\n");
	ksft_exit(!ksft_get_fail_cnt());
}
