// SPDX-License-Identifier: GPL-2.0
/*
 * Who reads the span of a zone under its seqlock never sees it half set, while
 * memory blocks go online and offline, and the zone becomes empty and is filled
 * again.
 *
 *	memmap_span START SIZE [SEED]
 *
 * START and SIZE, in bytes, are a DIMM that was there at boot, offline. Its
 * memory blocks are the only ones of the node's Movable zone. One process has
 * test_memmap sample the span on one CPU; another changes one random block after
 * the other on another CPU. Samples are collected from step to step, so that for
 * each there are only two right spans: that before the step and that after it.
 *
 * That shows something only if somebody has looked while the span was written:
 * the reader had to retry, or a sample without the seqlock is a wrong span.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"

#define SPAN_FILE	"/sys/kernel/debug/test_memmap/zone_span"
#define MAX_BLOCKS	16
#define SECONDS		40	/* for all steps */
#define MIN_STEPS	200
#define MAX_SHOWN	8
#define STEP_SECONDS	10	/* until the span is seen */

struct span {
	unsigned long start;
	unsigned long pages;
};

/* What has been seen so far. */
static unsigned long torn, wrong, retries, empty, filled, shown;
static unsigned long first_block, nr_blocks, pages_per_block;
static unsigned long long seed = 1;

static unsigned int random_number(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return seed >> 33;
}

static struct span span_of(unsigned int blocks)
{
	struct span span = { 0, 0 };
	unsigned int first, last;

	if (blocks) {
		first = __builtin_ctz(blocks);
		last = 31 - __builtin_clz(blocks);
		span.start = (first_block + first) * pages_per_block;
		span.pages = (last - first + 1) * pages_per_block;
	}
	return span;
}

static bool same_span(const struct span *a, const struct span *b)
{
	return a->start == b->start && a->pages == b->pages;
}

/* Take the samples since the last call. Was @after among those under the lock? */
static bool take_samples(const struct span *before, const struct span *after)
{
	FILE *file = open_file(SPAN_FILE);
	char line[128], how[16];
	unsigned long times;
	struct span span;
	bool seen = false, right, locked;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "retried %lu", &times) == 1) {
			retries += times;
			continue;
		}
		if (sscanf(line, "%15s %lu %lu %lu", how, &span.start,
			   &span.pages, &times) != 4)
			ksft_exit_fail_msg("%s: %s\n", SPAN_FILE, line);
		locked = !strcmp(how, "locked");
		right = same_span(&span, before) || same_span(&span, after);
		if (!locked) {
			torn += right ? 0 : times;
			continue;
		}
		seen |= same_span(&span, after);
		*(span.pages ? &filled : &empty) += times;
		wrong += right ? 0 : times;
		if (!right && shown++ < MAX_SHOWN)
			ksft_print_msg("%#lx+%#lx, not %#lx+%#lx or %#lx+%#lx: %lu times\n",
				       span.start, span.pages, before->start,
				       before->pages, after->start,
				       after->pages, times);
	}
	fclose(file);

	return seen;
}

/* Wait until the reader has seen the zone with this span. */
static bool wait_for(const struct span *before, const struct span *after)
{
	long long end = now_ms() + STEP_SECONDS * 1000;

	while (!take_samples(before, after)) {
		if (now_ms() > end) {
			ksft_print_msg("the reader never saw start %#lx pages %#lx\n",
				       after->start, after->pages);
			return false;
		}
		usleep(1000);
	}
	return true;
}

static void use_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		ksft_exit_skip("needs two CPUs: CPU %d: %s\n", cpu,
			       strerror(errno));
}

/* Have the kernel sample the zone until this process gets a signal. */
static pid_t start_reader(const struct zone *zone)
{
	char text[64];
	pid_t pid;

	snprintf(text, sizeof(text), "%d %u %u", zone->nid, zone->index,
		 (SECONDS + BLOCK_TRIES * BLOCK_SECONDS) * 1000);
	pid = fork();
	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	use_cpu(1);
	_exit(-write_text(SPAN_FILE, text));
}

/* The Movable zone of the DIMM's node, by having a block in it for a moment. */
static struct zone find_zone(void)
{
	const unsigned long start = first_block * pages_per_block;
	struct zone zones[MAX_ZONES], found = { .nid = -1 };
	int nr, i;

	if (!change_block(first_block, "online_movable"))
		ksft_exit_fail_msg("the DIMM can't be onlined\n");
	nr = read_zones(zones, MAX_ZONES);
	for (i = 0; i < nr; i++)
		if (zones[i].start == start && !strcmp(zones[i].name, "Movable"))
			found = zones[i];
	if (!change_block(first_block, "offline"))
		ksft_exit_fail_msg("the DIMM can't be offlined\n");
	if (found.nid < 0 || found.end != start + pages_per_block)
		ksft_exit_fail_msg("the Movable zone has other memory\n");

	return found;
}

/* One block after the other. Returns the number of steps, or 0. */
static unsigned int take_steps(void)
{
	long long end = now_ms() + SECONDS * 1000;
	unsigned int blocks = 0, step, bit;
	struct span before = span_of(0), after;

	if (!wait_for(&before, &before))
		return 0;
	for (step = 0; step < MIN_STEPS || !(torn || retries); step++) {
		if (now_ms() > end)
			break;
		bit = random_number() % nr_blocks;
		if (!change_block(first_block + bit, blocks & 1U << bit ?
				  "offline" : "online_movable"))
			return 0;
		blocks ^= 1U << bit;
		after = span_of(blocks);
		if (!wait_for(&before, &after))
			return 0;
		before = after;
	}
	return step;
}

int main(int argc, char **argv)
{
	unsigned long long bytes;
	unsigned int steps;
	struct zone zone;
	int status = 0;
	pid_t reader;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3 && argc != 4)
		ksft_exit_skip("usage: memmap_span START SIZE [SEED]\n");
	pages_per_block = block_pages();
	bytes = pages_per_block * sysconf(_SC_PAGESIZE);
	first_block = strtoull(argv[1], NULL, 0) / bytes;
	nr_blocks = strtoull(argv[2], NULL, 0) / bytes;
	if (!nr_blocks || nr_blocks > MAX_BLOCKS)
		ksft_exit_fail_msg("not 1 to %d memory blocks\n", MAX_BLOCKS);
	if (argc == 4)
		seed = strtoull(argv[3], NULL, 0);
	use_cpu(1);
	use_cpu(0);
	zone = find_zone();

	ksft_set_plan(4);
	reader = start_reader(&zone);
	steps = take_steps();
	kill(reader, SIGKILL);
	waitpid(reader, &status, 0);
	ksft_print_msg("%u steps, %lu retries\n", steps, retries);
	ksft_print_msg("with lock: %lu times empty, %lu not; %lu wrong\n",
		       empty, filled, wrong);
	ksft_print_msg("without: %lu wrong\n", torn);

	ksft_test_result(steps >= MIN_STEPS, "steps\n");
	ksft_test_result(empty && filled, "empty_and_filled\n");
	ksft_test_result(empty && filled && !wrong, "never_half_set\n");
	ksft_test_result(torn || retries, "looked_in_time\n");
	ksft_exit(!ksft_get_fail_cnt());
}
