// SPDX-License-Identifier: GPL-2.0
/*
 * What the memmap selftests share, see memmap.h.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"

#define CONTROL_PORT	"memmap.control"
#define MAX_PORTS	16
#define PORT_TRIES	500	/* for each, every 10 ms */
#define BLOCK		4096	/* records in one read */
#define PIN		1024	/* GUP_PIN_COUNTING_BIAS */
#define SHOWN		4	/* pages that memmap_count() prints */

static int pages_fd = -1;

void memmap_require(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);

	if (geteuid())
		ksft_exit_skip("needs root\n");

	pages_fd = open(PAGES_FILE, O_RDONLY | O_CLOEXEC);
	if (pages_fd < 0)
		ksft_exit_skip("needs debugfs, and the module test_memmap loaded: %s: %s\n",
			       PAGES_FILE, strerror(errno));
}

void memmap_require_disposable(void)
{
	const char *disposable = getenv("MEMMAP_DISPOSABLE");

	if (!disposable || strcmp(disposable, "1"))
		ksft_exit_skip("DESTROYS DATA and may hang devices: needs MEMMAP_DISPOSABLE=1\n");
}

void memmap_read(unsigned long pfn, struct test_memmap_page *rec, size_t nr)
{
	size_t want = nr * sizeof(*rec);
	ssize_t got;

	got = pread(pages_fd, rec, want, (off_t)pfn * sizeof(*rec));
	if (got != (ssize_t)want)
		ksft_exit_fail_msg("%s: pfn %#lx, %zu pages: read %zd: %s\n",
				   PAGES_FILE, pfn, nr, got, strerror(errno));
}

struct test_memmap_page memmap_page(unsigned long pfn)
{
	struct test_memmap_page rec;

	memmap_read(pfn, &rec, 1);
	return rec;
}

#ifdef PIN_V7
int memmap_references(const struct test_memmap_page *rec)
{
	return rec->refcount - rec->unused;
}

int memmap_users(const struct test_memmap_page *rec)
{
	return memmap_references(rec) - rec->mapped;
}

unsigned int memmap_order(const struct test_memmap_page *rec)
{
	return rec->order;
}

int memmap_pins(const struct test_memmap_page *rec)
{
	return rec->state & TEST_MEMMAP_PGMAP ? rec->pins : rec->refcount / PIN;
}
#else
int memmap_references(const struct test_memmap_page *rec)
{
	return rec->refcount - 1;
}

int memmap_users(const struct test_memmap_page *rec)
{
	return memmap_references(rec);
}

unsigned int memmap_order(const struct test_memmap_page *rec)
{
	(void)rec;
	return 0;
}

int memmap_pins(const struct test_memmap_page *rec)
{
	return rec->refcount / PIN;
}
#endif

unsigned long memmap_count(unsigned long pfn, unsigned long nr,
			   unsigned int mask, unsigned int want,
			   const char *what)
{
	static struct test_memmap_page rec[BLOCK];
	unsigned long matches = 0, shown = 0, done, step, i;

	for (done = 0; done < nr; done += step) {
		step = nr - done < BLOCK ? nr - done : BLOCK;
		memmap_read(pfn + done, rec, step);
		for (i = 0; i < step; i++) {
			if ((rec[i].state & mask) == want) {
				matches++;
				continue;
			}
			if (!what || shown++ >= SHOWN)
				continue;
			ksft_print_msg("%s: pfn %#lx state %#x flags %#llx refcount %d nid %d zone %u\n",
				       what, pfn + done + i, rec[i].state,
				       (unsigned long long)rec[i].flags,
				       rec[i].refcount, rec[i].nid, rec[i].zone);
		}
	}

	if (what && matches != nr)
		ksft_print_msg("%s: %lu of %lu pages are not as they should be\n",
			       what, nr - matches, nr);
	return matches;
}

/* One 64-bit word of a file that has one for every page. */
static unsigned long long read_word(const char *path, unsigned long index)
{
	uint64_t word;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	got = pread(fd, &word, sizeof(word), (off_t)index * sizeof(word));
	if (got != sizeof(word))
		ksft_exit_fail_msg("%s: word %#lx: read %zd: %s\n", path, index,
				   got, strerror(errno));
	close(fd);

	return word;
}

unsigned long long memmap_kpageflags(unsigned long pfn)
{
	return read_word("/proc/kpageflags", pfn);
}

unsigned long memmap_vaddr_to_pfn(const void *addr)
{
	const unsigned long long present = 1ULL << 63;
	const unsigned long long pfn_mask = (1ULL << 55) - 1;
	unsigned long long word;

	word = read_word("/proc/self/pagemap",
			 (unsigned long)addr / sysconf(_SC_PAGESIZE));
	return word & present ? word & pfn_mask : 0;
}

int read_text(const char *path, char *buf, size_t size)
{
	ssize_t got;
	int fd, err = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buf, size - 1);
	if (got < 0) {
		err = -errno;
		got = 0;
	}
	close(fd);

	while (got > 0 && isspace((unsigned char)buf[got - 1]))
		got--;
	buf[got] = '\0';
	return err;
}

int write_text(const char *path, const char *text)
{
	int fd, err = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);

	return err;
}

long long read_number(const char *path)
{
	char buf[64], *end;
	long long number;

	if (read_text(path, buf, sizeof(buf)))
		return -1;
	number = strtoull(buf, &end, 0);
	return end == buf ? -1 : number;
}

bool hold_pages(int held[2], void *addr, size_t nr)
{
	struct iovec iov = { addr, nr * sysconf(_SC_PAGESIZE) };
	ssize_t got;

	if (pipe2(held, O_CLOEXEC | O_NONBLOCK))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	got = vmsplice(held[1], &iov, 1, 0);
	if (got != (ssize_t)iov.iov_len)
		ksft_print_msg("vmsplice: %zd of %zu: %s\n", got, iov.iov_len,
			       strerror(errno));
	return got == (ssize_t)iov.iov_len;
}

void release_held(const int held[2])
{
	close(held[0]);
	close(held[1]);
}

long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int run_command(unsigned int seconds, const char *const argv[])
{
	long long end = now_ms() + seconds * 1000LL;
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

	/* The pipe closes when the command is gone; its output fits into it. */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (seconds && now_ms() > end) {
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

/*
 * Open the virtio port that the host listens on, or -1. The host tells the
 * driver the ports' names, which may take a moment.
 */
static int open_control_port(void)
{
	char path[64], name[64];
	int try, port;

	for (try = 0; try < PORT_TRIES * MAX_PORTS; try++) {
		port = try % MAX_PORTS;
		if (try && !port)
			usleep(10000);
		snprintf(path, sizeof(path),
			 "/sys/class/virtio-ports/vport0p%d/name", port);
		if (read_text(path, name, sizeof(name)) ||
		    strcmp(name, CONTROL_PORT))
			continue;
		snprintf(path, sizeof(path), "/dev/vport0p%d", port);
		return open(path, O_RDWR | O_CLOEXEC);
	}

	return -1;
}

int host_request(const char *request, char *answer, size_t size)
{
	const int limit_ms = 60 * 1000;
	long long end = now_ms() + limit_ms;
	struct pollfd port = { .events = POLLIN };
	size_t len = 0;
	int ret = -EIO;

	port.fd = open_control_port();
	if (port.fd < 0)
		return -ENODEV;

	dprintf(port.fd, "%s\n", request);
	snprintf(answer, size, "no answer in %d s", limit_ms / 1000);

	while (now_ms() < end && len < size - 1) {
		if (poll(&port, 1, 100) <= 0)
			continue;
		/* POLLHUP: the host has not connected yet. */
		if (!(port.revents & POLLIN)) {
			usleep(10000);
			continue;
		}
		if (read(port.fd, answer + len, 1) != 1)
			continue;
		if (answer[len++] != '\n')
			continue;
		answer[len - 1] = '\0';
		if (!strncmp(answer, "ok", 2)) {
			memmove(answer, answer + 2 + (answer[2] == ' '),
				strlen(answer + 2 + (answer[2] == ' ')) + 1);
			ret = 0;
		}
		break;
	}
	close(port.fd);

	return ret;
}
