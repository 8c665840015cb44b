// SPDX-License-Identifier: GPL-2.0
/*
 * Readers and walkers of all memory: /proc/kpageflags, kpagecount, kcore,
 * pagetypeinfo, zoneinfo, page_owner and compaction, with memory of every kind:
 * RAM with holes, a DIMM with one block online, device DAX in use, and a file
 * system on DAX in a section that it shares with RAM.
 *
 *	memmap_readers DIMM DEVDAX FSDAX
 *	memmap_readers nopage DIMM	whether kpageflags shows where no page is
 *
 * The host plugs DIMM on request; it has two memory blocks or more. DEVDAX and
 * FSDAX are namespaces, whose contents get lost; FSDAX is between RAM of one
 * zone. Needs page_owner=on, and trace events.
 */
#include <stdint.h>

#include "block.h"
#include "compaction.h"
#include "file.h"
#include "fs.h"
#include "kcore.h"
#include "ram.h"
#include "test.h"
#include "zone.h"

#define NR_CASES	9
#define CHUNK		4096UL	/* words or records in one read */
#define STRUCT_PAGE	64	/* bytes, at least */
#define FILE_SIZE	(4 * MB)
#define PAGE_OWNER	"/sys/kernel/debug/page_owner"

#define NO_PAGE		(1ULL << KPF_NOPAGE)

/* What a pfn is, according to /proc/iomem, sysfs and test_memmap. */
enum kind { NOTHING, RAM, OFFLINE, DEVICE, HOLE };

static unsigned long max_pfn;
static unsigned char *kinds;	/* of all pfns below max_pfn */
static unsigned long nr_kind[HOLE + 1];

static void set_kind(unsigned long pfn, unsigned long end, enum kind kind)
{
	for (; pfn < end && pfn < max_pfn; pfn++)
		kinds[pfn] = kind;
}

static void find_kinds(void)
{
	static struct test_memmap_page rec[CHUNK];
	struct range ram[MAX_RANGES];
	int nr = ram_read(ram, MAX_RANGES), i;
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
		page_read(pfn, rec, CHUNK);
		for (j = 0; j < CHUNK; j++) {
			/* DEBUG_VM fills the struct pages of what is offline. */
			if (kinds[pfn + j] != OFFLINE && rec[j].state & TEST_MEMMAP_DEVICE)
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

/* Read a file with one word per page to its end; @good checks each word. */
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

/* Whether /proc/kpageflags shows @value for a pfn without an online page. */
#ifdef PIN_V7
/* That there may be no flag at all is for test_nopage(). */
static bool is_no_page(uint64_t value)
{
	return !value || value == NO_PAGE;
}
#else
static bool is_no_page(uint64_t value)
{
	return value == NO_PAGE;
}
#endif

static bool good_flags(enum kind kind, uint64_t value)
{
	/* Small holes have struct pages, which are reserved. */
	if (kind == HOLE)
		return is_no_page(value) || value >> KPF_RESERVED & 1;
	return kind == RAM ? !(value & NO_PAGE) : is_no_page(value);
}

static bool good_ram(enum kind kind, uint64_t value)
{
	return kind != RAM || !(value & NO_PAGE);
}

static bool good_nothing(enum kind kind, uint64_t value)
{
	return kind != NOTHING || value == NO_PAGE;
}

static bool good_offline(enum kind kind, uint64_t value)
{
	return kind != OFFLINE || value == NO_PAGE;
}

static bool good_count(enum kind kind, uint64_t value)
{
	return kind == RAM ? value < 1000 : !value;
}

/* Pageblocks by zone: those whose first page is RAM. */
static void test_pagetypeinfo(void)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES), i;
	struct pageblocks blocks;
	unsigned long pfn;
	bool good = nr;
	long want, got;

	zone_read_pageblocks(&blocks);
	if (!blocks.pages)
		ksft_exit_fail_msg("pagetypeinfo: no size of pageblocks\n");
	for (i = 0; i < nr; i++) {
		want = 0;
		for (pfn = zones[i].start; pfn < zones[i].end && pfn < max_pfn;
		     pfn += blocks.pages)
			want += kinds[pfn] == RAM;
		got = zone_pageblocks(&blocks, &zones[i]);
		if (want == got)
			continue;
		ksft_print_msg("pagetypeinfo: node %d zone %s: %ld blocks, not %ld\n",
			       zones[i].nid, zones[i].name, got, want);
		good = false;
	}
	ksft_test_result(good, "pagetypeinfo\n");
}

/* Only RAM that is online is present, and only what is present is managed. */
static void test_zoneinfo(const char *word)
{
	struct zone zones[MAX_ZONES], *zone;
	int nr = zone_read_all(zones, MAX_ZONES);
	unsigned long sum = 0;
	bool good = true;

	for (zone = zones; zone < zones + nr; zone++) {
		sum += zone->present;
		if (zone->present <= zone->spanned && zone->managed <= zone->present &&
		    (strcmp(zone->name, "Device") || !zone->present))
			continue;
		ksft_print_msg("zoneinfo: %s: spanned %ld present %ld managed %ld\n",
			       zone->name, zone->spanned, zone->present, zone->managed);
		good = false;
	}
	ksft_test_result(test_is("pages present", sum, nr_kind[RAM]) && good, "%s\n", word);
}

/* Only pages of RAM have an owner. */
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

/* Segments with a physical address have RAM and nothing else. */
static void test_kcore_segments(void)
{
	unsigned long pfn, bad = 0;

	for (pfn = 0; pfn < max_pfn; pfn++) {
		/* Offline memory is in one if there is online memory above. */
		if (kinds[pfn] == OFFLINE)
			continue;
		if (kcore_has_ram(pfn) != (kinds[pfn] == RAM) && bad++ < 3)
			ksft_print_msg("kcore: pfn %#lx, kind %d\n", pfn,
				       kinds[pfn]);
	}
	ksft_test_result(!bad, "kcore_segments\n");
}

static struct test_memmap_page *read_pages(const struct pages *pages)
{
	struct test_memmap_page *rec = calloc(pages->nr, sizeof(*rec));

	if (!rec)
		ksft_exit_fail_msg("no memory\n");
	page_read(pages->pfn, rec, pages->nr);
	return rec;
}

/* Compaction moves RAM, but not device memory in the middle of RAM. */
static void test_compact(const struct pages *pages, const char *map)
{
	struct test_memmap_page *before = read_pages(pages), *after;
	const unsigned long pfn = page_pfn(map);
	unsigned long i, changed = 0;
	int err;

	err = compaction_run();
	if (err)
		ksft_print_msg("compaction: %s\n", strerror(-err));
	after = read_pages(pages);
	for (i = 0; i < pages->nr; i++)
		changed += !!memcmp(&before[i], &after[i], sizeof(*after));
	if (changed)
		ksft_print_msg("%lu of %lu struct pages of the device have changed\n",
			       changed, pages->nr);
	ksft_test_result(!err && compaction_passed(pages) && !changed &&
			 page_in(pages, pfn) && page_pfn(map) == pfn, "compact\n");
	free(before);
	free(after);
}

static void plug_half(const char *name)
{
	struct blocks dimm = dimm_plug(name);

	if (dimm.nr < 2 || !block_set_state(dimm.first, "online_movable"))
		ksft_exit_fail_msg("%s can't be onlined by half\n", name);
}

/* A memory hole is not the same as a page without flags. */
static void test_nopage(const char *dimm)
{
	plug_half(dimm);
	ksft_set_plan(3);
	find_kinds();
	if (!nr_kind[NOTHING] || !nr_kind[OFFLINE])
		ksft_exit_fail_msg("no hole, or no offline memory\n");
	test_words("nopage_ram", "/proc/kpageflags", good_ram);
	test_words("nopage_hole", "/proc/kpageflags", good_nothing);
	test_words("nopage_offline", "/proc/kpageflags", good_offline);
	ksft_exit(!ksft_get_fail_cnt());
}

int main(int argc, char **argv)
{
	struct dax dax = {}, fsdax = {};
	char *device, *file;
	int fd;

	test_begin();
	if (argc == 3 && !strcmp(argv[1], "nopage"))
		test_nopage(argv[2]);
	if (argc != 4)
		ksft_exit_skip("usage: memmap_readers DIMM NAMESPACE NAMESPACE | nopage DIMM\n");
	ns_require(argv[2]);
	ns_require(argv[3]);

	plug_half(argv[1]);
	dax_make(argv[2], "2M", &dax);
	fs_make(argv[3], "mem", false, &fsdax);
	device = dax_map(&dax, HUGE_SIZE, 0);
	fd = fs_make_file("file", FILE_SIZE);
	file = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
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
	fd = kcore_open();
	test_kcore_segments();
	/* RAM and the memory map; other segments would take too long. */
	ksft_test_result(kcore_read(fd, max_pfn * STRUCT_PAGE), "kcore_read\n");
	test_compact(&fsdax.data, file);
	test_zoneinfo("zoneinfo_after");
	ksft_exit(!ksft_get_fail_cnt());
}
