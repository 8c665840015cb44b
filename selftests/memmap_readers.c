// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever reads all of memory, or walks it: /proc/kpageflags and kpagecount,
 * kcore, pagetypeinfo, zoneinfo, page_owner and compaction, while there is
 * memory of every kind: RAM with holes, a DIMM that is half online, device DAX
 * in use, and a file system on DAX in a section that it shares with RAM.
 *
 *	memmap_readers DIMM DEVDAX FSDAX
 *
 * DIMM is one that the host plugs when asked to, of two memory blocks or more;
 * the others are namespaces, what is in them gets lost. Wants page_owner=on.
 */
#include <elf.h>
#include <stdint.h>
#include <stdlib.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"
#include "memmap_dax_buffer.h"
#include "memmap_layout.h"

#define NR_CASES	9
#define CHUNK		4096UL	/* words or records in one read */
#define KCORE_CHUNK	(1UL << 20)
#define MAX_SEGMENTS	64
#define STRUCT_PAGE	64	/* bytes, or more */
#define FILE_SIZE	(4UL << 20)
#define PAGE_OWNER	"/sys/kernel/debug/page_owner"

/* What a pfn is, by what has been done here and what /proc/iomem says. */
enum kind { NOTHING, RAM, OFFLINE, DEVICE, HOLE };

static size_t page_size;
static unsigned long max_pfn;
static unsigned char *kinds;	/* of all up to max_pfn */
static unsigned long nr_kind[HOLE + 1];
static struct range dimm;

static void set_kind(unsigned long pfn, unsigned long end, enum kind kind)
{
	for (; pfn < end && pfn < max_pfn; pfn++)
		kinds[pfn] = kind;
}

static void find_kinds(void)
{
	static struct test_memmap_page rec[CHUNK];
	struct range ram[MAX_RANGES];
	int nr = read_system_ram(ram, MAX_RANGES), i;
	unsigned long pfn, block, j;

	for (i = 0; i < nr; i++)
		if (ram[i].end > max_pfn)
			max_pfn = ram[i].end;
	max_pfn = (max_pfn + CHUNK - 1) / CHUNK * CHUNK;
	kinds = calloc(max_pfn, 1);
	if (!kinds)
		ksft_exit_fail_msg("no memory\n");

	for (i = 0; i < nr; i++)
		set_kind(ram[i].start, ram[i].end, RAM);
	for (block = 0; block < max_pfn / block_pages(); block++)
		if (block_online(block) == 0)
			set_kind(block * block_pages(),
				 (block + 1) * block_pages(), OFFLINE);
	for (pfn = 0; pfn < max_pfn; pfn += CHUNK) {
		memmap_read(pfn, rec, CHUNK);
		for (j = 0; j < CHUNK; j++) {
			if (rec[j].state & TEST_MEMMAP_DEVICE)
				kinds[pfn + j] = DEVICE;
			else if (rec[j].state & TEST_MEMMAP_VALID &&
				 kinds[pfn + j] == NOTHING)
				kinds[pfn + j] = HOLE;
			nr_kind[kinds[pfn + j]]++;
		}
	}
	ksft_print_msg("pages: RAM %lu, offline %lu, device %lu, hole %lu\n",
		       nr_kind[RAM], nr_kind[OFFLINE], nr_kind[DEVICE],
		       nr_kind[HOLE]);
}

/* Read a file of one word a page to its end; @good says what is right. */
static void test_words(const char *word, const char *path,
		       bool (*good)(enum kind kind, uint64_t value))
{
	static uint64_t value[CHUNK];
	unsigned long pfn = 0, bad = 0;
	ssize_t got, i;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	while ((got = read(fd, value, sizeof(value))) > 0) {
		for (i = 0; i < got / 8; i++, pfn++) {
			enum kind kind = pfn < max_pfn ? kinds[pfn] : NOTHING;

			if (!good(kind, value[i]) && bad++ < 3)
				ksft_print_msg("%s: pfn %#lx, kind %d: %#llx\n",
					       word, pfn, kind,
					       (unsigned long long)value[i]);
		}
	}
	if (got)
		ksft_print_msg("%s: pfn %#lx: %s\n", path, pfn, strerror(errno));
	for (i = 0; pfn < max_pfn; pfn++)
		i += kinds[pfn] == RAM;
	if (i || bad)
		ksft_print_msg("%s: %lu pages are wrong, %zd of RAM are missing\n",
			       word, bad, i);
	close(fd);
	ksft_test_result(!got && !bad && !i, "%s\n", word);
}

static bool good_flags(enum kind kind, uint64_t value)
{
	const uint64_t nopage = 1ULL << KPF_NOPAGE;
#ifdef PIN_V7
	const uint64_t none = 0;	/* not even that */
#else
	const uint64_t none = nopage;
#endif

	/* Small holes have struct pages of their own, reserved ones. */
	if (kind == HOLE)
		return value == none || value >> KPF_RESERVED & 1;
	return kind == RAM ? !(value & nopage) : value == none;
}

static bool good_count(enum kind kind, uint64_t value)
{
	return kind == RAM ? value < 1000 : !value;
}

/* Pageblocks by zone: those that begin with RAM, however little it is. */
static void test_pagetypeinfo(void)
{
	unsigned long pfn, want[MAX_ZONES] = {}, got[MAX_ZONES] = {}, number;
	struct zone zones[MAX_ZONES];
	unsigned long step = 0;
	bool blocks = false, good = true;
	int nr = read_zones(zones, MAX_ZONES), i, nid, len;
	char line[512], name[16], *text;
	FILE *file = open_file("/proc/pagetypeinfo");

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pages per block: %lu", &step) == 1)
			continue;
		if (!strncmp(line, "Number of ", 10))
			blocks = !strncmp(line, "Number of blocks", 16);
		if (!blocks || sscanf(line, "Node %d, zone %15s%n", &nid, name,
				      &len) != 2)
			continue;
		for (i = 0; i < nr; i++)
			if (zones[i].nid == nid && !strcmp(zones[i].name, name))
				break;
		for (text = line + len; i < nr &&
		     sscanf(text, "%lu%n", &number, &len) == 1; text += len)
			got[i] += number;
	}
	fclose(file);
	if (!step)
		ksft_exit_fail_msg("pagetypeinfo: no size of pageblocks\n");

	/* A pageblock is what begins there, and so does the kernel count. */
	for (i = 0; i < nr; i++) {
		for (pfn = zones[i].start; pfn < zones[i].end && pfn < max_pfn;
		     pfn += step)
			want[i] += kinds[pfn] == RAM;
		if (want[i] != got[i]) {
			ksft_print_msg("pagetypeinfo: node %d zone %s: %lu blocks, not %lu\n",
				       zones[i].nid, zones[i].name, got[i],
				       want[i]);
			good = false;
		}
	}
	ksft_test_result(nr && good, "pagetypeinfo\n");
}

/* Only RAM that is online is present, and only what is present is managed. */
static void test_zoneinfo(const char *word)
{
	unsigned long spanned = 0, present = 0, managed, number, sum = 0;
	FILE *file = open_file("/proc/zoneinfo");
	char line[256], name[16] = "";
	bool good = true;
	int nid;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone %15s", &nid, name) == 2)
			continue;
		if (sscanf(line, " spanned %lu", &number) == 1) {
			spanned = number;
		} else if (sscanf(line, " present %lu", &number) == 1) {
			present = number;
			sum += present;
		} else if (sscanf(line, " managed %lu", &managed) == 1 &&
			   (present > spanned || managed > present ||
			    (!strcmp(name, "Device") && present))) {
			ksft_print_msg("zoneinfo: %s: spanned %lu present %lu managed %lu\n",
				       name, spanned, present, managed);
			good = false;
		}
	}
	fclose(file);
	if (sum != nr_kind[RAM])
		ksft_print_msg("zoneinfo: %lu pages present, not %lu\n", sum,
			       nr_kind[RAM]);
	ksft_test_result(good && sum == nr_kind[RAM], "%s\n", word);
}

/* Who owns a page is a question about RAM. */
static void test_page_owner(void)
{
	unsigned long pfn, nr = 0, bad = 0;
	FILE *file = fopen(PAGE_OWNER, "re");
	char line[512];

	if (!file) {
		ksft_test_result_skip("page_owner: needs page_owner=on\n");
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "PFN %li", (long *)&pfn) != 1)
			continue;
		nr++;
		if ((pfn >= max_pfn || kinds[pfn] != RAM) && bad++ < 3)
			ksft_print_msg("page_owner: pfn %#lx, kind %d: %s",
				       pfn, pfn < max_pfn ? kinds[pfn] : NOTHING,
				       line);
	}
	if (ferror(file) || !nr)
		ksft_print_msg("page_owner: %lu pages, then: %s\n", nr,
			       strerror(errno));
	ksft_test_result(nr && !bad && !ferror(file), "page_owner\n");
	fclose(file);
}

/* Is [@start, @end) in a segment that has a physical address? */
static bool in_segment(const Elf64_Phdr *phdr, int nr, unsigned long pfn)
{
	uint64_t addr = (uint64_t)pfn * page_size;

	for (; nr--; phdr++)
		if (phdr->p_type == PT_LOAD && phdr->p_paddr != (uint64_t)-1 &&
		    addr >= phdr->p_paddr &&
		    addr - phdr->p_paddr < phdr->p_memsz)
			return true;
	return false;
}

/*
 * Of memory, it has RAM and nothing else; all of that can be read, and so can
 * the memory map. The other segments are larger than anyone can wait for.
 */
static void test_kcore(void)
{
	static Elf64_Phdr phdr[MAX_SEGMENTS];
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC), i;
	char *buf = malloc(KCORE_CHUNK);
	unsigned long pfn, bad = 0;
	uint64_t done, size;
	Elf64_Ehdr head;
	bool good;

	if (fd < 0 || !buf || read(fd, &head, sizeof(head)) != sizeof(head) ||
	    head.e_phnum > MAX_SEGMENTS ||
	    pread(fd, phdr, head.e_phnum * sizeof(*phdr), head.e_phoff) < 0)
		ksft_exit_fail_msg("/proc/kcore: %s\n", strerror(errno));

	for (pfn = 0; pfn < max_pfn; pfn++) {
		/* Offline memory: only if its node has more behind it. */
		if (kinds[pfn] == OFFLINE)
			continue;
		good = kinds[pfn] == RAM;
		if (in_segment(phdr, head.e_phnum, pfn) != good && bad++ < 3)
			ksft_print_msg("kcore: pfn %#lx, kind %d\n", pfn,
				       kinds[pfn]);
	}
	ksft_test_result(!bad, "kcore_segments\n");

	good = true;
	for (i = 0; i < head.e_phnum; i++) {
		if (phdr[i].p_type != PT_LOAD ||
		    (phdr[i].p_paddr == (uint64_t)-1 &&
		     phdr[i].p_memsz > max_pfn * STRUCT_PAGE))
			continue;
		for (done = 0; done < phdr[i].p_memsz; done += size) {
			size = phdr[i].p_memsz - done;
			if (size > KCORE_CHUNK)
				size = KCORE_CHUNK;
			if (pread(fd, buf, size, phdr[i].p_offset + done) ==
			    (ssize_t)size)
				continue;
			ksft_print_msg("kcore: %#llx: %s\n",
				       (unsigned long long)(phdr[i].p_vaddr + done),
				       strerror(errno));
			good = false;
			break;
		}
	}
	ksft_test_result(good, "kcore_read\n");
	free(buf);
	close(fd);
}

/* It moves what is RAM, and the memory of devices stays as it is. */
static void test_compact(const struct pages *pages, const char *map)
{
	static struct test_memmap_page before[CHUNK], after[CHUNK];
	int err;

	memmap_read(pages->pfn, before, CHUNK);
	err = write_text("/proc/sys/vm/compact_memory", "1");
	memmap_read(pages->pfn, after, CHUNK);
	if (err)
		ksft_print_msg("compact_memory: %s\n", strerror(-err));
	ksft_test_result(!err && !memcmp(before, after, sizeof(before)) &&
			 memmap_vaddr_to_pfn(map) == pages->pfn, "compact\n");
}

static void plug_half(const char *name)
{
	unsigned long long start = 0, size = 0;

	plug_dimm(name, &start, &size);
	dimm.start = start / page_size;
	dimm.end = dimm.start + size / page_size;
	if (dimm.end - dimm.start < 2 * block_pages() ||
	    set_block_state(dimm.start / block_pages(), "online_movable"))
		ksft_exit_fail_msg("%s can't be onlined by half\n", name);
}

int main(int argc, char **argv)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct dax dax = {}, fsdax = {};
	char *device, *file;
	int fd;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	page_size = sysconf(_SC_PAGESIZE);
	if (argc != 4 || run_command(NDCTL_SECONDS, ndctl))
		ksft_exit_skip("needs ndctl, a DIMM and two namespaces\n");

	plug_half(argv[1]);
	make_dax(argv[2], "2M", &dax);
	make_fsdax(argv[3], "mem", false, &fsdax);
	device = mmap(NULL, HUGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      open_dax(&dax), 0);
	fd = create_fsdax_file(FILE_SIZE);
	file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (device == MAP_FAILED || file == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	memset(device, 1, HUGE_SIZE);
	memset(file, 1, FILE_SIZE);

	ksft_set_plan(NR_CASES);
	find_kinds();
	test_words("kpageflags", "/proc/kpageflags", good_flags);
	test_words("kpagecount", "/proc/kpagecount", good_count);
	test_pagetypeinfo();
	test_zoneinfo("zoneinfo");
	test_page_owner();
	test_kcore();
	test_compact(&dax.data, device);
	test_zoneinfo("zoneinfo_after");
	ksft_exit(!ksft_get_fail_cnt());
}
