// SPDX-License-Identifier: GPL-2.0
/*
 * Files on file system DAX, mapped with small and with large page table
 * entries: read and written in every way, also as the buffer of I/O to other
 * files. Their pages always belong to the device, and nobody keeps a reference.
 *
 *	memmap_fsdax mem|dev
 *
 * Needs namespace0.0, which gets its memory map in RAM or on itself, /dev/vda,
 * and mke2fs. The data on both is lost.
 */
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs.h"
#include "test.h"

#define NS		"namespace0.0"
#define DISK		"/dev/vda"
#define FILE_SIZE	(2 * HUGE_SIZE)
#define NR_CASES	11	/* per way to map, with "contents" */
#define NR_COMMON_CASES	5

/* In a section shared with RAM base has them online: a case of its own. */
#define USED_MASK	(DEVICE_MASK & ~TEST_MEMMAP_ONLINE)

/* How files are mapped; @word is the prefix of case and file names. */
static const struct way {
	const char *word;
	bool huge;
} ways[] = { { "4k", false }, { "2m", true } };

struct file {
	int fd;
	char *addr;
	unsigned long *pfn;	/* of each page, set by touch_file() */
	size_t nr;
};

static struct dax dax;

static void result(const struct way *way, const char *word, bool good)
{
	ksft_test_result(good, "%s_%s\n", way->word, word);
}

/* Fill a file or a buffer with the pattern @number. */
static void fill(void *area, unsigned int number)
{
	uint64_t *word = area;
	size_t i;

	for (i = 0; i < FILE_SIZE / sizeof(*word); i++)
		word[i] = (uint64_t)number << 32 | i;
}

static bool is_filled(const char *what, const void *area, unsigned int number)
{
	const uint64_t *word = area;
	size_t i;

	for (i = 0; i < FILE_SIZE / sizeof(*word); i++) {
		if (word[i] == ((uint64_t)number << 32 | i))
			continue;
		ksft_print_msg("%s: word %zu of contents %u is %#llx\n", what,
			       i, number, (unsigned long long)word[i]);
		return false;
	}
	return true;
}

/* The only RAM buffer, aligned for O_DIRECT. */
static char *ram_buffer(void)
{
	static char *area;

	if (!area)
		area = mem_map(FILE_SIZE);
	return area;
}

static int open_way(const struct way *way, const char *word, int flags)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), FS_DIR "/%s_%s", way->word, word);
	fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	if (fd < 0 || (flags & O_CREAT && posix_fallocate(fd, 0, FILE_SIZE)))
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return fd;
}

/*
 * Large pages need the address aligned like the file offset. Being off by one
 * page makes all of them small.
 */
static char *map_way(int fd, bool huge, int flags)
{
	char *addr = mem_reserve(FILE_SIZE + HUGE_SIZE);

	if (!huge)
		addr += page_size();
	if (mmap(addr, FILE_SIZE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) ==
	    MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	return addr;
}

/* Make a file and map it; don't touch the mapping. */
static void make_file(const struct way *way, struct file *file)
{
	file->fd = open_way(way, "file", O_CREAT);
	file->addr = map_way(file->fd, way->huge, MAP_SHARED);
	file->nr = FILE_SIZE / page_size();
	file->pfn = calloc(file->nr, sizeof(*file->pfn));
	if (!file->pfn)
		ksft_exit_fail_msg("no memory\n");
}

/* Fault in all pages, and note their pfns. */
static void touch_file(struct file *file)
{
	size_t i;

	for (i = 0; i < file->nr; i++)
		file->addr[i * page_size()] = 1;
	page_read_pfns(file->addr, file->pfn, file->nr);
}

/*
 * True if all pages of the file are the device's, have the right @mask bits,
 * and nobody has a reference to them.
 */
static bool check_file(const char *what, const struct file *file, unsigned int mask)
{
	struct test_memmap_page rec;
	size_t bad = 0, i;

	for (i = 0; i < file->nr; i++) {
		rec = page_get(file->pfn[i]);
		if (page_in(&dax.data, file->pfn[i]) &&
		    (rec.state & mask) == (DEVICE_PAGE & mask) &&
		    !page_users(&rec) && rec.nid == dax.nid)
			continue;
		if (bad++ < 3)
			ksft_print_msg("%s: page %zu: pfn %#lx state %#x refcount %d nid %d\n",
				       what, i, file->pfn[i], rec.state, rec.refcount,
				       rec.nid);
	}
	if (bad)
		ksft_print_msg("%s: %zu of %zu pages are not as they should be\n",
			       what, bad, file->nr);
	return !bad;
}

/* True if only the device holds pages of the file, mapped or not. */
static bool is_idle(const char *what, const struct file *file)
{
	return check_file(what, file, USED_MASK);
}

static bool is_all(const char *what, ssize_t got)
{
	if (got != (ssize_t)FILE_SIZE)
		ksft_print_msg("%s: %zd: %s\n", what, got, strerror(errno));
	return got == (ssize_t)FILE_SIZE;
}

/* One access maps 2 MiB, or one page. */
static bool test_mapped(const struct way *way, struct file *file)
{
	size_t present = 0, i;
	const size_t want = way->huge ? HUGE_SIZE / page_size() : 1;

	file->addr[0] = 1;
	for (i = 0; i < file->nr; i++)
		if (page_pfn(file->addr + i * page_size()))
			present++;
	if (present != want)
		ksft_print_msg("one access has mapped %zu pages, should be %zu\n",
			       present, want);
	touch_file(file);
	return present == want && is_idle("mapped", file);
}

/* Mapping and read()/write() agree. */
static bool test_written(const struct file *file)
{
	char *addr = file->addr, *buf = ram_buffer();
	bool good;

	fill(addr, 1);
	good = is_all("pread", pread(file->fd, buf, FILE_SIZE, 0)) &&
	       is_filled("read() after mapping", buf, 1) &&
	       !msync(addr, FILE_SIZE, MS_SYNC);
	fill(buf, 2);
	good &= is_all("pwrite", pwrite(file->fd, buf, FILE_SIZE, 0)) &&
		!fsync(file->fd) &&
		is_filled("mapping after write()", addr, 2);

	return is_idle("written", file) && good;
}

/* Use the mapping as O_DIRECT buffer, both ways. */
static bool test_direct(const char *what, int to, const struct file *file)
{
	char *addr = file->addr, *buf = ram_buffer();
	bool good;

	fill(addr, 3);
	good = is_all(what, pwrite(to, addr, FILE_SIZE, 0));
	memset(addr, 0, FILE_SIZE);
	good &= is_all(what, pread(to, buf, FILE_SIZE, 0)) &&
		is_filled(what, buf, 3);

	fill(buf, 4);
	good &= is_all(what, pwrite(to, buf, FILE_SIZE, 0)) &&
		is_all(what, pread(to, addr, FILE_SIZE, 0)) &&
		is_filled(what, addr, 4);

	return is_idle(what, file) && good;
}

/* Writing to a private mapping copies; the file does not change. */
static bool test_private(const struct way *way, const struct file *file)
{
	char *addr = map_way(file->fd, way->huge, MAP_PRIVATE);
	bool good = is_filled("private", addr, 4);

	good &= page_pfn(addr) == file->pfn[0];
	addr[0] = 1;
	good &= page_pfn(addr) != file->pfn[0];
	addr[0] = file->addr[0];
	good &= is_filled("copy", addr, 4) &&
		is_filled("shared", file->addr, 4);
	munmap(addr, FILE_SIZE);

	return is_idle("copied", file) && good;
}

static void test_way(const struct way *way, int disk)
{
	struct file file;
	int other;

	make_file(way, &file);
	result(way, "mapped", test_mapped(way, &file));
	result(way, "flag", check_file("flag", &file, TEST_MEMMAP_RESERVED));
	result(way, "offline", check_file("offline", &file, TEST_MEMMAP_ONLINE));
	result(way, "written", test_written(&file));
	result(way, "disk", test_direct("disk", disk, &file));
	other = open_way(way, "other", O_CREAT | O_DIRECT);
	result(way, "file", test_direct("other file", other, &file));
	close(other);
	result(way, "private", test_private(way, &file));

	/* A mapping keeps the file system busy, even without open files. */
	close(file.fd);
	errno = 0;
	result(way, "busy", umount(FS_DIR) && errno == EBUSY);
	munmap(file.addr, FILE_SIZE);
	result(way, "unmapped", is_idle("unmapped", &file));
	result(way, "umount", !umount(FS_DIR) && is_idle("umount", &file));
	free(file.pfn);
}

/* The data is still there, in a mapping of the other kind. */
static bool check_contents(const struct way *way)
{
	int fd = open_way(way, "file", 0);
	char *addr = map_way(fd, !way->huge, MAP_SHARED);
	struct stat st;
	bool good;

	good = !fstat(fd, &st) && st.st_size == (off_t)FILE_SIZE &&
	       is_filled(way->word, addr, 4);
	munmap(addr, FILE_SIZE);
	close(fd);
	return good;
}

int main(int argc, char *argv[])
{
	const char *const mke2fs[] = { "mke2fs", "-V", NULL };
	size_t i;
	int disk;

	test_begin();
	if (argc != 2)
		ksft_exit_skip("usage: memmap_fsdax mem|dev\n");
	ns_require(NS);
	if (test_run(NS_SECONDS, mke2fs))
		ksft_exit_skip("needs mke2fs\n");
	disk = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		ksft_exit_skip("needs " DISK "\n");

	ksft_set_plan(ARRAY_SIZE(ways) * NR_CASES + NR_COMMON_CASES);
	fs_make(NS, argv[1], true, &dax);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		test_way(&ways[i], disk);
		if (!fs_mount(NS))
			ksft_exit_fail_msg("no file system\n");
	}
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		result(&ways[i], "contents", check_contents(&ways[i]));
	ksft_test_result(!umount(FS_DIR), "umount\n");

	/* All pages, also those of file system metadata. */
	ksft_test_result(page_check("data", &dax.data, USED_MASK, DEVICE_PAGE,
				    dax.nid), "page\n");
	ksft_test_result(page_check_state("data", &dax.data, TEST_MEMMAP_RESERVED, 0),
			 "flag\n");
	ksft_test_result(page_check_state("data", &dax.data, TEST_MEMMAP_ONLINE, 0),
			 "offline\n");
	/*
	 * In a section shared with RAM the struct pages stay when the namespace
	 * is destroyed, but no device owns them.
	 */
	ksft_test_result(ns_destroy(NS) &&
			 page_check_state("destroyed", &dax.data, TEST_MEMMAP_PGMAP, 0),
			 "destroy\n");
	ksft_exit(!ksft_get_fail_cnt());
}
