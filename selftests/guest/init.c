// SPDX-License-Identifier: GPL-2.0
/*
 * PID 1 of the guest: mounts what the tests need, runs them one after the
 * other, reports in KTAP on a virtio port of its own, and powers off.
 *
 * What to run comes from the kernel command line, tests="word word ...":
 *
 *	prog,arg,...	run /tests/prog with these arguments
 *	vm/prog,arg,...	the same for another selftest of the tree; its
 *			exit code is its result if it prints no TAP
 *	kunit,suite	load /tests/<suite>_kunit.ko, report what it found
 *	shell		no tests: an interactive shell on the console
 *
 * The report is in KUnit's dialect ("TAP version 14", one level of subtests,
 * " - " before a description), so that any kernel's kunit.py can read it, and
 * is well formed whatever a test does: planned results that are missing when it
 * ends become failures.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESULT_PORT	"memmap.result"
#define COVERAGE_PORT	"memmap.coverage"
#define PORT_TRIES	500	/* every 10 ms */
#define HOST_TRIES	200	/* every 10 ms */
#define PORT_DRIVER	"/sys/bus/virtio/drivers/virtio_console/"
#define MAX_TESTS	16
#define MAX_ARGS	16
#define KSFT_SKIP	4
#ifndef TESTS
#define TESTS		"/tests"	/* test_init.sh overrides it */
#endif

static int report_fd = STDOUT_FILENO;

static void check_port(void);

static void __attribute__((format(printf, 1, 2))) report(const char *fmt, ...)
{
	va_list args;

	check_port();
	va_start(args, fmt);
	vdprintf(report_fd, fmt, args);
	va_end(args);
}

/*
 * Print a line on the console, in order with kernel messages. No stdio here: it
 * needs the file position, which /dev/kmsg does not have.
 */
static void console(const char *line)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char record[128];
	int len;

	len = snprintf(record, sizeof(record), "<1>%s\n", line);
	if (fd < 0 || write(fd, record, len) != len)
		printf("%s\n", line);
	close(fd);
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "devtmpfs", "/dev" },
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tmpfs", "/tmp" },
		{ "tmpfs", "/run" },
	};
	size_t i;

	for (i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL))
			printf("init: mount %s: %s\n", mounts[i].where,
			       strerror(errno));
	}
}

/*
 * ndctl needs random numbers for its UUIDs, which a guest without a hardware
 * RNG only gets after some seconds. These need not be secret.
 */
static void seed_random(void)
{
	struct {
		int bits, bytes;
		unsigned char data[64];
	} seed = { 512, 64, { 1, 2, 3 } };
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &seed))
		printf("init: /dev/urandom: %s\n", strerror(errno));
	close(fd);
}

/* Open the port of this name for writing. Returns -1 when there is none. */
static int open_port(const char *wanted)
{
	char path[64], name[64];
	int port, fd, len;

	for (port = 0; port < 16; port++) {
		snprintf(path, sizeof(path),
			 "/sys/class/virtio-ports/vport0p%d/name", port);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		len = read(fd, name, sizeof(name) - 1);
		close(fd);
		name[len > 0 ? len : 0] = '\0';
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, wanted))
			continue;
		snprintf(path, sizeof(path), "/dev/vport0p%d", port);
		return open(path, O_WRONLY | O_CLOEXEC);
	}
	return -1;
}

/*
 * The host sends the port names to the driver, which may take a moment. Without
 * a port for results, report on the console.
 */
static void open_report(void)
{
	int tries, fd = -1;

	for (tries = 0; fd < 0 && tries < PORT_TRIES; tries++) {
		if (tries)
			usleep(10000);
		fd = open_port(RESULT_PORT);
	}
	if (fd >= 0)
		report_fd = fd;
	else
		console("init: no result port, reporting on the console");
}

static int host_is_there(void)
{
	struct pollfd port = { .fd = report_fd };

	return poll(&port, 1, 0) <= 0 || !(port.revents & POLLHUP);
}

static void write_name(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, name, strlen(name)) < 0)
		printf("init: %s: %s\n", path, strerror(errno));
	close(fd);
}

/*
 * A write to a port waits until the driver knows that the host is connected.
 * After hibernation the driver asks again; v7.3 does so before it has a buffer
 * for the answer, and misses it (q35-hibernate-port). Rebind the driver then.
 */
static void check_port(void)
{
	const char *name;
	glob_t devices;
	int tries;

	if (report_fd == STDOUT_FILENO)
		return;
	for (tries = 0; !host_is_there(); tries++) {
		if (tries == HOST_TRIES)
			break;
		usleep(10000);
	}
	if (tries < HOST_TRIES)
		return;
	if (glob(PORT_DRIVER "virtio*", 0, NULL, &devices)) {
		console("init: the host's port is dead, and its driver has no device");
		return;
	}
	console("init: the host's port is dead, bound again");
	name = strrchr(devices.gl_pathv[0], '/') + 1;
	write_name(PORT_DRIVER "unbind", name);
	write_name(PORT_DRIVER "bind", name);
	globfree(&devices);
	close(report_fd);
	open_report();
}

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

static void run_program(int number, char *argv[])
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

/* Returns 0 or errno. */
static int load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err = errno;
	close(fd);
	return err;
}

/* Our own tests read struct pages through a module. */
static void load_test_memmap(void)
{
	const char *path = TESTS "/test_memmap.ko";
	char line[128];
	int err = load_module(path);

	if (!err)
		return;
	snprintf(line, sizeof(line), "init: %s: %s", path, strerror(err));
	console(line);
}

/* Load a KUnit suite and copy its report from debugfs. */
static void run_kunit(int number, const char *suite)
{
	char path[128], line[512], *name;
	FILE *results;
	int bad, err;

	snprintf(path, sizeof(path), "/tests/%s_kunit.ko", suite);
	err = load_module(path);

	snprintf(path, sizeof(path), "/sys/kernel/debug/kunit/%s/results", suite);
	results = err ? NULL : fopen(path, "re");
	if (!results) {
		report("    # Subtest: %s\n    1..1\n", suite);
		report("    not ok 1 - load %s\nnot ok %d - %s\n",
		       strerror(err ? err : errno), number, suite);
		return;
	}

	/*
	 * The suite's result line always has number 1: replace it. Since v6.3
	 * the file is a whole report, with a version and a plan of one.
	 */
	while (fgets(line, sizeof(line), results)) {
		if (!strncmp(line, "KTAP version", 12) || !strcmp(line, "1..1\n"))
			continue;
		bad = !strncmp(line, "not ok 1 ", 9);
		if (!bad && strncmp(line, "ok 1 ", 5)) {
			report("%s", line);
			continue;
		}
		name = line + (bad ? 9 : 5);
		if (!strncmp(name, "- ", 2))
			name += 2;
		report("%sok %d - %s", bad ? "not " : "", number, name);
	}
	fclose(results);
}

static void shell(void)
{
	char *const argv[] = { "/bin/sh", "-l", NULL };
	pid_t pid;

	setenv("PATH", "/tests:/bin:/sbin:/usr/bin:/usr/sbin", 1);
	pid = fork();
	if (!pid) {
		setsid();
		dup2(open("/dev/console", O_RDWR), STDIN_FILENO);
		execv("/bin/busybox", argv);
		execv(argv[0], argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

/*
 * Print the leaks that kmemleak finds on the console: their first lines make
 * the case fail. kmemleak leaves out objects that are younger than five
 * seconds, and its first scan may be wrong.
 */
static void scan_for_leaks(void)
{
	const char *path = "/sys/kernel/debug/kmemleak";
	char line[256];
	FILE *leaks;
	int scans;

	if (access(path, W_OK))
		return;
	sleep(6);
	for (scans = 0; scans < 2; scans++) {
		leaks = fopen(path, "we");
		if (!leaks || fputs("scan", leaks) < 0 || fclose(leaks))
			console("init: kmemleak does not scan");
	}
	leaks = fopen(path, "re");
	while (leaks && fgets(line, sizeof(line), leaks)) {
		line[strcspn(line, "\n")] = '\0';
		console(line);
	}
	if (leaks)
		fclose(leaks);
}

/*
 * Send the gcov data to the host as a tar file. Copy it first: the files in
 * debugfs have no size until they are read.
 */
static void send_coverage(void)
{
	static const char script[] =
		"cd /sys/kernel/debug/gcov && find . -name '*.gcda' |\n"
		"while read -r f; do\n"
		"	mkdir -p \"/tmp/gcov/${f%/*}\"\n"
		"	cat \"$f\" >\"/tmp/gcov/$f\"\n"
		"done\n"
		"tar -C /tmp/gcov -cf - .";
	int fd, status = -1;
	pid_t pid;

	fd = open_port(COVERAGE_PORT);
	if (fd < 0)
		return;
	pid = fork();
	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		setenv("PATH", "/bin", 1);
		execl("/bin/busybox", "sh", "-c", script, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		console("init: no coverage");
	close(fd);
}

/*
 * A device that can't be unbound can block a power-off forever. Report that and
 * reset then: the host is waiting for QEMU to end.
 */
static void power_off(void)
{
	const int limit = 10;
	int fd;

	sync();
	console("init: end of run");
	report("# end of run\n");

	if (!fork()) {
		reboot(RB_POWER_OFF);
		_exit(1);
	}
	sleep(limit);
	report("Bail out! power-off still hangs after %d s\n", limit);
	usleep(100000);
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	if (write(fd, "b", 1) != 1)
		reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	char *words[MAX_TESTS], *args[MAX_ARGS + 1];
	char *tests, *arg;
	int nr = 0, i, n;

	mount_all();
	seed_random();
	console("init: start");

	tests = strdup(getenv("tests") ? getenv("tests") : "");
	if (!strcmp(tests, "shell")) {
		shell();
		reboot(RB_POWER_OFF);
	}

	open_report();
	/* The tests may destroy all that the guest has. */
	setenv("MEMMAP_DISPOSABLE", "1", 1);
	while (nr < MAX_TESTS && (words[nr] = strsep(&tests, " ")))
		if (words[nr][0])
			nr++;

	if (nr && strstr(getenv("tests"), "memmap_"))
		load_test_memmap();
	report("TAP version 14\n1..%d\n", nr);
	for (i = 0; i < nr; i++) {
		for (n = 0; n < MAX_ARGS && (arg = strsep(&words[i], ",")); n++)
			args[n] = arg;
		args[n] = NULL;
		if (!strcmp(args[0], "kunit") && args[1])
			run_kunit(i + 1, args[1]);
		else
			run_program(i + 1, args);
	}
	scan_for_leaks();
	send_coverage();
	power_off();
}
