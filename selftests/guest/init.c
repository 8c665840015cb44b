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
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program.h"
#include "report.h"

#define COVERAGE_PORT	"memmap.coverage"
#define MAX_TESTS	16
#define MAX_ARGS	16

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
