// SPDX-License-Identifier: GPL-2.0
/*
 * A MODEL, in user space, of the memory traffic of memmap_init_zone_device() of v7.3.4, which
 * initialises the struct pages of device memory: the stores of today's loop, and others that
 * leave the same bytes.
 *
 *	memmap_model [MIB [ROUNDS [THREADS]]]
 *
 * MIB of struct pages, a multiple of 16 (1024: those of 64 GiB of memory), at least 16 a thread;
 * ROUNDS, each runs every variant once with one thread and once with THREADS (25, 2).
 *
 * The unit is nanoseconds a struct page of 64 bytes, of the thread that takes most: CPU is its
 * CPU time, clock has waits for a CPU in it. Threads that wait do not use the memory at the same
 * time: on a busy machine, what more threads gain is between the two.
 *
 * In the model: the stores, their number, width and order; a call a page; memory that was
 * touched before, in huge pages if there are any, as for vmemmap. A thread has a part of its
 * own, whole chunks of 16 MiB (padata's take chunk after chunk, one does the work of another).
 * Not in it: the kernel's loop, compound pages, cond_resched(), pageblocks, nodes, the first
 * touch of memory that a hypervisor has yet to back.
 *
 * The area is overwritten before each run, and every struct page is compared after it.
 * Exit codes: 0 done, 1 a struct page is not as it has to be, 2 bad input or no memory.
 */
#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <time.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define CHUNK		((16UL << 20) / sizeof(union page))
#define LIMIT		1000	/* of rounds, of threads */
#define VARIANTS	5
#define ZONE_AND_NODE	(7ULL << 56)
#define PG_RESERVED	(1ULL << 13)

/* Neither dropped nor merged: in the kernel, gcc drops none of these, and has no vectors */
#define WRITE(x, value)	(*(volatile typeof(x) *)&(x) = (value))
#define READ(x)		(*(volatile typeof(x) *)&(x))

union page {
	struct {
		uint64_t flags, info, data;	/* info, data: lru; then pgmap, zone_device_data */
		uint64_t mapping, index, private;
		int32_t mapcount, refcount;
		uint64_t memcg;
	};
	uint64_t word[8];
} __attribute__((aligned(64)));

static struct { int fs_dax; } pgmap = { 1 };
static union page expected, filled, poisoned;

/* __init_single_page(), less the zeroes that gcc drops, and what comes behind it: 13 stores */
static __attribute__((noinline)) void init_page(union page *page)
{
	WRITE(page->memcg, 0);
	WRITE(page->private, 0);
	WRITE(page->index, 0);
	WRITE(page->mapping, 0);
	WRITE(page->flags, ZONE_AND_NODE);
	WRITE(page->refcount, 1);
	WRITE(page->mapcount, -1);
	WRITE(page->info, (uintptr_t)&page->info);
	WRITE(page->data, (uintptr_t)&page->info);
	WRITE(page->flags, READ(page->flags) | PG_RESERVED);
	if (!(READ(page->info) & 1))		/* page_folio() */
		WRITE(page->info, (uintptr_t)&pgmap);
	WRITE(page->data, 0);
	if (READ(pgmap.fs_dax))
		WRITE(page->refcount, 0);
}

static void today(union page *page, union page *end, const union page *from)
{
	for ((void)from; page < end; page++)
		init_page(page);
}

static void copy(union page *page, union page *end, const union page *from)
{
	for (; page < end; page++)
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			WRITE(page->word[i], from->word[i]);
}

/* What libc has; it may go past the caches, too */
static void fill(union page *page, union page *end, const union page *from)
{
	memset(page, from->word[0] & 0xff, (char *)end - (char *)page);
}

#ifdef __x86_64__
static void copy_nt(union page *page, union page *end, const union page *from)
{
	for (; page < end; page++)
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++)
			_mm_stream_si64((long long *)&page->word[i], from->word[i]);
	_mm_sfence();
}

static void fill_nt(union page *page, union page *end, const union page *from)
{
	const __m128i value = _mm_set1_epi64x(from->word[0]);

	for (__m128i *to = (__m128i *)page; to < (__m128i *)end; to++)
		_mm_stream_si128(to, value);
	_mm_sfence();
}
#else
#define copy_nt	NULL		/* left out */
#define fill_nt	NULL
#endif

static struct row {
	const char *name;
	void (*write)(union page *page, union page *end, const union page *from);
	const union page *want;
	double cpu[2][LIMIT], clock[2][LIMIT];		/* with one thread, with several */
} rows[VARIANTS] = {
	{ .name = "today: 13 stores", .write = today, .want = &expected },
	{ .name = "template", .write = copy, .want = &expected },
	{ .name = "template, non-temporal", .write = copy_nt, .want = &expected },
	{ .name = "bound: memset()", .write = fill, .want = &filled },
	{ .name = "bound: non-temporal fill", .write = fill_nt, .want = &filled },
}, *row;

static struct part {
	pthread_t thread;
	union page *start, *end;
	double cpu, clock;
} parts[LIMIT];

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static void *write_part(void *arg)
{
	struct part *part = arg;

	part->clock = -now(CLOCK_MONOTONIC);
	part->cpu = -now(CLOCK_THREAD_CPUTIME_ID);
	for (union page *page = part->start; page < part->end; page += CHUNK)
		row->write(page, page + CHUNK, row->want);
	part->cpu += now(CLOCK_THREAD_CPUTIME_ID);
	part->clock += now(CLOCK_MONOTONIC);
	return NULL;
}

static void run(union page *area, size_t nr, int threads, double *cpu, double *clock)
{
	struct part *part;

	/* past the caches, which then have nothing of it to write back; not by what is tested */
	(rows[row == &rows[4] ? 2 : 4].write ?: fill)(area, area + nr, &poisoned);
	for (part = parts; part < parts + threads; part++) {
		part->start = area + nr / CHUNK * (part - parts) / threads * CHUNK;
		part->end = area + nr / CHUNK * (part - parts + 1) / threads * CHUNK;
		if (pthread_create(&part->thread, NULL, write_part, part))
			errx(2, "no thread");
	}
	while (part-- > parts) {
		pthread_join(part->thread, NULL);
		*cpu = MAX(*cpu, part->cpu / nr);
		*clock = MAX(*clock, part->clock / nr);
	}
	for (size_t i = 0; i < nr; i++)
		if (memcmp(&area[i], row->want, sizeof(*area)))
			errx(1, "%s: struct page %zu of %zu is wrong", row->name, i, nr);
}

static int ascending(const void *one, const void *other)
{
	return *(const double *)one < *(const double *)other ? -1 : 1;
}

int main(int argc, char **argv)
{
	const size_t mib = atol(argc > 1 ? argv[1] : "1024"), nr = mib / 16 * CHUNK;
	const int rounds = atoi(argc > 2 ? argv[2] : "25"), threads = atoi(argc > 3 ? argv[3] : "2");
	double start = now(CLOCK_MONOTONIC), said = start, time, load = 0;
	char line[256], name[128] = "without a name";
	FILE *file = fopen("/proc/cpuinfo", "re");
	const int runs = 2 * VARIANTS * rounds;
	union page *area;

	if (mib % 16 || mib / 16 < (size_t)threads || threads < 1 || threads > LIMIT ||
	    rounds < 1 || rounds > LIMIT)
		errx(2, "usage: memmap_model [MIB [ROUNDS [THREADS]]], 16 MIB a thread");
	area = aligned_alloc(CHUNK * sizeof(*area), nr * sizeof(*area));
	if (!area)
		err(2, "%zu MiB", mib);
	memset(&filled, 0x5a, sizeof(filled));
	memset(&poisoned, 0xa5, sizeof(poisoned));
	expected.flags = ZONE_AND_NODE | PG_RESERVED;
	expected.info = (uintptr_t)&pgmap;
	expected.mapcount = -1;		/* and all else is 0 */
	madvise(area, nr * sizeof(*area), MADV_HUGEPAGE);
	fill(area, area + nr, &poisoned);
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "model name : %127[^\n]", name);
	getloadavg(&load, 1);
	printf("A MODEL in user space: ratios of this machine, not times of a kernel\n");
	printf("CPU %s, load %.1f; %zu MiB of struct pages, %d rounds\n\n", name, load, mib, rounds);
	fflush(stdout);
	for (int i = 0; i < runs; i++) {
		row = &rows[i / 2 % VARIANTS];
		if (row->write)
			run(area, nr, i % 2 ? threads : 1, &row->cpu[i % 2][i / 2 / VARIANTS],
			    &row->clock[i % 2][i / 2 / VARIANTS]);
		time = now(CLOCK_MONOTONIC);
		if (time > said + 3e9) {
			said = time;
			fprintf(stderr, "%d of %d runs, %.0f s to go\n", i + 1, runs,
				(time - start) / (i + 1) * (runs - i - 1) / 1e9);
		}
	}
	printf("%-25s| 1 thread: CPU   | clock | today  | %d threads:    | 1 thread / %d\n"
	       "%-25s|   min    median |   min | / this |   CPU    clock |   CPU   clock\n",
	       "", threads, threads, "ns a struct page, minima");
	for (row = rows; row < rows + VARIANTS; row++) {
		for (int i = 0; i < 2; i++) {
			qsort(row->cpu[i], rounds, sizeof(double), ascending);
			qsort(row->clock[i], rounds, sizeof(double), ascending);
		}
		if (!row->write)
			printf("%-25s| left out: here, x86-64 alone has such stores\n", row->name);
		else
			printf("%-25s|%6.2f%10.2f |%6.2f |%7.2f |%6.2f%9.2f |%6.2f%8.2f\n", row->name,
			       row->cpu[0][0], row->cpu[0][rounds / 2], row->clock[0][0],
			       rows->cpu[0][0] / row->cpu[0][0], row->cpu[1][0], row->clock[1][0],
			       row->cpu[0][0] / row->cpu[1][0], row->clock[0][0] / row->clock[1][0]);
	}
	return 0;
}
