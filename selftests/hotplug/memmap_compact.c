// SPDX-License-Identifier: GPL-2.0
/*
 * Compaction scans the memory of a DIMM while that goes offline and is unplugged.
 *
 *	memmap_compact NAME NODE ROUNDS
 *
 * The DIMM called NAME is the only memory of NODE. A process has that node
 * compacted again and again. Before the DIMM is unplugged, another process
 * begins to keep that CPU busy: the first, of policy SCHED_IDLE, is preempted
 * where it is, and gets hardly any time until the DIMM is gone. Needs two CPUs.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "block.h"
#include "file.h"
#include "host.h"
#include "test.h"

#define COMPACT_CPU	1
#define SCAN_MS		100	/* for the process to begin, and to be preempted */

static char compact_file[64];
static unsigned int *nr_compacted;	/* how often; shared with the process */

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
	for (;;)
		*nr_compacted += !file_write(compact_file, "1");
}

static pid_t start_busy(void)
{
	pid_t pid = test_fork();

	if (pid)
		return pid;
	set_cpu(COMPACT_CPU);
	raise(SIGSTOP);
	for (;;)
		;
}

/* True if the DIMM was online, and is gone. */
static bool plug_and_unplug(const char *name, pid_t busy)
{
	struct blocks dimm = dimm_plug(name);
	bool good;

	if (!block_set_all(&dimm, "online_movable"))
		return false;
	usleep(SCAN_MS * 1000);
	kill(busy, SIGCONT);
	usleep(SCAN_MS * 1000);
	good = dimm_eject(name);
	kill(busy, SIGSTOP);
	return good && block_is_gone(&dimm);
}

int main(int argc, char **argv)
{
	pid_t compacting, busy;
	int round, rounds;

	test_begin();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_compact NAME NODE ROUNDS\n");
	host_require();
	if (sysconf(_SC_NPROCESSORS_ONLN) != 2)
		ksft_exit_skip("needs two CPUs\n");

	ksft_set_plan(2);
	rounds = atoi(argv[3]);
	snprintf(compact_file, sizeof(compact_file), "/sys/devices/system/node/node%d/compact",
		 atoi(argv[2]));
	nr_compacted = mmap(NULL, sizeof(*nr_compacted), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (nr_compacted == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	set_cpu(!COMPACT_CPU);
	compacting = start_compacting();
	busy = start_busy();
	for (round = 0; round < rounds && plug_and_unplug(argv[1], busy); round++)
		;
	ksft_test_result(test_is("DIMMs unplugged", round, rounds), "unplugged\n");

	ksft_print_msg("%u times compacted\n", *nr_compacted);
	/* It has not ended: an oops would have killed it. */
	ksft_test_result(*nr_compacted >= (unsigned int)rounds && !waitpid(compacting, NULL, WNOHANG),
			 "compacted\n");
	ksft_exit(!ksft_get_fail_cnt());
}
