// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "page.h"
#include "test.h"

void test_require(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (access(PAGE_FILE, R_OK))
		ksft_exit_skip("needs debugfs, and the module test_memmap loaded: %s: %s\n",
			       PAGE_FILE, strerror(errno));
}

void test_require_disposable(void)
{
	const char *disposable = getenv("MEMMAP_DISPOSABLE");

	if (!disposable || strcmp(disposable, "1"))
		ksft_exit_skip("DESTROYS DATA and may hang devices: needs MEMMAP_DISPOSABLE=1\n");
}

void test_begin(void)
{
	ksft_print_header();
	test_require();
	test_require_disposable();
}

pid_t test_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

bool test_is(const char *what, long value, long want)
{
	if (value != want)
		ksft_print_msg("%s: %ld, should be %ld\n", what, value, want);
	return value == want;
}

long long test_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int test_run(unsigned int seconds, const char *const argv[])
{
	long long end = test_ms() + seconds * 1000LL;
	char line[512];
	int out[2], status;
	FILE *lines;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -1;

	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);

	/* The output fits into the pipe: read it after the command exits. */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (seconds && test_ms() > end) {
			ksft_print_msg("%s: still running after %u s\n",
				       argv[0], seconds);
			kill(pid, SIGKILL);
			close(out[0]);
			waitpid(pid, &status, WNOHANG);
			return -1;
		}
		usleep(1000);
	}

	lines = fdopen(out[0], "r");
	while (lines && fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\n")] = '\0';
		ksft_print_msg("%s: %s\n", argv[0], line);
	}
	if (lines)
		fclose(lines);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
