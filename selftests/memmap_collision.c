// SPDX-License-Identifier: GPL-2.0
/*
 * Persistent memory and System RAM in one memory section: the RAM is online,
 * the persistent memory is not, and pfn_to_online_page() must tell them apart.
 *
 * Wants two namespaces that share sections with RAM, made for example with
 * memmap=32M!0x142000000 memmap=144M!0x171000000. What is in them gets lost.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"

#define MAX_RAM		8	/* parts of RAM next to one namespace */
#define NR_NAMESPACES	2
#ifdef PIN_V7
#define NR_CASES	(1 + 8 + 9)	/* raw, map=mem, map=dev */
#else
#define NR_CASES	(1 + 7 + 8)	/* raw, map=mem, map=dev */
#endif

struct place {
	char ns[32];
	const char *word;	/* what the names of its cases start with */
	struct pages pmem;
	struct pages ram[MAX_RAM];
	unsigned int nr_ram;
};

static void result(const struct place *place, const char *map,
		   const char *word, bool good)
{
	ksft_test_result(good, "%s_%s%s\n", place->word, map, word);
}

/* Note the RAM that shares a memory block with @place->pmem. */
static bool find_ram(struct place *place)
{
	unsigned long long first, last, start, end, block;
	long page_size = sysconf(_SC_PAGESIZE);
	struct pages *ram = place->ram;
	char line[128], text[32];
	FILE *iomem;

	/* It has no 0x, and at least the size of a section. */
	if (read_text("/sys/devices/system/memory/block_size_bytes", text,
		      sizeof(text)))
		return false;
	block = strtoull(text, NULL, 16);
	first = place->pmem.pfn * page_size / block * block;
	last = (place->pmem.pfn + place->pmem.nr) * page_size - 1;
	last = last / block * block + block - 1;

	iomem = fopen("/proc/iomem", "re");
	if (!iomem)
		return false;
	while (fgets(line, sizeof(line), iomem) && place->nr_ram < MAX_RAM) {
		if (!strstr(line, " : System RAM") || line[0] == ' ' ||
		    sscanf(line, "%llx-%llx", &start, &end) != 2 ||
		    end < first || start > last)
			continue;
		if (start < first)
			start = first;
		if (end > last)
			end = last;
		ram->pfn = (start + page_size - 1) / page_size;
		ram->nr = (end + 1) / page_size - ram->pfn;
		ksft_print_msg("%s: RAM pfn %#lx, %lu pages\n", place->ns,
			       ram->pfn, ram->nr);
		place->nr_ram++;
		ram++;
	}
	fclose(iomem);

	ksft_print_msg("%s: pmem pfn %#lx, %lu pages\n", place->ns,
		       place->pmem.pfn, place->pmem.nr);
	return place->nr_ram;
}

/*
 * Ask /proc/kpageflags about @pages: for RAM it must know each of them, for
 * pages that are not online it must have nothing to say but that.
 */
static bool check_kpageflags(const char *what, const struct pages *pages,
			     bool online)
{
	const uint64_t nopage = 1ULL << KPF_NOPAGE;
	size_t size = pages->nr * sizeof(uint64_t);
	unsigned long bad = 0, i;
	uint64_t *flags;
	int fd;

	flags = calloc(pages->nr, sizeof(*flags));
	fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (!flags || fd < 0)
		ksft_exit_fail_msg("/proc/kpageflags: %s\n", strerror(errno));
	/* A read that ends early is at the end of what the kernel knows. */
	for (i = 0; i < pages->nr; i++)
		flags[i] = nopage;
	if (pread(fd, flags, size, pages->pfn * sizeof(*flags)) < 0)
		ksft_exit_fail_msg("/proc/kpageflags: %s\n", strerror(errno));
	close(fd);

	for (i = 0; i < pages->nr; i++) {
		if (online ? !(flags[i] & nopage) : !(flags[i] & ~nopage))
			continue;
		if (bad++ < 3)
			ksft_print_msg("%s: pfn %#lx kpageflags %#llx\n", what,
				       pages->pfn + i,
				       (unsigned long long)flags[i]);
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
		good &= check_state("RAM", &place->ram[i], DEVICE_MASK,
				    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE);
		good &= check_kpageflags("RAM", &place->ram[i], true);
	}
	return good;
}

static bool check_offline(const struct place *place)
{
	return check_state("pmem", &place->pmem, TEST_MEMMAP_ONLINE, 0);
}

#ifdef PIN_V7
/*
 * Unbinding waits for whoever holds the pgmap, which nobody else can get any
 * more: still the pages are a device's, and are not online.
 */
static bool check_dying(const struct place *place, const struct dax *dax)
{
	long long end = now_ms() + BIND_SECONDS * 1000LL;
	int held = hold_pgmap(dax->data.pfn);
	bool dying, good;
	pid_t pid;

	if (held < 0)
		return false;
	pid = start_bind(dax, false);
	do {
		usleep(1000);
		dying = !(memmap_page(dax->data.pfn).state & TEST_MEMMAP_PGMAP);
	} while (!dying && now_ms() < end);
	good = dying && check_offline(place) &&
	       check_kpageflags("dying", &place->pmem, false) &&
	       check_state("dying", &dax->data, TEST_MEMMAP_DEVICE,
			   TEST_MEMMAP_DEVICE);
	close(held);
	return wait_bind(dax, pid) && good;
}

#endif
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
 * Where the section has RAM from boot on, its struct pages stay. They are what
 * they were before there was a device: a hole, in the zone of that RAM.
 */
static bool check_hole(const struct place *place)
{
	unsigned long pfn = place->pmem.pfn, end = pfn + place->pmem.nr;
	static struct test_memmap_page rec[4096];
	unsigned long bad = 0, seen = 0, nr, i;
	struct test_memmap_page ram;

	ram = memmap_page(place->ram[0].pfn);
	for (; pfn < end; pfn += nr) {
		nr = end - pfn < ARRAY_SIZE(rec) ? end - pfn : ARRAY_SIZE(rec);
		memmap_read(pfn, rec, nr);
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
	bool good;

	good = create_dax(place->ns, map, "2M", &dax);
	result(place, word, "page", good &&
	       check_pages("data", altmap ? &dax.data : &dax.all,
			   DEVICE_MASK & ~TEST_MEMMAP_ONLINE, DEVICE_PAGE,
			   dax.nid));
	result(place, word, "offline", good && check_offline(place));
	result(place, word, "kpageflags", good &&
	       check_kpageflags("pmem", &place->pmem, false));
	/* Left as the last device had them, unless they are initialised. */
	if (altmap)
		result(place, word, "reserve", good &&
		       check_pages("reserve", &dax.reserve,
				   TEST_MEMMAP_DEVICE | TEST_MEMMAP_RESERVED,
				   TEST_MEMMAP_DEVICE | TEST_MEMMAP_RESERVED,
				   dax.nid));
	result(place, word, "ram", good && check_ram(place));
#ifdef PIN_V7
	result(place, word, "dying", good && check_dying(place, &dax));
#endif

	/* Without a device the struct pages are still there, but nobody's. */
	good = good && destroy_namespace(place->ns);
	result(place, word, "destroyed", good && check_offline(place) &&
	       check_kpageflags("destroyed", &place->pmem, false));
	result(place, word, "hole", good && check_hole(place));
	result(place, word, "destroyed_ram", good && check_ram(place));
}

static void test_place(const struct place *place)
{
	/* As booted: a block device that has struct pages as well. */
	result(place, "", "raw_offline", create_raw(place->ns) &&
	       check_state("raw", &place->pmem, TEST_MEMMAP_PGMAP,
			   TEST_MEMMAP_PGMAP) &&
	       check_offline(place));

	test_map(place, "mem", false);
	test_map(place, "dev", true);
}

int main(void)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	static struct place places[NR_NAMESPACES] = {
		{ .word = "first" }, { .word = "second" },
	};
	unsigned int i;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, ndctl))
		ksft_exit_skip("needs ndctl\n");
	for (i = 0; i < NR_NAMESPACES; i++) {
		snprintf(places[i].ns, sizeof(places[i].ns), "namespace%u.0", i);
		if (!read_namespace(places[i].ns, &places[i].pmem) ||
		    !find_ram(&places[i]))
			ksft_exit_skip("needs %s to share a section with RAM\n",
				       places[i].ns);
	}

	ksft_set_plan(NR_NAMESPACES * NR_CASES);
	for (i = 0; i < NR_NAMESPACES; i++)
		test_place(&places[i]);

	ksft_exit(!ksft_get_fail_cnt());
}
