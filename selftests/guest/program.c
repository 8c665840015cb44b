// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"
#include "report.h"

#define KSFT_SKIP	4

/* What one test has printed so far. */
struct progress {
	int planned;	/* -1: no plan yet */
	int seen;
	int failed;
	char skip[256];	/* why all of it is skipped */
	char run[128];	/* name in the last "# RUN" line */
	char last[256];	/* last line of other output */
	int tap;	/* it prints TAP */
};

/* Report the line if it is the first plan. */
static int report_plan(const char *line, struct progress *p)
{
	const char *skip;
	int number;

	if (p->planned >= 0 || sscanf(line, "1..%d", &number) != 1)
		return 0;
	p->planned = number;
	p->tap = 1;
	skip = strstr(line, "# SKIP");
	if (skip)
		snprintf(p->skip, sizeof(p->skip), "%s", skip + strlen("# SKIP"));
	report("    %s\n", line);
	return 1;
}

/* Report the line if it is a result. */
static int report_result(const char *line, struct progress *p)
{
	const int ok = !strncmp(line, "ok ", 3);
	int number, len = 0;
	const char *what;
	char name[64];

	if (!ok && strncmp(line, "not ok ", 7))
		return 0;
	what = line + (ok ? 3 : 7);
	if (sscanf(what, "%d %n", &number, &len) != 1 || !len)
		return 0;
	what += len;
	if (!strncmp(what, "- ", 2))
		what += 2;
	p->seen++;
	p->failed += !ok;
	/* kselftest.h puts the name after SKIP: "# SKIP name: why" */
	len = 0;
	if (sscanf(what, "# SKIP %63[a-z0-9_]: %n", name, &len) == 1 && len)
		report("    ok %d - %s # SKIP %s\n", number, name, what + len);
	/* kselftest_harness.h prints it only before, in "# RUN" */
	else if (!strncmp(what, "# SKIP", 6) && p->run[0])
		report("    ok %d - %s %s\n", number, p->run, what);
	else
		report("    %s %d - %s\n", ok ? "ok" : "not ok", number, what);
	return 1;
}

/* Pass on one line of a kselftest, in KUnit's dialect. */
static void report_line(const char *line, struct progress *p)
{
	if (report_plan(line, p) || report_result(line, p))
		return;
	if (!strncmp(line, "TAP version", 11)) {
		p->tap = 1;
		return;
	}
	sscanf(line, "# RUN %127s", p->run);
	snprintf(p->last, sizeof(p->last), "%s", line);
	report("    %s%s\n", line[0] == '#' ? "" : "# ", line);
}

static pid_t spawn(char *argv[], int *out)
{
	char path[256], *slash;
	int fds[2];
	pid_t pid;

	snprintf(path, sizeof(path), TESTS "/%s", argv[0]);
	slash = strchr(argv[0], '/') ? strrchr(path, '/') : NULL;
	if (pipe(fds))
		return -1;
	/* Don't leak our end to a grandchild that may hang in the kernel. */
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);

	pid = fork();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[1]);
		setenv("PATH", "/tests:/bin:/sbin:/usr/bin:/usr/sbin", 1);
		if (slash) {	/* like run_kselftest.sh; some open argv[0] */
			*slash = '\0';
			if (chdir(path))
				printf("chdir %s: %s\n", path, strerror(errno));
			*slash = '/';
			argv[0] = path;
		}
		execv(path, argv);
		printf("Bail out! %s: %s\n", path, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

/* Read what a test prints until it exits. Returns its wait status. */
static int follow(pid_t pid, int fd, struct progress *p)
{
	struct pollfd out = { .fd = fd, .events = POLLIN };
	char line[1024];
	size_t len = 0;
	int status = 0, gone = 0;

	for (;;) {
		if (poll(&out, 1, gone ? 0 : 50) > 0 && (out.revents & POLLIN)) {
			char c;

			if (read(fd, &c, 1) != 1)
				break;
			if (c != '\n' && len < sizeof(line) - 1) {
				line[len++] = c;
				continue;
			}
			line[len] = '\0';
			report_line(line, p);
			len = 0;
			continue;
		}
		if (gone)
			break;
		if (waitpid(pid, &status, WNOHANG) == pid)
			gone = 1;
	}
	if (!gone)
		waitpid(pid, &status, 0);
	if (len) {
		line[len] = '\0';
		report_line(line, p);
	}
	close(fd);

	return status;
}

/*
 * A selftest without TAP is one test, named after its arguments: report its
 * exit code.
 */
static void report_exit(char *const argv[], struct progress *p, int status)
{
	int skipped = WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP;
	char name[128], *c;
	size_t len = 0;

	for (argv++; *argv && len < sizeof(name) - 1; argv++)
		len += snprintf(name + len, sizeof(name) - len, "%s%s",
				len ? "_" : "", *argv + strspn(*argv, "-/"));
	if (!len)
		strcpy(name, "exit");
	for (c = name; *c; c++)
		if (strchr("/ #", *c))
			*c = '_';

	p->planned = 1;
	p->seen = 1;
	p->failed = status && !skipped;
	report("    1..1\n");
	if (p->failed)
		report("    # ended with status %#x\n", status);
	report("    %s 1 - %s%s%s\n", p->failed ? "not ok" : "ok", name,
	       skipped ? " # SKIP " : "", skipped ? p->last : "");
}

static void end_test(int number, const char *name, struct progress *p,
		     int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	int bad = p->failed || (code && code != KSFT_SKIP);

	if (!p->planned && p->skip[0]) {
		report("ok %d - %s # SKIP%s\n", number, name, p->skip);
		return;
	}
	if (p->planned < 0) {
		p->planned = 1;
		report("    1..1\n");
	}
	while (p->seen < p->planned) {
		report("    not ok %d - missing (status %#x before this)\n",
		       ++p->seen, status);
		bad = 1;
	}
	if (bad && !p->failed)
		report("    # %s ended with status %#x\n", name, status);
	report("%s %d - %s\n", bad ? "not ok" : "ok", number, name);
}

void run_program(int number, char *argv[])
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	struct progress p = { .planned = -1 };
	int out, status = -1;
	pid_t pid;

	report("    # Subtest: %s\n", name);
	pid = spawn(argv, &out);
	if (pid > 0)
		status = follow(pid, out, &p);
	if (slash && !p.tap)
		report_exit(argv, &p, status);
	end_test(number, name, &p, status);
}
