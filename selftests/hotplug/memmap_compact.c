// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction scans the memory of a DIMM while that goes offline and is unplugged.
 *
 *	memmap_compact NAME NODE ROUNDS
 *
 * The DIMM called NAME is the only memory of NODE. A process has that node
 * compacted again and again; half of the pages of a buffer are there to be
 * moved. Before the DIMM is unplugged, another process keeps that CPU busy for
 * a while: the first, of policy SCHED_IDLE, is preempted where it is, and gets
 * hardly any time until the DIMM is offline. Needs two CPUs.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "block.h"
#include "file.h"
#include "host.h"
#include "mem.h"
#include "test.h"

#define COMPACT_CPU	1
#define BUF_SIZE	(64 * MB)
#define SCAN_MS		100	/* for the process to begin, and to be preempted */
#define BUSY_MS		1500	/* from then on: longer than offlining takes */
#define UNPLUG_SECONDS	30	/* longer than the host waits */

static int nid;
static char compact_file[64];

/* Shared with the process that compacts. */
static volatile struct {
	unsigned int done;	/* how often */
	bool busy;		/* with it */
} *compaction;

static void set_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		ksft_exit_fail_msg("sched_setaffinity: %s\n", strerror(errno));
}

static pid_t start_compacting(void)
{
	const struct sched_param param = {};
	pid_t pid = test_fork();

	if (pid)
		return pid;
	set_cpu(COMPACT_CPU);
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		_exit(errno);
	/* The node comes and goes. */
	for (;;) {
		compaction->busy = true;
		compaction->done += !file_write(compact_file, "1");
		compaction->busy = false;
	}
}

/* A process that is busy for BUSY_MS after each SIGCONT. */
static pid_t start_busy(void)
{
	pid_t pid = test_fork();
	long long end;

	if (pid)
		return pid;
	set_cpu(COMPACT_CPU);
	for (;;) {
		raise(SIGSTOP);
		for (end = test_ms() + BUSY_MS; test_ms() < end;)
			;
	}
}

static void wait_for_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
		ksft_exit_fail_msg("the process that is busy ended\n");
}

/* Every other page of it is in use. */
static void *get_buffer(void)
{
	char *buf = mem_map_node(BUF_SIZE, nid);
	size_t at;

	for (at = 0; at < BUF_SIZE; at += 2 * page_size())
		madvise(buf + at, page_size(), MADV_DONTNEED);
	return buf;
}

/*
 * Compaction may not die, but wait for ever for the pages that are gone, and who
 * removes the node for compaction: show the stacks, and die.
 */
static void die(void)
{
	file_write("/proc/sysrq-trigger", "w");
	file_write("/proc/sysrq-trigger", "c");
}

/* A process that does so if nobody kills it: we may hang, too. */
static pid_t start_watchdog(void)
{
	pid_t pid = test_fork();

	if (pid)
		return pid;
	sleep(UNPLUG_SECONDS);
	die();
	_exit(1);
}

/*
 * True if the DIMM was online and compacted, and is gone. Adds to @nr_busy if
 * compaction was on when the DIMM was to be unplugged.
 */
static bool plug_and_unplug(const char *name, pid_t busy, int *nr_busy)
{
	struct blocks dimm = dimm_plug(name);
	unsigned int done = compaction->done;
	pid_t watchdog;
	void *buf;
	bool good;

	if (!block_set_all(&dimm, "online_movable"))
		return false;
	buf = get_buffer();
	usleep(SCAN_MS * 1000);
	good = compaction->done > done;
	kill(busy, SIGCONT);
	usleep(SCAN_MS * 1000);
	*nr_busy += compaction->busy;
	watchdog = start_watchdog();
	if (!dimm_eject(name))
		die();
	kill(watchdog, SIGKILL);
	waitpid(watchdog, NULL, 0);
	wait_for_stop(busy);
	munmap(buf, BUF_SIZE);
	return good && block_is_gone(&dimm);
}

int main(int argc, char **argv)
{
	pid_t compacting, busy;
	int round, rounds, nr_busy = 0;

	test_begin();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_compact NAME NODE ROUNDS\n");
	host_require();
	if (sysconf(_SC_NPROCESSORS_ONLN) != 2)
		ksft_exit_skip("needs two CPUs\n");

	ksft_set_plan(2);
	rounds = atoi(argv[3]);
	nid = atoi(argv[2]);
	snprintf(compact_file, sizeof(compact_file), "/sys/devices/system/node/node%d/compact",
		 nid);
	compaction = mem_map_shared(sizeof(*compaction));
	set_cpu(!COMPACT_CPU);
	compacting = start_compacting();
	busy = start_busy();
	wait_for_stop(busy);
	for (round = 0; round < rounds && plug_and_unplug(argv[1], busy, &nr_busy); round++)
		;
	ksft_test_result(test_is("DIMMs unplugged", round, rounds), "unplugged\n");

	ksft_print_msg("compacted %u times, %d of %d times while the DIMM was unplugged\n",
		       compaction->done, nr_busy, rounds);
	/* It has not ended: an oops would have killed it. */
	ksft_test_result(nr_busy > rounds / 2 && !waitpid(compacting, NULL, WNOHANG),
			 "compacted\n");
	ksft_exit(!ksft_get_fail_cnt());
}
