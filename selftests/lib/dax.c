// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "dax.h"
#include "file.h"
#include "test.h"

#define DAX_DEVICES	"/sys/bus/dax/devices"
#define INFO_BLOCK	8192UL	/* nd_info_block_reserve() */
#define ADOPTED		NS_DIR "/namespace0.0"

/* Fill in the parts of @ns; @path/resource is the start of its data. */
static bool read_parts(const char *ns, const char *path, struct dax *dax)
{
	char file[128];

	if (!ns_read(ns, &dax->all) || !ns_read_pages(path, &dax->data)) {
		ksft_print_msg("%s: no pages\n", path);
		return false;
	}

	dax->reserve.pfn = dax->all.pfn;
	if (dax->data.pfn > dax->all.pfn)
		dax->reserve.nr = INFO_BLOCK / page_size() ? : 1;
	dax->storage.pfn = dax->reserve.pfn + dax->reserve.nr;
	dax->storage.nr = dax->data.pfn - dax->storage.pfn;

	snprintf(file, sizeof(file), "%s/numa_node", path);
	dax->nid = file_number(file);
	if (dax->nid < 0)
		dax->nid = 0;

	ksft_print_msg("%s: node %d, pfn %#lx, %lu reserve, %lu storage, %lu data\n",
		       dax->name, dax->nid, dax->all.pfn, dax->reserve.nr,
		       dax->storage.nr, dax->data.nr);
	return true;
}

/* namespaceX.Y becomes daxX.Y */
static void set_name(const char *ns, struct dax *dax, char *path, size_t size)
{
	snprintf(dax->name, sizeof(dax->name), "dax%.16s", ns + strlen("namespace"));
	snprintf(path, size, DAX_DEVICES "/%s", dax->name);
}

bool dax_check_altmap(const char *what, const struct dax *dax, const struct pages *pages)
{
	return page_check(what, pages, DAX_ALTMAP_MASK, dax_altmap_page, dax->nid);
}

bool dax_read(const char *ns, struct dax *dax)
{
	char path[96];

	set_name(ns, dax, path, sizeof(path));
	return read_parts(ns, path, dax);
}

bool dax_find(const char *ns, struct dax *dax)
{
	char path[96];

	set_name(ns, dax, path, sizeof(path));
	return ns_read_pages(path, &dax->data);
}

bool dax_read_fs(const char *ns, struct dax *dax)
{
	char path[96];

	/* pfnX.Z, where Z may differ from that of the namespace */
	snprintf(path, sizeof(path), NS_DIR "/%.64s/holder", ns);
	if (file_read(path, dax->name, sizeof(dax->name)))
		return false;
	/* With ND_REGION_PAGEMAP, map=mem is raw and has no holder. */
	if (!dax->name[0])
		snprintf(dax->name, sizeof(dax->name), "%s", ns);
	snprintf(path, sizeof(path), NS_DIR "/%s", dax->name);
	return read_parts(ns, path, dax);
}

bool dax_create(const char *ns, const char *map, const char *align, struct dax *dax)
{
	if (!ns_set_mode(ns, "devdax", map, align) || !dax_read(ns, dax))
		return false;
	ksft_print_msg("%s: map=%s\n", dax->name, map);
	return true;
}

void dax_make(const char *ns, const char *align, struct dax *dax)
{
	if (!dax_create(ns, "mem", align, dax))
		ksft_exit_fail_msg("no dax device\n");
}

bool dax_create_fs(const char *ns, const char *map, const char *align, struct dax *dax)
{
	return ns_set_mode(ns, "fsdax", map, align) && dax_read_fs(ns, dax);
}

bool dax_adopt(const char *uuid, const char *size, struct dax *dax)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;
	int fd;

	test_require_disposable();
	if (file_write(ADOPTED "/uuid", uuid) || file_write(ADOPTED "/size", size))
		return false;
	/* Fails: nd_dax_probe() claims it, and its driver binds on its own. */
	file_write("/sys/bus/nd/drivers/nd_pmem/bind", "namespace0.0");
	while ((fd = open("/dev/dax0.0", O_RDONLY)) < 0 && test_ms() < end)
		usleep(1000);
	close(fd);
	return fd >= 0 && dax_read("namespace0.0", dax);
}

pid_t dax_start_bind(const struct dax *dax, bool bind)
{
	pid_t pid = fork();

	if (!pid) {
		syscall(SYS_close_range, 3, ~0U, 0);
		_exit(-file_write(bind ? DAX_DRIVER "/bind" :
				  DAX_DRIVER "/unbind", dax->name));
	}
	return pid;
}

bool dax_wait_bind(const struct dax *dax, pid_t pid)
{
	long long end = test_ms() + BIND_SECONDS * 1000LL;
	int status = 0;
	pid_t got;

	if (pid < 0) {
		ksft_print_msg("%s: (un)bind: no child\n", dax->name);
		return false;
	}
	while ((got = waitpid(pid, &status, WNOHANG)) == 0) {
		if (test_ms() > end) {
			ksft_print_msg("%s: (un)bind still waits after %d s\n",
				       dax->name, BIND_SECONDS);
			return false;
		}
		usleep(1000);
	}

	/* The child was waited for before. */
	if (got != pid) {
		ksft_print_msg("%s: (un)bind: how it ended is not known: %s\n",
			       dax->name, strerror(errno));
		return false;
	}
	if (status)
		ksft_print_msg("%s: (un)bind: %s\n", dax->name,
			       strerror(WEXITSTATUS(status)));
	return status == 0;
}

bool dax_bind(const struct dax *dax, bool bind)
{
	return dax_wait_bind(dax, dax_start_bind(dax, bind));
}

bool dax_tell(const struct dax *dax, const char *driver, const char *verb)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "%s/%s", driver, verb);
	err = file_write(path, dax->name);
	if (err)
		ksft_print_msg("%s: %s: %s\n", path, dax->name, strerror(-err));
	return !err;
}

bool dax_check(const char *what, const struct dax *dax)
{
	return page_check(what, &dax->all, DEVICE_MASK, DEVICE_PAGE, dax->nid);
}

int dax_open(const struct dax *dax)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%.32s", dax->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		ksft_print_msg("%s: %s\n", path, strerror(errno));
	return fd;
}

int dax_target_node(const struct dax *dax)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/target_node", dax->name);
	return file_number(path);
}

void *dax_map(const struct dax *dax, size_t size, off_t offset)
{
	int fd = dax_open(dax);
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);

	if (addr == MAP_FAILED)
		ksft_exit_fail_msg("%s: mmap: %s\n", dax->name, strerror(errno));
	close(fd);
	return addr;
}
