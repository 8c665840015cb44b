// SPDX-License-Identifier: GPL-2.0
/*
 * A DIMM that is plugged into the slot of one that has just been ejected.
 *
 *	memmap_replug NAME ROUNDS
 *
 * The host unplugs the DIMM called NAME as soon as the kernel has ejected it
 * (_EJ0), and plugs another one, which the kernel may see when it looks whether
 * the old one is gone (_STA). To have it look late, a process of real-time
 * priority leaves the kernel's worker only a small part of the one CPU; this
 * process has a higher priority.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "block.h"
#include "file.h"
#include "host.h"
#include "test.h"

#define RT_RUNTIME	"/proc/sys/kernel/sched_rt_runtime_us"
#define BUSY_MS		50	/* longer than the host takes */
#define INCOMPLETE	"Eject incomplete"	/* logged if _STA is that of the new DIMM */
#define NEW_SECONDS	10	/* for the blocks of the new DIMM */

static struct blocks dimm;
static char rt_runtime[32];	/* as it was */

static void set_priority(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		ksft_exit_fail_msg("sched_setscheduler: %s\n", strerror(errno));
}

static void restore_runtime(void)
{
	file_write(RT_RUNTIME, rt_runtime);
}

static unsigned long last_block(void)
{
	return dimm.first + dimm.nr - 1;
}

/*
 * Once the old DIMM's blocks are gone, keep the CPU busy, with the shortest
 * breaks that there are.
 */
static pid_t start_busy(void)
{
	const struct timespec shortest = { .tv_nsec = 1 };
	pid_t pid = test_fork();
	long long end;

	if (pid)
		return pid;
	set_priority(SCHED_FIFO, 1);
	while (block_online(last_block()) >= 0)
		usleep(1000);
	for (;;) {
		for (end = test_ms() + BUSY_MS; test_ms() < end;)
			;
		nanosleep(&shortest, NULL);
	}
}

/* True if the kernel has found a new DIMM in place of the old one. */
static bool replug(const char *name)
{
	long long end = test_ms() + NEW_SECONDS * 1000;
	unsigned long long start, size;
	char answer[128];
	bool good;
	pid_t pid;

	fflush(stdout);
	set_priority(SCHED_FIFO, 2);
	pid = start_busy();
	good = !host_ask("unplug", name, answer, sizeof(answer));
	if (good)
		host_plug(name, &start, &size);
	kill(pid, SIGKILL);
	set_priority(SCHED_OTHER, 0);
	if (waitpid(pid, NULL, 0) != pid)
		return false;
	/* It appears last. */
	while (good && block_online(last_block()) < 0 && test_ms() < end)
		usleep(10000);
	return good && block_all(&dimm, 0);
}

int main(int argc, char **argv)
{
	int round, rounds;

	test_begin();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_replug NAME ROUNDS\n");
	host_require();
	if (sysconf(_SC_NPROCESSORS_ONLN) != 1)
		ksft_exit_skip("needs one CPU\n");
	if (file_read(RT_RUNTIME, rt_runtime, sizeof(rt_runtime)) || file_write(RT_RUNTIME, "-1"))
		ksft_exit_skip("no " RT_RUNTIME "\n");
	atexit(restore_runtime);

	ksft_set_plan(2);
	rounds = atoi(argv[2]);
	dimm = dimm_plug(argv[1]);
	for (round = 0; round < rounds && replug(argv[1]); round++)
		;
	ksft_print_msg("%d of %d DIMMs in place of another, %u times \"" INCOMPLETE "\"\n",
		       round, rounds, file_count_log(INCOMPLETE));
	ksft_test_result(round == rounds, "added\n");
	ksft_test_result(dimm_eject(argv[1]) && block_is_gone(&dimm), "gone\n");
	ksft_exit(!ksft_get_fail_cnt());
}
