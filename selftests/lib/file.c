// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <fcntl.h>
#include <sys/klog.h>

#include "file.h"
#include "test.h"

#define SYSLOG_READ_ALL	3	/* SYSLOG_ACTION_READ_ALL */

int file_read(const char *path, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* One read() of a file like /proc/iomem returns at most a page. */
	while ((got = read(fd, buf + len, size - 1 - len)) > 0)
		len += got;
	err = got < 0 ? -errno : 0;
	close(fd);

	while (len && isspace((unsigned char)buf[len - 1]))
		len--;
	buf[len] = '\0';
	return err;
}

int file_write(const char *path, const char *text)
{
	const size_t len = strlen(text);
	int fd, err = 0;
	ssize_t got;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = write(fd, text, len);
	if (got < 0)
		err = -errno;
	else if ((size_t)got != len)
		err = -EIO;
	close(fd);

	return err;
}

long long file_number(const char *path)
{
	char buf[64], *end;
	long long number;

	if (file_read(path, buf, sizeof(buf)))
		return -1;
	number = strtoull(buf, &end, 0);
	return end == buf ? -1 : number;
}

long long file_field(const char *path, const char *name)
{
	const size_t len = strlen(name);
	FILE *file = file_open(path);
	long long number = -1;
	char line[256];

	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, len) || !strchr(": ", line[len]))
			continue;
		/* The kernel prints negative numbers as unsigned ones. */
		number = strtoull(line + len + 1, NULL, 10);
		break;
	}
	fclose(file);
	return number;
}

unsigned int file_count_log(const char *what)
{
	static char log[1 << 19];
	int len = klogctl(SYSLOG_READ_ALL, log, sizeof(log) - 1);
	unsigned int nr = 0;
	char *line, *next = log;

	if (len < 0)
		ksft_exit_fail_msg("kernel log: %s\n", strerror(errno));
	log[len] = '\0';
	while ((line = strsep(&next, "\n")))
		nr += !!strstr(line, what);
	return nr;
}

FILE *file_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		ksft_exit_fail_msg("%s: %s\n", path, strerror(errno));
	return file;
}

int file_open_mem(void)
{
	int fd = open("/dev/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		ksft_exit_skip("needs /dev/mem\n");
	return fd;
}
