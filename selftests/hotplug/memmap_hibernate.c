// SPDX-License-Identifier: GPL-2.0
/*
 * Hibernation of a machine with a DIMM and with device DAX.
 *
 *	memmap_hibernate resume DISK START SIZE
 *	memmap_hibernate late DISK START SIZE
 *	memmap_hibernate share DISK START SIZE
 *	memmap_hibernate refuse DISK START SIZE
 *
 * The DIMM is at START, numbers are bytes in any base; the data on DISK is
 * lost. The kernel must have been booted with resume=DISK and
 * hibernate=nocompress, and somebody has to switch the machine on again.
 *
 * "resume" needs the DIMM online at boot (memhp_default_state=online), and
 * namespace0.0 and namespace1.0: their memmap will be in RAM and in the device.
 * It fills memory and devices, hibernates, and after resume checks memory,
 * devices, memmap, and the image.
 *
 * "late" is the same, but the kernel that loads the image does not recognise
 * namespace1.0, as if its driver were a module that is loaded later.
 *
 * "share" is the same, but both namespaces share their sections with RAM. Such
 * a section has had its memory map in RAM since boot, and map=dev changes
 * nothing. Memory is taken from these sections then, not from the DIMM.
 *
 * "refuse" needs the DIMM offline at boot and onlines it: the kernel that is to
 * resume the image has less memory then and can't. The program is run once more
 * in that boot, which it knows by a mark at the end of DISK.
 */
#include <sys/swap.h>
#include <sys/sysinfo.h>

#include "area.h"
#include "block.h"
#include "file.h"
#include "hibernate.h"
#include "image.h"
#include "ram.h"
#include "test.h"
#include "zone.h"

#define CHUNK		256		/* pages in one read */
#define BUF_PAGES	16384UL		/* pages to write and read */
#define MIN_IN_DIMM	8192		/* of these, in the DIMM */
#define MIN_IN_SECTION	128		/* of these, in a shared section */
#define LEFT_FREE	(48 * MB)	/* bytes: see move_to_area() */

static struct area ram = { .name = "memory", .key = 1 };
static struct area pmem[] = {
	{ .name = "map=mem", .key = 2 },
	{ .name = "map=dev", .key = 3 },
};

static struct dax dax[ARRAY_SIZE(pmem)];
static struct blocks dimm;
static struct pages places[ARRAY_SIZE(pmem)];	/* where memory must be */
static size_t nr_places;
static bool shares;
static bool remade;	/* loading kernel initialises the device's memmap */
static const char *disk;

static bool fall_asleep(void)
{
	return !hibernate();
}

static bool ram_is_in_place(void)
{
	const unsigned long least = shares ? MIN_IN_SECTION : MIN_IN_DIMM;
	bool good = true;
	size_t i;

	for (i = 0; i < nr_places; i++)
		good &= page_count_mapped(ram.words, ram.nr * PAGE, &places[i]) >= least;
	return good;
}

static bool in_place(unsigned long pfn)
{
	size_t i;

	for (i = 0; i < nr_places; i++)
		if (page_in(&places[i], pfn))
			return true;
	return false;
}

/* Allocate most free memory; move what is in place into the area. */
static void move_to_area(struct area *area)
{
	unsigned long nr, i, moved = 0, *pfn;
	struct sysinfo info;
	char *all, *to;

	sysinfo(&info);
	if (info.freeram * info.mem_unit <= LEFT_FREE)
		ksft_exit_fail_msg("no memory\n");
	nr = (info.freeram * info.mem_unit - LEFT_FREE) / PAGE;
	all = mem_map(nr * PAGE);
	pfn = calloc(nr, sizeof(*pfn));
	if (!pfn || madvise(all, nr * PAGE, MADV_NOHUGEPAGE))
		ksft_exit_fail_msg("memory: %s\n", strerror(errno));
	for (i = 0; i < nr; i++)
		all[i * PAGE] = 1;
	page_read_pfns(all, pfn, nr);
	for (i = 0; i < nr && moved < area->nr; i++) {
		if (!in_place(pfn[i]))
			continue;
		to = (char *)area->words + moved++ * PAGE;
		if (mremap(all + i * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
			ksft_exit_fail_msg("mremap: %s\n", strerror(errno));
	}
	munmap(all, nr * PAGE);
	free(pfn);
}

/* Lock it: what is swapped out before the snapshot is not in the image. */
static bool fill_ram(void)
{
	ram.nr = BUF_PAGES;
	area_map_ram(&ram, !shares);
	if (shares) {
		move_to_area(&ram);
		if (mlock(ram.words, ram.nr * PAGE))
			ksft_exit_fail_msg("mlock: %s\n", strerror(errno));
	}
	area_fill(&ram);
	return ram_is_in_place();
}

static bool fill_pmem(void)
{
	return area_make("namespace0.0", "mem", &dax[0], &pmem[0]) &&
	       area_make("namespace1.0", "dev", &dax[1], &pmem[1]);
}

/* The snapshot only considers pages in zones. */
static bool is_spanned(const struct pages *pages)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES);

	while (nr--)
		if (zones[nr].start <= pages->pfn &&
		    pages->pfn + pages->nr <= zones[nr].end)
			return true;
	ksft_print_msg("pfn %#lx: no zone of RAM spans the device\n", pages->pfn);
	return false;
}

/* Each device must be in one online block with RAM: memory is put there. */
static bool pmem_shares(void)
{
	unsigned long block, ram;
	struct blocks one;
	bool good = true;

	for (nr_places = 0; nr_places < ARRAY_SIZE(dax); nr_places++) {
		block = dax[nr_places].all.pfn / block_pages();
		one = block_one(block);
		ram = ram_pages(one.pages.pfn, one.pages.pfn + one.pages.nr);
		ksft_print_msg("memory%lu: %lu of %lu pages are RAM\n", block, ram, one.pages.nr);
		good &= ram && block_all(&one, 1) && is_spanned(&dax[nr_places].all) &&
			page_in(&one.pages, dax[nr_places].all.pfn + dax[nr_places].all.nr - 1);
		places[nr_places] = one.pages;
	}
	return good;
}

/*
 * State, node and zone of the first @nr pages, a word each. Without
 * TEST_MEMMAP_OWNED: struct pages in the device are those of the loading
 * kernel, with its pgmap pointer. None of these kernels corrects that.
 */
static unsigned int *read_map(unsigned long nr)
{
	static struct test_memmap_page rec[CHUNK];
	unsigned int *map = calloc(nr, sizeof(*map));
	unsigned long pfn;

	if (!map)
		ksft_exit_fail_msg("no memory\n");
	for (pfn = 0; pfn < nr; pfn++) {
		if (pfn % CHUNK == 0)
			page_read(pfn, rec, CHUNK);
		map[pfn] = (rec[pfn % CHUNK].state & ~TEST_MEMMAP_OWNED) |
			   rec[pfn % CHUNK].zone << 8 |
			   rec[pfn % CHUNK].nid << 16;
	}
	return map;
}

static bool same_map(const unsigned int *before, const unsigned int *after, unsigned long nr)
{
	unsigned long pfn, bad = 0;

	for (pfn = 0; pfn < nr; pfn++)
		if (before[pfn] != after[pfn] && bad++ < 3)
			ksft_print_msg("pfn %#lx: %#x before, %#x after\n", pfn,
				       before[pfn], after[pfn]);
	if (bad)
		ksft_print_msg("%lu of %lu pages are not as before\n", bad, nr);
	return !bad;
}

/* Write and read the mapping. */
static bool dax_works(struct area *area)
{
	area->key += ARRAY_SIZE(pmem);
	area_fill(area);
	return area_is_filled(area);
}

static bool rebind_works(const struct dax *dax, struct area *area)
{
	area_unmap(area);
	return dax_bind(dax, false) && dax_bind(dax, true) &&
	       area_map(dax, area) && area_is_filled(area);
}

/*
 * The kernel that loads the image initialises a memmap in the device again, and
 * each struct page there has that kernel's pgmap pointer. In the resumed kernel
 * it points anywhere.
 *
 * v5.10.223 follows it when the device is unbound: memunmap_pages() drops the
 * reference of each page, and __put_page() that of page->pgmap->ref. Seen in
 * q35-hibernate: an oops in percpu_ref_put(), in the first page. If it survived
 * that, it would wait for ever for references to the right pgmap. v7 drops
 * those by count, so that the device can be bound again, with a new memmap.
 */
#ifdef PIN_V7
#define CAN_REBIND	true

/* Mapping and unmapping follow that pointer: use /dev/mem after resume. */
static bool hibernate_with_dev(void)
{
	bool good;

	if (!remade)
		return fall_asleep();
	area_unmap(&pmem[1]);
	good = fall_asleep();
	pmem[1].words = mem_map_file("/dev/mem", 0, dax[1].data.pfn, pmem[1].nr);
	return good && pmem[1].words != MAP_FAILED;
}

/* Without that pointer, references of large folios are not known. */
static bool check_dev_pages(void)
{
	if (remade)
		return page_check_state("map=dev", &dax[1].data, DEVICE_MASK, DEVICE_PAGE);
	return page_check("map=dev", &dax[1].data, DEVICE_MASK, DEVICE_PAGE, dax[1].nid);
}
#else
#define CAN_REBIND	(!remade)

static bool hibernate_with_dev(void)
{
	return fall_asleep();
}

static bool check_dev_pages(void)
{
	return page_check("map=dev", &dax[1].data, DEVICE_MASK, DEVICE_PAGE, dax[1].nid);
}
#endif

/*
 * Without its info block, the second page, namespace1.0 looks raw to the
 * loading kernel. The kernel that made the device does not read it again.
 */
static bool hibernate_late(void)
{
	unsigned long *info = mem_map_file("/dev/mem", 0, dax[1].all.pfn + 1, 1);
	static unsigned long saved[WORDS];
	bool good;

	if (info == MAP_FAILED)
		return false;
	memcpy(saved, info, PAGE);
	memset(info, 0, PAGE);
	good = hibernate_with_dev();
	memcpy(info, saved, PAGE);
	munmap(info, PAGE);
	return good;
}

static void test_resumed(bool good, const unsigned int *before, unsigned long nr)
{
	struct area *const areas[] = { &ram, &pmem[0], &pmem[1] };

	ksft_test_result(good && area_is_filled(&ram) && ram_is_in_place(), "memory\n");
	ksft_test_result(good && same_map(before, read_map(nr), nr), "memory_map\n");
	ksft_test_result(good && dax_check("map=mem", &dax[0]), "mem_pages\n");
	ksft_test_result(good && check_dev_pages(), "dev_pages\n");
	image_search(areas, ARRAY_SIZE(areas));
	ksft_test_result(good && image_has(&ram) == ram.nr, "image_has_memory\n");
	ksft_test_result(good && image_has(&pmem[0]) + image_has(&pmem[1]) == 0,
			 "image_has_no_pmem\n");
	ksft_test_result(good && area_is_filled(&pmem[0]) && area_is_filled(&pmem[1]),
			 "pmem\n");
	ksft_test_result(good && dax_works(&pmem[0]), "mem_works\n");
	ksft_test_result(good && dax_works(&pmem[1]), "dev_works\n");
	ksft_test_result(good && rebind_works(&dax[0], &pmem[0]), "mem_rebind\n");
	if (CAN_REBIND)
		ksft_test_result(good && rebind_works(&dax[1], &pmem[1]), "dev_rebind\n");
}

static void test_resume(bool late)
{
	unsigned long nr = dimm.pages.pfn + dimm.pages.nr;
	unsigned int *before;
	bool good;

	if (hibernate_is_second_boot()) {
		ksft_set_plan(1);
		ksft_print_msg("the image was not resumed\n");
		ksft_test_result(false, "resumed\n");
		return;
	}
	ksft_set_plan(13 + shares + CAN_REBIND);
	ksft_test_result(fill_pmem(), "fill_pmem\n");
	if (shares)
		ksft_test_result(pmem_shares(), "shared\n");
	ksft_test_result(fill_ram(), "fill_memory\n");
	if (nr < dax[1].all.pfn + dax[1].all.nr)
		nr = dax[1].all.pfn + dax[1].all.nr;
	before = read_map(nr);
	good = hibernate_prepare() && (late ? hibernate_late() : hibernate_with_dev());
	ksft_test_result(good, "resumed\n");
	test_resumed(good, before, nr);
}

static bool kernel_said(const char *what)
{
	unsigned int nr = file_count_log(what);

	if (!nr)
		ksft_print_msg("the kernel did not say: %s\n", what);
	return nr;
}

static void test_refuse(void)
{
	if (!hibernate_is_second_boot()) {
		ksft_set_plan(3);
		ksft_test_result(block_all(&dimm, 0) && block_set_all(&dimm, "online") &&
				 block_all(&dimm, 1), "onlined\n");
		ksft_test_result(hibernate_prepare() && fill_ram(), "prepared\n");
		/* The next boot continues, unless this one goes on. */
		ksft_print_msg("%s\n", fall_asleep() ? "the image was resumed" :
			       "still here");
		ksft_test_result(false, "hibernated\n");
		return;
	}

	ksft_set_plan(5);
	ksft_test_result(block_all(&dimm, 0), "second_boot\n");
	ksft_test_result(kernel_said("hibernation: Image mismatch: memory size") &&
			 kernel_said("hibernation: Failed to load image, recovering.") &&
			 kernel_said("hibernation: resume failed (-1)"), "refused\n");
	/*
	 * The kernel restores this before it checks the image: no second try.
	 */
	ksft_test_result(!memcmp(hibernate_read_page(0) + PAGE - 10, "SWAPSPACE2", 10),
			 "signature\n");
	ksft_test_result(!swapon(disk, 0) && !swapoff(disk), "swapon\n");
	ksft_test_result(block_set_all(&dimm, "online") && block_all(&dimm, 1) &&
			 fill_ram() && area_is_filled(&ram), "memory\n");
}

int main(int argc, char **argv)
{
	static const char *const modes[] = { "resume", "late", "share", "refuse" };
	size_t mode = 0;

	test_begin();
	while (mode < ARRAY_SIZE(modes) && argc == 5 && strcmp(argv[1], modes[mode]))
		mode++;
	if (argc != 5 || mode == ARRAY_SIZE(modes))
		ksft_exit_skip("usage: memmap_hibernate resume|late|share|refuse DISK START SIZE\n");
	disk = argv[2];
	hibernate_use(disk);
	dimm = block_parse(argv[3], argv[4]);

	places[nr_places++] = dimm.pages;
	remade = mode == 0;
	shares = mode == 2;
	if (mode < 3)
		test_resume(mode == 1);
	else
		test_refuse();
	ksft_exit(!ksft_get_fail_cnt());
}
