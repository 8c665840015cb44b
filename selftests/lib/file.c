// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <fcntl.h>

#include "file.h"
#include "test.h"

int file_read(const char *path, char *buf, size_t size)
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

int file_write(const char *path, const char *text)
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
		/* The kernel also prints negative ones as if they were not. */
		number = strtoull(line + len + 1, NULL, 10);
		break;
	}
	fclose(file);
	return number;
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
