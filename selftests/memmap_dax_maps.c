// SPDX-License-Identifier: GPL-2.0
/*
 * What /proc and the NUMA system calls say about DAX mappings: they are there,
 * but they are no memory of a node that could be counted or moved. Pages of a
 * device that a huge entry maps are told apart where the kernel does so.
 *
 *	memmap_dax_maps DEVDAX FSDAX
 *
 * Two namespaces, what is in them gets lost; DEVDAX on a node of several.
 */
#define _GNU_SOURCE
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax_buffer.h"
#include "memmap_layout.h"

#define NR_CASES	(2 * 7)
#define NR_QUERIES	3
#define PM_PRESENT	(1ULL << 63)
#define PM_FILE		(1ULL << 61)
#define PM_PFN		((1ULL << 55) - 1)

static bool expect(const char *what, long got, long want)
{
	if (got != want)
		ksft_print_msg("%s: %ld, not %ld\n", what, got, want);
	return got == want;
}

/* Number @key of the mapping, in kB; -1: it is not there. */
static long smaps_number(const void *addr, const char *key)
{
	FILE *file = open_file("/proc/self/smaps");
	size_t len = strlen(key);
	unsigned long start, end;
	bool found = false;
	long number = -1;
	char line[512];

	while (number < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			found = start == (uintptr_t)addr;
		else if (found && !strncmp(line, key, len) && line[len] == ':')
			number = atol(line + len + 1);
	}
	fclose(file);
	return number;
}

/* Small entries are not counted; a huge one is, as if it were a small one. */
static void test_smaps(const struct buffer *buffer)
{
	const long kb = buffer->lsb == 12 ? 0 : 4;
	const char *const none[] = {
		"Anonymous", "AnonHugePages", "ShmemPmdMapped",
		"FilePmdMapped", "Swap", "Locked", "Shared_Dirty",
	};
	bool good;
	size_t i;

	good = expect("Size", smaps_number(buffer->addr, "Size"),
		      BUFFER_SIZE / 1024);
	good &= expect("Rss", smaps_number(buffer->addr, "Rss"), kb);
	good &= expect("Pss", smaps_number(buffer->addr, "Pss"), kb);
	good &= expect("Referenced", smaps_number(buffer->addr, "Referenced"),
		       kb);
	for (i = 0; i < ARRAY_SIZE(none); i++)
		good &= expect(none[i], smaps_number(buffer->addr, none[i]), 0);
	buffer_result(buffer, "smaps", good);
}

/* It is listed, and no node has any of it. */
static void test_numa_maps(const struct buffer *buffer)
{
	FILE *file = open_file("/proc/self/numa_maps");
	bool found = false, counted = false;
	char line[512];

	while (!found && fgets(line, sizeof(line), file)) {
		found = strtoul(line, NULL, 16) == (uintptr_t)buffer->addr;
		counted = found && strstr(line, " N");
		if (counted)
			ksft_print_msg("numa_maps: %s", line);
	}
	fclose(file);
	buffer_result(buffer, "numa_maps", found && !counted);
}

/* All there, at its place, and neither a file's page nor anonymous memory. */
static void test_present(const struct buffer *buffer)
{
	static uint64_t word[BUFFER_PAGES];
	static unsigned char core[BUFFER_PAGES];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	off_t offset = (uintptr_t)buffer->addr / 4096 * sizeof(*word);
	unsigned long i, bad = 0;

	if (fd < 0 || pread(fd, word, sizeof(word), offset) != sizeof(word) ||
	    mincore(buffer->addr, BUFFER_SIZE, core))
		ksft_exit_fail_msg("pagemap, mincore: %s\n", strerror(errno));
	close(fd);
	for (i = 0; i < BUFFER_PAGES; i++) {
		if (word[i] & PM_PRESENT && !(word[i] & PM_FILE) &&
		    (word[i] & PM_PFN) == buffer->pfn + i && core[i] & 1)
			continue;
		if (bad++ < 3)
			ksft_print_msg("present: pfn %#lx: pagemap %#llx, mincore %d\n",
				       buffer->pfn + i,
				       (unsigned long long)word[i], core[i]);
	}
	buffer_result(buffer, "present", !bad);
}

static bool move_pages_says(const struct buffer *buffer, const char *what,
			    const int *nodes, int want)
{
	void *pages[NR_QUERIES] = {
		buffer->addr, buffer->addr + 5 * 4096,
		buffer->addr + BUFFER_SIZE - 4096
	};
	int status[NR_QUERIES] = {}, i;
	bool good;

	good = !syscall(SYS_move_pages, 0, NR_QUERIES, pages, nodes, status,
			MPOL_MF_MOVE);
	for (i = 0; i < NR_QUERIES; i++)
		good &= expect(what, status[i], want);
	return good;
}

/* It has no answer to where they are, and does not move them. */
static void test_move_pages(const struct buffer *buffer, int nid, int other)
{
	const int here[NR_QUERIES] = { nid, nid, nid };
	const int there[NR_QUERIES] = { other, other, other };
	const int unknown = buffer->lsb == 12 ? -EFAULT : -EEXIST;
	bool good;

	good = move_pages_says(buffer, "query", NULL, unknown);
	buffer_result(buffer, "query", good);

	good = move_pages_says(buffer, "move here", here, -EFAULT);
	good &= move_pages_says(buffer, "move there", there, -EFAULT);
	good &= memmap_vaddr_to_pfn(buffer->addr) == buffer->pfn;
	buffer_result(buffer, "move", good);
}

static int bind_to(const struct buffer *buffer, int nid, unsigned int flags)
{
	unsigned long mask[16] = {};

	mask[nid / 64] = 1UL << nid % 64;
	return syscall(SYS_mbind, buffer->addr, BUFFER_SIZE, MPOL_BIND, mask,
		       sizeof(mask) * 8, flags) ? -errno : 0;
}

/*
 * Small pages are skipped. A huge entry is looked at: it is an error if all
 * must be in the right place, and it is not.
 */
static void test_mbind(const struct buffer *buffer, int nid, int other)
{
	const int strict = buffer->lsb == 12 ? 0 : -EIO;
	bool good;

	good = expect("mbind", bind_to(buffer, other, 0), 0);
	good &= expect("move", bind_to(buffer, other, MPOL_MF_MOVE), 0);
	good &= expect("strict", bind_to(buffer, other, MPOL_MF_STRICT),
		       strict);
	good &= expect("strict move", bind_to(buffer, other, MPOL_MF_STRICT |
					      MPOL_MF_MOVE), strict);
	good &= expect("strict here", bind_to(buffer, nid, MPOL_MF_STRICT), 0);
	good &= memmap_vaddr_to_pfn(buffer->addr) == buffer->pfn;
	buffer_result(buffer, "mbind", good);
}

/* All of the process that can be moved has been, and DAX is not missing. */
static void test_migrate(const struct buffer *buffer, int nid, int other)
{
	unsigned long from[16] = {}, to[16] = {};
	bool good;
	long left;

	from[nid / 64] = 1UL << nid % 64;
	to[other / 64] = 1UL << other % 64;
	left = syscall(SYS_migrate_pages, 0, sizeof(from) * 8, from, to);
	if (left < 0)
		ksft_print_msg("migrate_pages: %s\n", strerror(errno));
	good = left >= 0 && left < BUFFER_PAGES &&
	       memmap_vaddr_to_pfn(buffer->addr) == buffer->pfn;
	buffer_result(buffer, "migrate", good);
}

static void test_buffer(const struct buffer *buffer)
{
	int nid = memmap_page(buffer->pfn).nid, other = -1, nr, i;
	struct zone zones[MAX_ZONES];

	nr = read_zones(zones, MAX_ZONES);
	for (i = 0; i < nr; i++)
		if (zones[i].nid != nid)
			other = zones[i].nid;
	if (other < 0)
		ksft_exit_fail_msg("%s: there is only one node\n",
				   buffer->place);

	test_smaps(buffer);
	test_numa_maps(buffer);
	test_present(buffer);
	test_move_pages(buffer, nid, other);
	test_mbind(buffer, nid, other);
	test_migrate(buffer, nid, other);
	unmap_buffer(buffer);
}

int main(int argc, char **argv)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct buffer device = { .place = "dev" }, file = { .place = "file" };

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3 || run_command(NDCTL_SECONDS, ndctl))
		ksft_exit_skip("needs ndctl and two namespaces\n");

	ksft_set_plan(NR_CASES);
	map_device(&device, argv[1]);
	test_buffer(&device);
	map_file(&file, argv[2]);
	test_buffer(&file);
	ksft_exit(!ksft_get_fail_cnt());
}
