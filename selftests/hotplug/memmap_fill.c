// SPDX-License-Identifier: GPL-2.0
/*
 * An empty zone gets memory, and becomes empty again, while others read its
 * free lists.
 *
 *	memmap_fill NAME...
 *
 * Each NAME is a DIMM that the host plugs on request, and the only memory of
 * its node's Movable zone. One process onlines and offlines its blocks; others
 * read /proc/pagetypeinfo, which walks the lists, /proc/buddyinfo and
 * /proc/zoneinfo, compact all memory, and allocate memory.
 *
 * The lists of a zone that never had memory are zeroed, not initialised.
 * Readers skip a zone without present pages, so move_pfn_range_to_zone() has to
 * initialise the lists before there are any. If not, /proc/pagetypeinfo follows
 * a NULL pointer with the zone's lock held: seen with a kernel that has a page
 * present 200 ms too early, an oops in pagetypeinfo_show(), and then a hang.
 *
 * Each step makes a sequence number odd, and even again when it is done. A
 * reader that sees the same even number before and after knows what it must
 * have read. Needs two CPUs or more.
 */
#include <linux/mempolicy.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "counters.h"
#include "file.h"
#include "mem.h"
#include "test.h"

#define MIN_ROUNDS	3		/* or more: see have_met_all() */
#define SECONDS		30		/* for all rounds */
#define WAIT_SECONDS	10		/* for all readers to see a new state */
#define FIRST_STEP	1
#define MAX_BAD		20
#define ALLOC_PAGES	1024
#define ZONE		"Movable"

#define load(var)	__atomic_load_n(&(var), __ATOMIC_SEQ_CST)
#define store(var, new)	__atomic_store_n(&(var), new, __ATOMIC_SEQ_CST)
#define add(var)	__atomic_fetch_add(&(var), 1, __ATOMIC_SEQ_CST)

/* What a reader has found in the zone, in pages. */
struct view {
	bool works;
	bool some;		/* it has found some memory */
	bool torn;		/* @part is not a consistent snapshot */
	int nr;
	long all[3];		/* online pages: may differ in a step */
	long part;		/* a part of these */
};

struct reader {
	const char *name;
	void (*look)(struct view *view);
};

/* Counts of looks, by what they found. */
struct seen {
	unsigned long empty;	/* no memory was online */
	unsigned long filled;	/* some was */
	unsigned long some;	/* and the reader found some of it */
	unsigned long first;	/* overlapped the first onlining */
	unsigned long inside;	/* within one onlining of an empty zone */
	unsigned long half;	/* pages were spanned, but not present */
	unsigned long bad;
};

struct shared {
	unsigned long step;	/* odd: in progress */
	unsigned long filling;	/* last step that filled an empty zone */
	unsigned long online;	/* pages, if step is even */
	bool offlining;		/* don't compact */
	bool compacting;
	bool stop;
	struct seen seen[8];
};

static struct shared *shared;
static struct blocks blocks;
static int nid;

/* Zones without memory are left out. */
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
 * Zones without memory are left out. v7 does not lock the zone: pages that are
 * merged or split meanwhile can be counted twice.
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

/* Not the free pages: per-CPU lists are counted at another time. */
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
 * Not while memory goes offline: compaction checks for that only once per
 * pageblock. Until then it reads struct pages that are no longer initialised;
 * with VM debugging that is a bug ("is uninitialized and poisoned", then a
 * panic in isolate_migratepages_block(); seen in this test, with v5.10.223 and
 * lockdep).
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

	/* Fails while the node has no memory. */
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

/* True if @view fits @online pages, or any number of them (-1). */
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

/* Looks while no step was in progress. */
static unsigned long nr_still(const struct seen *seen)
{
	return load(seen->empty) + load(seen->filled);
}

/* Wait for all readers to look again. */
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

/* Online or offline a block; then @online are online. */
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

	/* A single look never takes long. */
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
	shared = mem_map_shared(sizeof(*shared));
	block_catch(SIGALRM);
	ksft_set_plan((argc - 1) * (NR_READERS + 2));
	for (i = 1; i < argc; i++)
		test_dimm(argv[i]);
	ksft_exit(!ksft_get_fail_cnt());
}
