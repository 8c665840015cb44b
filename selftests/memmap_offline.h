/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory blocks that the host takes parts of away (virtio-mem), and the pages
 * that are PageOffline meanwhile.
 */
#ifndef _SELFTESTS_MEMMAP_OFFLINE_H
#define _SELFTESTS_MEMMAP_OFFLINE_H

#include <fcntl.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"

/* More bits of /proc/kpageflags. */
#define KPF_DIRTY	4
#define KPF_OFFLINE	23

#define OFFLINE_CHUNK	4096
#define OFFLINE_SHOWN	4

/* Write @state to the memory block's file, bounded in time. */
static inline bool set_state(unsigned long block, const char *state)
{
	int err = try_block_state(block, state);

	if (err)
		ksft_print_msg("memory%lu: %s: %s\n", block, state,
			       strerror(-err));
	return !err;
}

/* Memory that the page allocator manages, in pages. */
static inline long managed_pages(void)
{
	FILE *file = open_file("/proc/meminfo");
	unsigned long kb = 0;
	char line[128];

	while (!kb && fgets(line, sizeof(line), file))
		sscanf(line, "MemTotal: %lu kB", &kb);
	fclose(file);

	return kb * 1024 / sysconf(_SC_PAGESIZE);
}

/* What the pages of a range are, in numbers. */
struct held {
	unsigned long usable;	/* no PageOffline: the page allocator's, or used */
	unsigned long kept;	/* PageOffline and dirty: it never got them */
	unsigned long taken;	/* PageOffline only: taken away from it */
	unsigned long wrong;	/* reserved, not online, or with odd references */
};

/* Look at all of [@pfn, @pfn + @nr); the first few that are wrong are printed. */
static inline struct held count_held(unsigned long pfn, unsigned long nr)
{
	const unsigned int mask = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				  TEST_MEMMAP_RESERVED | TEST_MEMMAP_DEVICE;
	const unsigned int want = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE;
	static struct test_memmap_page recs[OFFLINE_CHUNK];
	static unsigned long long words[OFFLINE_CHUNK];
	unsigned long end = pfn + nr, step, i;
	struct held held = {};
	bool offline;
	int fd;

	fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ksft_exit_fail_msg("/proc/kpageflags: %s\n", strerror(errno));
	for (; pfn < end; pfn += step) {
		step = end - pfn < OFFLINE_CHUNK ? end - pfn : OFFLINE_CHUNK;
		memmap_read(pfn, recs, step);
		if (pread(fd, words, step * sizeof(*words),
			  (off_t)pfn * sizeof(*words)) !=
		    (ssize_t)(step * sizeof(*words)))
			ksft_exit_fail_msg("/proc/kpageflags: pfn %#lx: %s\n",
					   pfn, strerror(errno));
		for (i = 0; i < step; i++) {
			offline = words[i] >> KPF_OFFLINE & 1;
			if (!offline)
				held.usable++;
			else if (words[i] >> KPF_DIRTY & 1)
				held.kept++;
			else
				held.taken++;
			if ((recs[i].state & mask) == want &&
			    (!offline || recs[i].refcount == 1))
				continue;
			if (held.wrong++ < OFFLINE_SHOWN)
				ksft_print_msg("pfn %#lx kpageflags %#llx state %#x refcount %d\n",
					       pfn + i, words[i], recs[i].state,
					       recs[i].refcount);
		}
	}
	close(fd);

	return held;
}

/* Is the range made up of just so many pages? */
static inline bool is_held(const char *what, unsigned long pfn, unsigned long nr,
			   unsigned long kept, unsigned long taken)
{
	struct held held = count_held(pfn, nr);

	if (!held.wrong && held.kept == kept && held.taken == taken)
		return true;
	ksft_print_msg("%s: %lu pages usable, %lu kept (not %lu), %lu taken (not %lu), %lu wrong\n",
		       what, held.usable, held.kept, kept, held.taken, taken,
		       held.wrong);
	return false;
}

#endif
