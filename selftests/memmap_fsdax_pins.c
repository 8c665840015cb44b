// SPDX-License-Identifier: GPL-2.0
/*
 * References to pages of file system DAX: those for an unlimited time are
 * refused, truncation waits for all others, and afterwards none is left.
 *
 *	memmap_fsdax_pins mem|dev
 *
 * Wants namespace0.0, to have the memory map in RAM or on itself, and mke2fs.
 * What is in the namespace gets lost. With QEMU's edu device and an IOMMU, VFIO
 * is asked as well.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_fsdax.h"
#include "memmap_vfio.h"

#define HELD		8	/* pages in a pipe */
#define SECONDS		20	/* give up waiting after that long */
#define NR_CASES	8

static void result(const struct way *way, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", way->word, word);
}

/* Register as a fixed buffer of io_uring: 0 or -errno. */
static int register_buffer(void *addr)
{
	struct iovec iov = { addr, HELD * sysconf(_SC_PAGESIZE) };
	struct io_uring_params params = {};
	int ring, err;

	ring = syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		ksft_exit_fail_msg("io_uring_setup: %s\n", strerror(errno));
	err = syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		      &iov, 1) ? -errno : 0;
	close(ring);
	return err;
}

/* RAM may be pinned for ever. What a file system can truncate may not. */
static bool test_ring(const struct file *file)
{
	int ram = register_buffer(ram_buffer());
	int err = register_buffer(file->addr);

	return is("io_uring with RAM", ram, 0) &
	       is("io_uring with DAX", err, -EOPNOTSUPP) &
	       is_idle("io_uring", file);
}

static int map_and_unmap(const struct vfio *vfio, char *addr)
{
	struct memory mem = { .addr = addr, .size = FILE_SIZE };
	int err = map_dma(vfio, &mem);

	if (!err)
		unmap_dma(vfio, &mem);
	return err;
}

static bool test_vfio(const struct vfio *vfio, const struct file *file)
{
	int ram = map_and_unmap(vfio, ram_buffer());
	int err = map_and_unmap(vfio, file->addr);

	return is("VFIO with RAM", ram, 0) &
	       is("VFIO with DAX", err, EOPNOTSUPP) &
	       is("locked bytes left", locked(), 0) & is_idle("VFIO", file);
}

/* Does the process sleep, and can be woken up by a signal? */
static bool sleeps(pid_t pid)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_text(path, text, sizeof(text)))
		return false;
	end = strrchr(text, ')');
	return end && !strncmp(end, ") S", 3);
}

/* Poll until @pid waits for pages: it has unmapped the one at @addr before. */
static bool wait_until_blocked(pid_t pid, const char *addr)
{
	long long end = now_ms() + SECONDS * 1000LL;

	while (now_ms() < end) {
		if (waitpid(pid, NULL, WNOHANG)) {
			ksft_print_msg("truncation does not wait\n");
			return false;
		}
		if (!memmap_vaddr_to_pfn(addr) && sleeps(pid))
			return true;
		usleep(1000);
	}
	ksft_print_msg("truncation has not begun\n");
	return false;
}

static bool wait_for_exit(pid_t pid)
{
	long long end = now_ms() + SECONDS * 1000LL;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > end) {
			ksft_print_msg("truncation still waits\n");
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return false;
		}
		usleep(1000);
	}
	return status == 0;
}

/* The signal that reading at @addr leads to, or 0. */
static int signal_of_access(const char *addr)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		asm volatile("" : : "r" (*(volatile char *)addr) : "memory");
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/*
 * Half of the file is cut off while a pipe holds pages of it: that has to wait,
 * and who drops the last reference wakes it up.
 */
static void test_truncate(const struct way *way, const struct file *file)
{
	const size_t half = file->nr / 2, first = half + 3;
	const struct held pages = { first, HELD };
	char *held_addr = file->addr + first * sysconf(_SC_PAGESIZE);
	char *cut = file->addr + FILE_SIZE / 2;
	int held[2];
	bool good;
	pid_t pid;

	fill(file->addr, FILE_SIZE, 5);
	good = hold_pages(held, held_addr, HELD);
	good &= check_file("held", file, 0, file->nr, &pages, USED_MASK);
	result(way, "held", good);

	pid = fork();
	if (!pid) {
		release_held(held);	/* its own ends of the pipe */
		_exit(ftruncate(file->fd, FILE_SIZE / 2) ? errno : 0);
	}
	good = pid > 0 && wait_until_blocked(pid, held_addr);
	result(way, "waits", good && check_file("waited for", file, first, HELD,
						&pages, USED_MASK));
	release_held(held);
	result(way, "truncated", good && wait_for_exit(pid));
	result(way, "released", is_idle("released", file));
	result(way, "sigbus", is("signal before", signal_of_access(cut - 1), 0) &
	       is("signal", signal_of_access(cut), SIGBUS));
	result(way, "rest", is_filled("rest", file->addr, FILE_SIZE / 2, 5));
}

int main(int argc, char *argv[])
{
	struct vfio vfio = {};
	struct dax dax = {};
	struct file file;
	bool has_vfio;
	size_t i;

	ksft_print_header();
	if (argc != 2)
		ksft_exit_skip("usage: memmap_fsdax_pins mem|dev\n");
	require_fs();
	has_vfio = bind_edu(&vfio) && !access("/dev/vfio/vfio", F_OK);
	if (has_vfio)
		open_container(&vfio);

	ksft_set_plan(ARRAY_SIZE(ways) * NR_CASES + 2);
	make_fsdax(FS_NAMESPACE, argv[1], true, &dax);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		make_file(&dax, &ways[i], &file);
		touch_file(&file);
		result(&ways[i], "io_uring", test_ring(&file));
		if (has_vfio)
			result(&ways[i], "vfio", test_vfio(&vfio, &file));
		else
			ksft_test_result_skip("%s_vfio: needs VFIO, an IOMMU and QEMU's edu device\n",
					      ways[i].word);
		test_truncate(&ways[i], &file);
		munmap(file.addr, FILE_SIZE);
		close(file.fd);
		free(file.pfn);
	}
	ksft_test_result(!umount(FSDAX_DIR), "umount\n");
	ksft_test_result(destroy_fs(&dax), "destroy\n");
	ksft_exit(!ksft_get_fail_cnt());
}
