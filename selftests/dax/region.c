// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_namespaces: many namespaces in one region, which share a section.
 */
#include <dirent.h>

#include "region.h"
#include "test.h"

#define PART	"32M"	/* REGION_PART_SIZE, for ndctl */

/* A part of the region, and its namespace. */
static struct part {
	const struct kind *kind;
	char ns[32];
	struct dax dax;
} parts[REGION_PARTS];

static const char *region;	/* its name */

/* With labels a region can have several namespaces, without only one. */
static bool init_labels(void)
{
	const char *const command[][4] = {
		{ "ndctl", "disable-region", region, NULL },
		{ "ndctl", "init-labels", "all", NULL },
		{ "ndctl", "enable-region", region, NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(command); i++)
		if (test_run(NS_SECONDS, command[i]))
			return false;
	return true;
}

bool region_init(const char *name)
{
	region = name;
	return init_labels();
}

bool region_init_garbage(const char *name)
{
	char whole[32];

	/* A label area without labels: still one namespace. */
	snprintf(whole, sizeof(whole), "namespace%.8s.0", name + strlen("region"));
	return ns_write_garbage(whole, REGION_PARTS * REGION_PART_SIZE, NS_GARBAGE) &&
	       region_init(name);
}

/* Find the region's namespace that is not in parts[]. */
static bool find_new(struct part *new)
{
	struct pages pages;
	size_t number, i;
	char ns[32];

	for (number = 0; number < 2 * REGION_PARTS; number++) {
		snprintf(ns, sizeof(ns), "namespace%.8s.%zu",
			 region + strlen("region"), number);
		for (i = 0; i < REGION_PARTS; i++)
			if (!strcmp(parts[i].ns, ns))
				break;
		if (i < REGION_PARTS || !ns_read(ns, &pages))
			continue;
		strcpy(new->ns, ns);
		new->dax.all = pages;
		return true;
	}
	return false;
}

bool region_create(size_t i, const struct kind *kind)
{
	struct part *part = &parts[i];
	const char *argv[16] = {
		"ndctl", "create-namespace", "-r", region, "-s", PART, "-m",
		kind->mode,
	};
	const char *const more[] = { "-M", kind->map, "-a", kind->align };

	if (kind->map)
		memcpy(argv + 8, more, sizeof(more));
	part->kind = kind;
	part->ns[0] = '\0';
	return test_run(NS_SECONDS, argv) == 0 &&
	       find_new(part) &&
	       (!kind->map || kind_read(kind, part->ns, &part->dax));
}

const struct dax *region_dax(size_t i)
{
	return &parts[i].dax;
}

bool region_check_part(size_t i)
{
	const struct part *part = &parts[i];
	const struct kind *kind = part->kind;
	const struct dax *dax = &part->dax;

	/* Not created yet. */
	if (!kind)
		return true;
	if (!part->ns[0])
		return page_is_gone("gone", &dax->all);
	if (!kind->map)
		return page_is_gone(part->ns, &dax->all);
	return kind_check_data(kind, dax) &&
	       (!kind_has_altmap(kind) ||
		dax_check_altmap("storage", dax, &dax->storage));
}

bool region_check(void)
{
	bool good = true;
	size_t i;

	for (i = 0; i < REGION_PARTS; i++)
		good &= region_check_part(i);
	return good;
}

bool region_destroy(size_t i)
{
	struct part *part = &parts[i];
	bool good = part->ns[0] && ns_destroy(part->ns);

	part->ns[0] = '\0';
	return good;
}

/* Open a block device, and read it to its end, or until it is gone. */
static void read_device(const char *name, unsigned long *read_bytes, int flags, char *buf)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/dev/%.32s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	if (fd < 0)
		return;
	while ((got = read(fd, buf, MB)) > 0)
		__atomic_fetch_add(read_bytes, got, __ATOMIC_RELAXED);
	close(fd);
}

pid_t region_start_reader(unsigned long *read_bytes, int flags)
{
	char *buf = mem_map(MB);
	pid_t pid = test_fork();
	struct dirent *entry;
	DIR *dir;

	while (!pid) {
		dir = opendir("/dev");
		while (dir && (entry = readdir(dir)))
			if (!strncmp(entry->d_name, "pmem", 4))
				read_device(entry->d_name, read_bytes, flags, buf);
		if (dir)
			closedir(dir);
	}
	munmap(buf, MB);
	return pid;
}
