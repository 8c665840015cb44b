// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory and System RAM in one memory section: the RAM is online,
 * the persistent memory is not, and pfn_to_online_page() must tell them apart.
 *
 * Needs two namespaces that share sections with RAM, made for example with
 * memmap=32M!0x142000000 memmap=144M!0x171000000. Their data is lost.
 */
#include <stdio.h>

#include "block.h"
#include "dax.h"
#include "mem.h"
#include "ram.h"
#include "test.h"

#define NR_NAMESPACES	2
#define NR_CASES	(1 + 23)	/* raw, map=mem and map=dev */

struct place {
	char ns[32];
	const char *word;	/* prefix of its case names */
	struct pages pmem;
	struct pages ram[MAX_RANGES];
	unsigned int nr_ram;
};

static void result(const struct place *place, const char *map,
		   const char *word, bool good)
{
	ksft_test_result(good, "%s_%s%s\n", place->word, map, word);
}

/* Find the RAM that shares a memory block with @place->pmem. */
static bool find_ram(struct place *place)
{
	const unsigned long nr = block_pages(), end = place->pmem.pfn + place->pmem.nr;
	const struct range blocks = {
		place->pmem.pfn / nr * nr, (end + nr - 1) / nr * nr
	};
	struct range ram[MAX_RANGES];
	int nr_ram = ram_read(ram, MAX_RANGES), i;
	struct pages *part;

	for (i = 0; i < nr_ram; i++) {
		if (ram[i].end <= blocks.start || ram[i].start >= blocks.end)
			continue;
		if (ram[i].start < blocks.start)
			ram[i].start = blocks.start;
		if (ram[i].end > blocks.end)
			ram[i].end = blocks.end;
		part = &place->ram[place->nr_ram++];
		part->pfn = ram[i].start;
		part->nr = ram[i].end - ram[i].start;
		ksft_print_msg("%s: RAM pfn %#lx, %lu pages\n", place->ns,
			       part->pfn, part->nr);
	}

	ksft_print_msg("%s: pmem pfn %#lx, %lu pages\n", place->ns,
		       place->pmem.pfn, place->pmem.nr);
	return place->nr_ram;
}

/*
 * Check /proc/kpageflags: it must know all pages of RAM; pages that are not
 * online must have no flag but KPF_NOPAGE.
 */
static bool check_kpageflags(const char *what, const struct pages *pages,
			     bool online)
{
	const unsigned long long nopage = 1ULL << KPF_NOPAGE;
	unsigned long long *flags;
	unsigned long bad = 0, i;

	if (!pages->nr)
		return false;
	flags = calloc(pages->nr, sizeof(*flags));
	if (!flags)
		ksft_exit_fail_msg("no memory\n");
	page_read_kpageflags(pages, flags);
	for (i = 0; i < pages->nr; i++) {
		if (online ? !(flags[i] & nopage) : !(flags[i] & ~nopage))
			continue;
		if (bad++ < 3)
			ksft_print_msg("%s: pfn %#lx kpageflags %#llx\n", what,
				       pages->pfn + i, flags[i]);
	}
	if (bad)
		ksft_print_msg("%s: kpageflags of %lu of %lu pages are not as they should be\n",
			       what, bad, pages->nr);
	free(flags);

	return !bad;
}

static bool check_ram(const struct place *place)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < place->nr_ram; i++) {
		good &= page_check_state("RAM", &place->ram[i], DEVICE_MASK,
				    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE);
		good &= check_kpageflags("RAM", &place->ram[i], true);
	}
	return good;
}

static bool check_offline(const struct place *place)
{
	return page_check_state("pmem", &place->pmem, TEST_MEMMAP_ONLINE, 0);
}

/*
 * /proc/PID/mem reads what /dev/mem maps: since v7.3 it refuses what is online
 * and not reserved.
 */
static bool check_access(const struct place *place)
{
	const unsigned long want = mem_pattern(1);
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long *map, got = 0;

	map = mem_map_file("/dev/mem", O_RDWR, place->pmem.pfn + place->pmem.nr / 2, 1);
	if (map != MAP_FAILED) {
		*map = want;
		if (pread(mem, &got, sizeof(got), (unsigned long)map) < 0)
			ksft_print_msg("/proc/self/mem: %s\n", strerror(errno));
		munmap(map, page_size());
	}
	close(mem);
	return got == want;
}

/*
 * While unbinding waits for what is held, the pgmap can't be looked up: the
 * pages must still be the device's, and not online. Sets @access.
 */
static bool check_dying(const struct place *place, const struct dax *dax, bool *access)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;
	int held = dax_hold(dax);
	bool dying, good;
	pid_t pid;

	if (held < 0)
		return false;
	pid = dax_start_bind(dax, false);
	do {
		usleep(1000);
		dying = !(page_get(dax->data.pfn).state & TEST_MEMMAP_PGMAP);
	} while (!dying && test_ms() < end);
	good = dying && check_offline(place) &&
	       check_kpageflags("dying", &place->pmem, false) &&
	       page_check_state("dying", &dax->data, TEST_MEMMAP_DEVICE,
				TEST_MEMMAP_DEVICE);
	*access = dying && check_access(place);
	close(held);
	return dax_wait_bind(dax, pid) && good;
}

static bool is_hole(unsigned long pfn, const struct test_memmap_page *rec,
		    const struct test_memmap_page *ram, bool show)
{
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_RESERVED;

	if (rec->state == want && rec->nid == ram->nid &&
	    rec->zone == ram->zone && rec->refcount > 0)
		return true;
	if (show)
		ksft_print_msg("hole: pfn %#lx state %#x flags %#llx refcount %d nid %d zone %u\n",
			       pfn, rec->state, (unsigned long long)rec->flags,
			       rec->refcount, rec->nid, rec->zone);
	return false;
}

/*
 * In a section that has RAM since boot, the struct pages stay. They must be as
 * before there was a device: a hole, in the zone of that RAM.
 */
static bool check_hole(const struct place *place)
{
	unsigned long pfn = place->pmem.pfn, end = pfn + place->pmem.nr;
	static struct test_memmap_page rec[4096];
	unsigned long bad = 0, seen = 0, nr, i;
	struct test_memmap_page ram;

	ram = page_get(place->ram[0].pfn);
	for (; pfn < end; pfn += nr) {
		nr = end - pfn < ARRAY_SIZE(rec) ? end - pfn : ARRAY_SIZE(rec);
		page_read(pfn, rec, nr);
		for (i = 0; i < nr; i++) {
			if (!(rec[i].state & TEST_MEMMAP_VALID))
				continue;
			seen++;
			bad += !is_hole(pfn + i, &rec[i], &ram, bad < 3);
		}
	}

	if (bad || !seen)
		ksft_print_msg("hole: %lu of %lu pages are not as they should be\n",
			       bad, seen);
	return seen && !bad;
}

static void test_map(const struct place *place, const char *map, bool altmap)
{
	const char *word = altmap ? "dev_" : "mem_";
	struct dax dax = {};
	bool good, access = false;

	good = dax_create(place->ns, map, "2M", &dax);
	result(place, word, "page", good &&
	       page_check("data", altmap ? &dax.data : &dax.all,
			  DEVICE_MASK & ~TEST_MEMMAP_ONLINE, DEVICE_PAGE,
			   dax.nid));
	result(place, word, "offline", good && check_offline(place));
	result(place, word, "kpageflags", good &&
	       check_kpageflags("pmem", &place->pmem, false));
	result(place, word, "access", good && check_access(place));
	/* Still as the last device left them, unless initialised. */
	if (altmap)
		result(place, word, "reserve", good &&
		       page_check("reserve", &dax.reserve,
				  TEST_MEMMAP_DEVICE | TEST_MEMMAP_RESERVED,
				   TEST_MEMMAP_DEVICE | TEST_MEMMAP_RESERVED,
				   dax.nid));
	result(place, word, "ram", good && check_ram(place));
	result(place, word, "dying", good && check_dying(place, &dax, &access));
	result(place, word, "dying_access", access);

	/* Without a device the struct pages stay, but nobody owns them. */
	good = good && ns_destroy(place->ns);
	result(place, word, "destroyed", good && check_offline(place) &&
	       check_kpageflags("destroyed", &place->pmem, false));
	result(place, word, "hole", good && check_hole(place));
	result(place, word, "hole_access", good && check_access(place));
	result(place, word, "destroyed_ram", good && check_ram(place));
}

static void test_place(const struct place *place)
{
	/* As booted: a block device that has struct pages as well. */
	result(place, "", "raw_offline", ns_create_raw(place->ns) &&
	       page_check_state("raw", &place->pmem, TEST_MEMMAP_PGMAP,
				TEST_MEMMAP_PGMAP) &&
	       check_offline(place));

	test_map(place, "mem", false);
	test_map(place, "dev", true);
}

int main(void)
{
	static struct place places[NR_NAMESPACES] = {
		{ .word = "first" }, { .word = "second" },
	};
	unsigned int i;

	test_begin();
	for (i = 0; i < NR_NAMESPACES; i++) {
		snprintf(places[i].ns, sizeof(places[i].ns), "namespace%u.0", i);
		ns_require(places[i].ns);
		if (!ns_read(places[i].ns, &places[i].pmem))
			ksft_exit_fail_msg("%s: no pages\n", places[i].ns);
		if (!find_ram(&places[i]))
			ksft_exit_skip("needs %s to share a section with RAM\n",
				       places[i].ns);
	}

	ksft_set_plan(NR_NAMESPACES * NR_CASES);
	for (i = 0; i < NR_NAMESPACES; i++)
		test_place(&places[i]);

	ksft_exit(!ksft_get_fail_cnt());
}
