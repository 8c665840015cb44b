// SPDX-License-Identifier: GPL-2.0
/*
 * Files on file system DAX, mapped with small and with large page table
 * entries: read and written by every way there is, also as the buffer of I/O to
 * others. Their pages belong to the device all the time, and nobody is left
 * holding one.
 *
 *	memmap_fsdax mem|dev
 *
 * Wants namespace0.0, to have the memory map in RAM or on itself, /dev/vda, and
 * mke2fs. What is on both gets lost.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_fsdax.h"

#define DISK		"/dev/vda"
#define NR_CASES	11	/* of a way to map, contents among them */
#define NR_COMMON_CASES	5

static void result(const struct way *way, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", way->word, word);
}

static bool is_all(const char *what, ssize_t got)
{
	if (got != (ssize_t)FILE_SIZE)
		ksft_print_msg("%s: %zd: %s\n", what, got, strerror(errno));
	return got == (ssize_t)FILE_SIZE;
}

/* How much of the file does one access map? */
static bool test_mapped(const struct way *way, struct file *file)
{
	size_t page_size = sysconf(_SC_PAGESIZE), present = 0, i;
	const size_t want = way->huge ? HUGE_SIZE / page_size : 1;

	file->addr[0] = 1;
	for (i = 0; i < file->nr; i++)
		if (memmap_vaddr_to_pfn(file->addr + i * page_size))
			present++;
	if (present != want)
		ksft_print_msg("one access has mapped %zu pages, should be %zu\n",
			       present, want);
	touch_file(file);
	return present == want && is_idle("mapped", file);
}

/* What is written here is read there. */
static bool test_written(const struct file *file)
{
	char *addr = file->addr, *buf = ram_buffer();
	bool good;

	fill(addr, FILE_SIZE, 1);
	good = is_all("pread", pread(file->fd, buf, FILE_SIZE, 0)) &&
	       is_filled("read() after mapping", buf, FILE_SIZE, 1) &&
	       !msync(addr, FILE_SIZE, MS_SYNC);
	fill(buf, FILE_SIZE, 2);
	good &= is_all("pwrite", pwrite(file->fd, buf, FILE_SIZE, 0)) &&
		!fsync(file->fd) &&
		is_filled("mapping after write()", addr, FILE_SIZE, 2);

	return is_idle("written", file) && good;
}

/* The mapping as the buffer of O_DIRECT, both ways. */
static bool test_direct(const char *what, int to, const struct file *file)
{
	char *addr = file->addr, *buf = ram_buffer();
	bool good;

	fill(addr, FILE_SIZE, 3);
	good = is_all(what, pwrite(to, addr, FILE_SIZE, 0));
	memset(addr, 0, FILE_SIZE);
	good &= is_all(what, pread(to, buf, FILE_SIZE, 0)) &&
		is_filled(what, buf, FILE_SIZE, 3);

	fill(buf, FILE_SIZE, 4);
	good &= is_all(what, pwrite(to, buf, FILE_SIZE, 0)) &&
		is_all(what, pread(to, addr, FILE_SIZE, 0)) &&
		is_filled(what, addr, FILE_SIZE, 4);

	return is_idle(what, file) && good;
}

/* Writing to a private mapping copies; the file stays what it was. */
static bool test_private(const struct way *way, const struct file *file)
{
	char *addr = map_file(file->fd, way->huge, MAP_PRIVATE);
	bool good = is_filled("private", addr, FILE_SIZE, 4);

	good &= memmap_vaddr_to_pfn(addr) == file->pfn[0];
	addr[0] = 1;
	good &= memmap_vaddr_to_pfn(addr) != file->pfn[0];
	addr[0] = file->addr[0];
	good &= is_filled("copy", addr, FILE_SIZE, 4) &&
		is_filled("shared", file->addr, FILE_SIZE, 4);
	munmap(addr, FILE_SIZE);

	return is_idle("copied", file) && good;
}

static void test_way(const struct dax *dax, const struct way *way, int disk)
{
	struct file file;
	int other;

	make_file(dax, way, &file);
	result(way, "mapped", test_mapped(way, &file));
	result(way, "flag", check_file("flag", &file, 0, file.nr, NULL,
				       TEST_MEMMAP_RESERVED));
	result(way, "offline", check_file("offline", &file, 0, file.nr, NULL,
					  TEST_MEMMAP_ONLINE));
	result(way, "written", test_written(&file));
	result(way, "disk", test_direct("disk", disk, &file));
	other = open_file(way, "other", O_CREAT | O_DIRECT);
	result(way, "file", test_direct("other file", other, &file));
	close(other);
	result(way, "private", test_private(way, &file));

	/* A mapping keeps the file system, without an open file, too. */
	close(file.fd);
	errno = 0;
	result(way, "busy", umount(FSDAX_DIR) && errno == EBUSY);
	munmap(file.addr, FILE_SIZE);
	result(way, "unmapped", is_idle("unmapped", &file));
	result(way, "umount", !umount(FSDAX_DIR) && is_idle("umount", &file));
	free(file.pfn);
}

/* What was written is still there, in a mapping of the other kind. */
static bool check_contents(const struct way *way)
{
	int fd = open_file(way, "file", 0);
	char *addr = map_file(fd, !way->huge, MAP_SHARED);
	struct stat st;
	bool good;

	good = !fstat(fd, &st) && st.st_size == (off_t)FILE_SIZE &&
	       is_filled(way->word, addr, FILE_SIZE, 4);
	munmap(addr, FILE_SIZE);
	close(fd);
	return good;
}

int main(int argc, char *argv[])
{
	struct dax dax = {};
	struct pages *data = &dax.data;
	size_t i;
	int disk;

	ksft_print_header();
	if (argc != 2)
		ksft_exit_skip("usage: memmap_fsdax mem|dev\n");
	require_fs();
	disk = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		ksft_exit_skip("needs " DISK "\n");

	ksft_set_plan(ARRAY_SIZE(ways) * NR_CASES + NR_COMMON_CASES);
	make_fsdax(FS_NAMESPACE, argv[1], true, &dax);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		test_way(&dax, &ways[i], disk);
		if (!mount_fsdax(FS_NAMESPACE))
			ksft_exit_fail_msg("no file system\n");
	}
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		result(&ways[i], "contents", check_contents(&ways[i]));
	ksft_test_result(!umount(FSDAX_DIR), "umount\n");

	/* All pages, those of the file system itself among them. */
	ksft_test_result(check_pages("data", data, USED_MASK, DEVICE_PAGE,
				     dax.nid), "page\n");
	ksft_test_result(check_state("data", data, TEST_MEMMAP_RESERVED, 0),
			 "flag\n");
	ksft_test_result(check_state("data", data, TEST_MEMMAP_ONLINE, 0),
			 "offline\n");
	ksft_test_result(destroy_fs(&dax), "destroy\n");
	ksft_exit(!ksft_get_fail_cnt());
}
