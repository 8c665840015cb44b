// SPDX-License-Identifier: GPL-2.0
/*
 * An empty zone becomes one that has memory, and empty again, while others look at
 * its free lists.
 *
 *	memmap_fill NAME...
 *
 * Each is a DIMM that the host plugs when asked to, and the only memory of its
 * node's Movable zone. One process onlines its blocks, and offlines them; others
 * read /proc/pagetypeinfo, which walks the lists, /proc/buddyinfo and /proc/zoneinfo,
 * have all of memory compacted, and allocate memory.
 *
 * The lists of a zone that never had memory are zero, not empty. Nobody looks at a
 * zone without pages that are present, so move_pfn_range_to_zone() has to initialise
 * them before there are any. The other way round, /proc/pagetypeinfo follows a NULL
 * pointer with the zone's lock held: seen with a kernel that has a page present
 * 200 ms early, an oops in pagetypeinfo_show(), and nothing goes on after that.
 *
 * Each step makes a number odd and, when it is done, even again. Whoever has found
 * one even number before and after reading knows what there was to be read, and it
 * has to be just that. Wants two CPUs or more.
 */
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "counters.h"
#include "file.h"
#include "mem.h"
#include "test.h"

#define MIN_ROUNDS	3		/* or more, until all have met all */
#define SECONDS		30		/* for that */
#define WAIT_SECONDS	10		/* for all to have seen what a step has led to */
#define FIRST_STEP	1
#define MAX_BAD		20
#define ALLOC_PAGES	1024
#define ZONE		"Movable"

#define load(var)	__atomic_load_n(&(var), __ATOMIC_SEQ_CST)
#define store(var, new)	__atomic_store_n(&(var), new, __ATOMIC_SEQ_CST)
#define add(var)	__atomic_fetch_add(&(var), 1, __ATOMIC_SEQ_CST)

/* What somebody has read about the zone, in pages. */
struct view {
	bool works;
	bool some;		/* there is something of it */
	bool torn;		/* what is said of its parts is of different times */
	int nr;
	long all[3];		/* all that is online, in words that may differ meanwhile */
	long part;		/* of that, no more */
};

struct reader {
	const char *name;
	void (*look)(struct view *view);
};

/* How often a reader has looked, and at what. */
struct seen {
	unsigned long empty;	/* no memory was there */
	unsigned long filled;	/* some was */
	unsigned long some;	/* and this reader had something of it */
	unsigned long first;	/* not one state only, but the zone's first memory */
	unsigned long inside;	/* from begin to end while an empty zone got memory */
	unsigned long half;	/* the zone spanned it, but it was not online yet */
	unsigned long bad;
};

struct shared {
	unsigned long step;	/* odd: it is being made */
	unsigned long filling;	/* the last one in which an empty zone gets memory */
	unsigned long online;	/* pages, when it is even */
	bool offlining;		/* and nobody compacts */
	bool compacting;
	bool stop;
	struct seen seen[8];
};

static struct shared *shared;
static struct blocks blocks;
static int nid;

/* It leaves out a zone without memory. */
static void look_pagetypeinfo(struct view *view)
{
	const struct zone zone = { .nid = nid, .name = ZONE };
	struct pageblocks found;
	long nr;

	zone_read_pageblocks(&found);
	nr = zone_pageblocks(&found, &zone);
	view->works = found.pages;
	view->some = nr > 0;
	view->all[view->nr++] = view->some ? nr * (long)found.pages : 0;
}

/*
 * So does this, but on v7 not with the zone locked: pages that are merged or split
 * meanwhile can be counted twice.
 */
static void look_buddyinfo(struct view *view)
{
	FILE *file = file_open("/proc/buddyinfo");
	char line[256], name[16], *text;
	int node, len, order;
	long number;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone %15s%n", &node, name, &len) != 2)
			continue;
		view->works = true;
		if (node != nid || strcmp(name, ZONE))
			continue;
		text = line + len;
		for (order = 0; sscanf(text, "%ld%n", &number, &len) == 1; order++) {
			view->part += number << order;
			text += len;
		}
	}
	fclose(file);
	view->some = view->part;
	view->torn = true;
}

/* Free pages are not asked for: what CPUs keep at hand is counted at another time. */
static void look_zoneinfo(struct view *view)
{
	struct zone zones[MAX_ZONES], found = {};
	int nr = zone_read_all(zones, MAX_ZONES);

	view->works = nr;
	while (nr--)
		if (zones[nr].nid == nid && !strcmp(zones[nr].name, ZONE))
			found = zones[nr];
	view->some = found.present;
	view->all[view->nr++] = found.spanned;
	view->all[view->nr++] = found.present;
	view->all[view->nr++] = found.managed;
}

/*
 * Not while memory goes offline: compaction finds that out when it has looked at a
 * pageblock. Until then it looks at struct pages that are not initialised any more;
 * with VM debugging that is a bug ("is uninitialized and poisoned", then a panic in
 * isolate_migratepages_block(); seen in this test, with v5.10.223 and lockdep).
 */
static void look_compaction(struct view *view)
{
	store(shared->compacting, true);
	while (load(shared->offlining)) {
		store(shared->compacting, false);
		usleep(1000);
		store(shared->compacting, true);
	}
	view->works = !file_write("/proc/sys/vm/compact_memory", "1");
	view->some = true;
	store(shared->compacting, false);
}

static void look_allocation(struct view *view)
{
	static unsigned long pfn[ALLOC_PAGES];
	const size_t size = ALLOC_PAGES * page_size();
	char *addr = mem_map(size);
	unsigned long i;

	/* Refused for as long as the node has no memory. */
	mem_bind(addr, size, MPOL_PREFERRED, nid, 0);
	mem_fill(addr, size);
	page_read_pfns(addr, pfn, ALLOC_PAGES);
	for (i = 0; i < ALLOC_PAGES; i++)
		view->part += page_in(&blocks.pages, pfn[i]);
	view->some = view->part;
	view->works = mem_is_filled(addr, size);
	munmap(addr, size);
}

static const struct reader readers[] = {
	{ "pagetypeinfo", look_pagetypeinfo },
	{ "buddyinfo", look_buddyinfo },
	{ "zoneinfo", look_zoneinfo },
	{ "compaction", look_compaction },
	{ "allocation", look_allocation },
};

#define NR_READERS	ARRAY_SIZE(readers)

/* Does it add up, with so many pages online, or any number of them (-1)? */
static bool is_right(const char *name, const struct view *view, long online)
{
	const long most = online < 0 ? (long)blocks.pages.nr : online;
	bool good = view->works && view->part >= 0 &&
		    (view->part <= most || (view->torn && most));
	int i;

	for (i = 0; i < view->nr; i++)
		good &= online < 0 ? view->all[i] >= 0 && view->all[i] <= most :
				     view->all[i] == online;
	if (!good)
		ksft_print_msg("%s: %s, pages %ld %ld %ld, %ld of them, should be %ld\n", name,
			       view->works ? "works" : "does not work", view->all[0],
			       view->all[1], view->all[2], view->part, online);
	return good;
}

static void read_on(const struct reader *reader, struct seen *seen)
{
	unsigned long before, after, filling;
	struct view view;
	long online;

	while (!load(shared->stop)) {
		memset(&view, 0, sizeof(view));
		before = load(shared->step);
		online = before % 2 ? -1 : (long)load(shared->online);
		reader->look(&view);
		filling = load(shared->filling);
		after = load(shared->step);
		if (before != after)
			online = -1;
		if (!is_right(reader->name, &view, online) && add(seen->bad) > MAX_BAD)
			break;
		if (online == 0)
			add(seen->empty);
		if (online > 0)
			add(seen->filled);
		if (online > 0 && view.some)
			add(seen->some);
		if (filling == FIRST_STEP && before <= filling && after >= filling)
			add(seen->first);
		if (before == after && before == filling)
			add(seen->inside);
		if (view.nr > 1 && view.all[0] > view.all[1])
			add(seen->half);
	}
}

static pid_t start_reader(size_t i)
{
	pid_t pid = test_fork();

	if (pid)
		return pid;
	read_on(&readers[i], &shared->seen[i]);
	_exit(0);
}

/* Looks that began and ended with nothing going on. */
static unsigned long nr_still(const struct seen *seen)
{
	return load(seen->empty) + load(seen->filled);
}

/* Let each reader look at what there is now. */
static bool wait_for_all(void)
{
	long long end = test_ms() + WAIT_SECONDS * 1000;
	unsigned long before[NR_READERS];
	size_t i;

	for (i = 0; i < NR_READERS; i++)
		before[i] = nr_still(&shared->seen[i]);
	for (i = 0; i < NR_READERS; i++)
		while (nr_still(&shared->seen[i]) == before[i]) {
			if (test_ms() > end) {
				ksft_print_msg("%s: nothing for %d s\n", readers[i].name,
					       WAIT_SECONDS);
				return false;
			}
			usleep(1000);
		}
	return true;
}

/* One block more is online, or one less. */
static bool make_step(unsigned long block, const char *state, unsigned long online)
{
	bool good;

	if (!load(shared->online))
		shared->filling = shared->step + 1;
	store(shared->offlining, !strcmp(state, "offline"));
	while (load(shared->offlining) && load(shared->compacting))
		usleep(1000);
	add(shared->step);
	good = block_change(block, state);
	shared->online = online * block_pages();
	add(shared->step);
	store(shared->offlining, false);
	return good && wait_for_all();
}

static bool make_round(void)
{
	unsigned long nr;

	for (nr = 0; nr < blocks.nr; nr++)
		if (!make_step(blocks.first + nr, "online_movable", nr + 1))
			return false;
	while (nr--)
		if (!make_step(blocks.first + nr, "offline", nr))
			return false;
	return true;
}

static bool have_met_all(void)
{
	const struct seen *seen;

	for (seen = shared->seen; seen < shared->seen + NR_READERS; seen++)
		if (!load(seen->inside) || !load(seen->some))
			return false;
	return true;
}

static bool make_rounds(void)
{
	long long end = test_ms() + SECONDS * 1000;
	unsigned long round = 0;
	bool good;

	do {
		good = make_round();
		round += good;
	} while (good && (round < MIN_ROUNDS || (!have_met_all() && test_ms() < end)));
	ksft_print_msg("%lu rounds\n", round);
	return good;
}

static void test_reader(const char *dimm, size_t i, pid_t pid)
{
	const struct seen *seen = &shared->seen[i];
	int status = -1;

	/* What it is in the middle of never takes long. */
	alarm(WAIT_SECONDS);
	if (waitpid(pid, &status, 0) != pid)
		status = -1;
	alarm(0);
	if (status)
		ksft_print_msg("%s: ended with %#x\n", readers[i].name, status);
	ksft_print_msg("%s: empty %lu filled %lu some %lu first %lu inside %lu half %lu bad %lu\n",
		       readers[i].name, seen->empty, seen->filled, seen->some, seen->first,
		       seen->inside, seen->half, seen->bad);
	ksft_test_result(!status && seen->empty && seen->some && seen->first &&
			 seen->inside && !seen->bad, "%s_%s\n", dimm, readers[i].name);
}

static void test_dimm(const char *dimm)
{
	static struct counters before, after;
	pid_t pids[NR_READERS];
	bool good;
	size_t i;

	memset(shared, 0, sizeof(*shared));
	counters_read(&before);
	blocks = dimm_plug(dimm);
	nid = block_node(blocks.first);
	ksft_print_msg("%s: node %d\n", dimm, nid);
	for (i = 0; i < NR_READERS; i++)
		pids[i] = start_reader(i);
	ksft_test_result(wait_for_all() && make_rounds(), "%s_rounds\n", dimm);
	shared->stop = true;
	for (i = 0; i < NR_READERS; i++)
		test_reader(dimm, i, pids[i]);
	good = dimm_eject(dimm);
	counters_read(&after);
	ksft_test_result(counters_are_same(&before, &after) && good, "%s_gone\n", dimm);
}

int main(int argc, char **argv)
{
	int i;

	test_begin();
	if (argc < 2)
		ksft_exit_skip("usage: memmap_fill NAME...\n");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	block_catch(SIGALRM);
	ksft_set_plan((argc - 1) * (NR_READERS + 2));
	for (i = 1; i < argc; i++)
		test_dimm(argv[i]);
	ksft_exit(!ksft_get_fail_cnt());
}
