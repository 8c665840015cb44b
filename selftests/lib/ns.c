// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <stdio.h>

#include "file.h"
#include "ns.h"
#include "test.h"

void ns_require(const char *ns)
{
	const char *const argv[] = { "ndctl", "--version", NULL };
	struct pages pages;

	if (!ns_read(ns, &pages) || test_run(NS_SECONDS, argv))
		ksft_exit_skip("needs ndctl and %s\n", ns);
}

const char *ns_require_arg(int argc, char *argv[])
{
	const char *ns = argc > 1 ? argv[1] : "namespace0.0";

	ns_require(ns);
	return ns;
}

bool ns_read_pages(const char *path, struct pages *pages)
{
	long long start, size;
	char file[128];

	snprintf(file, sizeof(file), "%s/resource", path);
	start = file_number(file);
	snprintf(file, sizeof(file), "%s/size", path);
	size = file_number(file);

	pages->pfn = start / (long long)page_size();
	pages->nr = size / (long long)page_size();
	return start > 0 && size > 0;
}

bool ns_read(const char *ns, struct pages *pages)
{
	char path[96];

	snprintf(path, sizeof(path), NS_DIR "/%.64s", ns);
	return ns_read_pages(path, pages);
}

bool ns_block_device(const char *ns, char *name, size_t size)
{
	struct dirent *entry = NULL;
	char path[128], holder[64];
	DIR *dir;

	snprintf(path, sizeof(path), NS_DIR "/%s/holder", ns);
	if (file_read(path, holder, sizeof(holder)) || !holder[0])
		snprintf(holder, sizeof(holder), "%s", ns);
	snprintf(path, sizeof(path), NS_DIR "/%s/block", holder);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && entry->d_name[0] == '.')
		;
	if (entry)
		snprintf(name, size, "/dev/%.32s", entry->d_name);
	if (dir)
		closedir(dir);
	return entry;
}

bool ns_create_raw(const char *ns)
{
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", "raw", NULL
	};

	test_require_disposable();
	return test_run(NS_SECONDS, argv) == 0;
}

bool ns_set_mode(const char *ns, const char *mode, const char *map, const char *align)
{
	char size[24];
	const char *const argv[] = {
		"ndctl", "create-namespace", "-f", "-e", ns, "-m", mode,
		"-M", map, "-a", size, NULL
	};

	if (strcmp(align, "4K"))
		snprintf(size, sizeof(size), "%s", align);
	else
		snprintf(size, sizeof(size), "%zuK", page_size() >> 10);
	test_require_disposable();
	return test_run(NS_SECONDS, argv) == 0;
}

bool ns_destroy(const char *ns)
{
	const char *const argv[] = {
		"ndctl", "destroy-namespace", "-f", ns, NULL
	};

	return test_run(NS_SECONDS, argv) == 0;
}

bool ns_write_garbage(const char *ns, unsigned long end, unsigned char byte)
{
	unsigned long offset;
	char path[64], *buf;
	bool good = true;
	int fd;

	if (!ns_block_device(ns, path, sizeof(path)))
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	buf = malloc(MB);
	if (fd < 0 || !buf)
		return false;
	memset(buf, byte, MB);

	for (offset = MB; good && offset < end; offset += MB)
		good = pwrite(fd, buf, MB, offset) == (ssize_t)MB;
	free(buf);
	if (fsync(fd))
		good = false;
	close(fd);

	return good;
}

bool ns_fill_with_garbage(const char *ns, unsigned char byte)
{
	struct pages pages;

	/* 64 bytes per page, plus alignment */
	return ns_create_raw(ns) && ns_read(ns, &pages) &&
	       ns_write_garbage(ns, pages.nr * 64 + 8 * MB, byte);
}
