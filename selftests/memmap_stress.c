// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory and memory blocks that come and go at the same time, somebody
 * who looks at their struct pages meanwhile, and two who use them.
 *
 *	memmap_stress DIMM START SIZE ROUNDS SEED [pmem]
 *
 * Six processes unbind and bind dax devices on namespace0.0 and namespace1.0;
 * online and offline the blocks of a DIMM that was there at boot, at START, and
 * offline; have the host plug and unplug the one called DIMM; read
 * /proc/kpageflags and test_memmap's pages; run a virtual machine on memory of
 * the devices and on RAM; and map that for VFIO. Each goes on until all have
 * done each of their actions ROUNDS times. What they choose depends on SEED.
 * Everything is as it was in the end. With "pmem" test_memmap is also asked
 * about a device that shares a section with RAM, while that is being unbound.
 *
 * Wants KVM, an IOMMU and QEMU's "edu" PCI device.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"
#include "memmap_layout.h"
#include "memmap_stress.h"

#define MAX_TRIES	1000		/* for a round: whoever needs more has failed */
#define CHUNK		4096		/* pages in one read */
#define SLICE		(32 * CHUNK)	/* pages in one action */

static struct range areas[MAX_RANGES + 2];	/* for read_pages_file() */
static int nr_ram, nr_areas;			/* the first ones are RAM */
static const char *dimm;

/*
#ifdef PIN_V7
 * An unbind waits for whoever has the pgmap, for ever if it is not given back:
#else
 * An unbind waits for whoever has a page, for ever if that is never given back:
#endif
 * that is the end of it then, and of its device.
 */
static void bind_devices(void)
{
	const unsigned long i = pick(NR_DAX);
	int err;

#ifdef PIN_V7
	if (shared->hung || !claim(i))
		return;
#else
	if (shared->hung)
		return;
#endif
	add(shared->turns[i]);
	if (!bind_dax(&dax[i], false)) {
		count(UNBIND, dax[i].name, EBUSY);
		add(shared->hung);
		return;
	}
	add(shared->unbound[i]);
	count(UNBIND, dax[i].name, 0);
	err = write_text(DAX_DRIVER "/bind", dax[i].name);
	count(BIND, dax[i].name, -err);
	if (!err)
		add(shared->turns[i]);
#ifdef PIN_V7
	release(i);
#endif
}

static void online_blocks(void)
{
	unsigned long block = first_block + pick(nr_blocks);
	bool movable = pick(2);

	if (block_online(block))
		count(OFFLINE, "DIMM", -try_block_state(block, "offline"));
	else if (movable)
		count(ONLINE_MOVABLE, "DIMM", -try_block_state(block, "online_movable"));
	else
		count(ONLINE_KERNEL, "DIMM", -try_block_state(block, "online_kernel"));
}

/* An ejection that comes before the DIMM's last block may be missed. */
static int wait_for_blocks(const char *answer)
{
	long long end = now_ms() + PLUG_SECONDS * 1000, start, size, last;

	if (sscanf(answer, "%lli %lli", &start, &size) != 2)
		return -EINVAL;
	shared->plugged_pfn = start / sysconf(_SC_PAGESIZE);
	shared->plugged_nr = size / sysconf(_SC_PAGESIZE);
	last = (start + size) / sysconf(_SC_PAGESIZE) / pages_per_block - 1;
	while (block_online(last) < 0) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

static void plug_or_unplug(void)
{
	static bool plugged;
	char request[64], answer[128];
	int err;

	snprintf(request, sizeof(request), "%s %s", plugged ? "unplug" : "plug", dimm);
	err = host_request(request, answer, sizeof(answer));
	if (err)
		ksft_print_msg("%s: %s\n", request, answer);
	if (!err && !plugged)
		err = wait_for_blocks(answer);
#ifdef PIN_V7
	if (plugged)
		wait_for_ejection();
#endif
	count(plugged ? UNPLUG : PLUG, dimm, -err);
	plugged ^= !err;
}

/* It must not be left in the end. */
static void unplug_dimm(void)
{
	while (shared->done[PLUG] > shared->done[UNPLUG] && !shared->failed[UNPLUG])
		plug_or_unplug();
}

/*
 * Pages whose struct pages stay. Not of others: test_memmap does not look out
 * for one that is taken away.
 */
static void find_areas(bool with_pmem)
{
	unsigned long pages = pages_per_block, i, first, last;

	for (nr_ram = read_system_ram(areas, MAX_RANGES); nr_ram; nr_ram--)
		if (areas[nr_ram - 1].start < first_block * pages)
			break;	/* from here on it is not the DIMM */
	nr_areas = nr_ram;
	for (i = 0; with_pmem && i < ARRAY_SIZE(dax); i++) {
		first = dax[i].all.pfn / pages * pages;
		last = (dax[i].all.pfn + dax[i].all.nr - 1) / pages * pages;
		if (first != last || !system_ram_pages(first, first + pages))
			continue;
		ksft_print_msg("%s shares a section with RAM\n", dax[i].name);
		areas[nr_areas].start = dax[i].all.pfn;
		areas[nr_areas++].end = dax[i].all.pfn + dax[i].all.nr;
	}
}

static void read_pages_file(void)
{
	const unsigned int online = TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE;
	static struct test_memmap_page rec[CHUNK];
	unsigned long area = pick(nr_areas), i;
	unsigned long start = areas[area].start, end = areas[area].end;

	start += pick(end - start);
	end = end - start > CHUNK ? start + CHUNK : end;
	memmap_read(start, rec, end - start);
	for (i = 0; i < end - start; i++)
		if (area >= (unsigned long)nr_ram) {
			if (rec[i].state & TEST_MEMMAP_ONLINE)
				add(shared->online_pmem);
		} else if ((rec[i].state & DEVICE_MASK) != online) {
			add(shared->lost_ram);
		}
	count(PAGES, "pages", 0);
}

/* Returns how many there were: 0 at the end, -1 (and errno) after a failure. */
static ssize_t read_flags(int fd, unsigned long pfn, unsigned long nr)
{
	static unsigned long long flags[CHUNK];
	unsigned long i, d;
	ssize_t got;

	got = pread(fd, flags, (nr < CHUNK ? nr : CHUNK) * sizeof(*flags),
		    pfn * sizeof(*flags));
	if (got < 0)
		return -1;
	got /= sizeof(*flags);
	for (i = 0; i < (size_t)got; i++)
		for (d = 0; d < ARRAY_SIZE(dax); d++)
			if (pfn + i - dax[d].all.pfn < dax[d].all.nr &&
			    flags[i] & ~(1ULL << KPF_NOPAGE))
				add(shared->online_pmem);
	return got;
}

static ssize_t read_range(int fd, unsigned long pfn, unsigned long nr)
{
	unsigned long done;
	ssize_t got = 1;

	for (done = 0; done < nr && got > 0; done += CHUNK)
		got = read_flags(fd, pfn + done, nr - done);
	return got;
}

/*
 * The pages of devices, those of memory that is plugged and unplugged, and some
 * of all, in turns. But not of those that go offline meanwhile: nothing keeps a
 * page online while /proc/kpageflags looks at it, and what it finds then can be
 * poison.
 */
static void read_kpageflags(void)
{
	const unsigned long dimm_pfn = first_block * pages_per_block;
	const unsigned long dimm_nr = nr_blocks * pages_per_block;
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC), err = 0;
	static unsigned long pfn;
	ssize_t got;
	int i;

	for (i = 0; i < NR_DAX && !err; i++)
		err = read_range(fd, dax[i].all.pfn, dax[i].all.nr) < 0 ? errno : 0;
	if (!err && read_range(fd, shared->plugged_pfn, shared->plugged_nr) < 0)
		err = errno;
	for (i = 0; i < SLICE / CHUNK && !err; i++) {
		if (pfn - dimm_pfn < dimm_nr)
			pfn = dimm_pfn + dimm_nr;
		got = read_flags(fd, pfn, CHUNK);
		err = got < 0 ? errno : 0;
		pfn = got > 0 ? pfn + CHUNK : 0;
	}
	count(KPAGEFLAGS, "kpageflags", err);
	close(fd);
}

static void read_all(void)
{
	read_pages_file();
	if (pick(2))
		read_kpageflags();
}

static void (*const work[])(void) = {
	bind_devices, online_blocks, plug_or_unplug, read_all, run_machine,
	map_and_unmap,
};

/* Returns if all processes got to their ends. */
static bool stress(void)
{
	unsigned long tries, i;
	bool good = true;
	int status;

	fflush(stdout);
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		if (fork())
			continue;
		seed = (seed + i) * 0x9e3779b97f4a7c15UL | 1;
		for (tries = 0; !all_done() && tries < rounds * MAX_TRIES; tries++)
			work[i]();
		if (work[i] == plug_or_unplug)
			unplug_dimm();
		exit(0);
	}
	while (wait(&status) > 0) {
		if (!status)
			continue;
		ksft_print_msg("a process ended with status %#x\n", status);
		good = false;
	}
	return good;
}

/* Are all pages of the devices as a driver wants them, and nobody has them? */
static bool check_devices(void)
{
	const unsigned int mask = DEVICE_MASK & ~TEST_MEMMAP_ONLINE;

	return check_pages("map=mem", &dax[0].all, mask, DEVICE_PAGE, dax[0].nid) &
	       check_pages("map=dev", &dax[1].data, mask, DEVICE_PAGE, dax[1].nid);
}

/*
 * Devices can be bound once more. Not a way to find leaked references:
#ifdef PIN_V7
 * binding initialises the struct pages.
#else
 * they make the unbinding wait.
#endif
 */
static bool bind_again(void)
{
	bool good = !shared->hung;
	int i;

	for (i = 0; i < NR_DAX && good; i++)
		good = bind_dax(&dax[i], false) && bind_dax(&dax[i], true);
	return good;
}

/* All the memory there is, for the page allocator and in zones. */
static void read_totals(char *text, size_t size)
{
	struct zone zones[MAX_ZONES];
	int nr = read_zones(zones, MAX_ZONES), i;
	FILE *file = open_file("/proc/meminfo");
	size_t len;

	if (!fgets(text, size, file))
		text[0] = '\0';
	fclose(file);
	len = strcspn(text, "\n");
	for (i = 0; i < nr && len < size; i++)
		len += snprintf(text + len, size - len, ", %s of node %d: %#lx-%#lx",
				zones[i].name, zones[i].nid, zones[i].start, zones[i].end);
}

static void check_counts(const char *word, enum action from, enum action to)
{
	bool good = true;
	int i;

	for (i = from; i <= (int)to; i++) {
		good &= shared->done[i] >= rounds;
		/* Whether memory can be taken offline depends on who uses it. */
		good &= i == OFFLINE || !shared->failed[i];
		ksft_print_msg("%s: %lu done, %lu failed\n", action_names[i],
			       shared->done[i], shared->failed[i]);
	}
	ksft_test_result(good, "%s\n", word);
}

/* The test is that there is none. */
static void check_none(const char *word, unsigned long number, const char *what)
{
	ksft_print_msg("%lu %s\n", number, what);
	ksft_test_result(!number, "%s\n", word);
}

static bool blocks_offline(void)
{
	unsigned long i;
	bool good = true;

	for (i = first_block; i < first_block + nr_blocks; i++) {
		if (block_online(i))
			change_block(i, "offline");
		good &= block_online(i) == 0;
	}
	return good && memmap_count(first_block * pages_per_block,
				    nr_blocks * pages_per_block,
				    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE,
				    TEST_MEMMAP_VALID, "DIMM") ==
			nr_blocks * pages_per_block;
}

int main(int argc, char **argv)
{
	char before[1024], after[1024], answer[128];
	unsigned long start, size;
	long long pins;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 6 && (argc != 7 || strcmp(argv[6], "pmem")))
		ksft_exit_skip("usage: memmap_stress DIMM START SIZE ROUNDS SEED [pmem]\n");
	if (host_request("unplug", answer, sizeof(answer)) == -ENODEV)
		ksft_exit_skip("no host that plugs memory\n");
	if (!vm_available())
		ksft_exit_skip("needs KVM\n");
	require_vfio(&vfio);
	dimm = argv[1];
	start = strtoul(argv[2], NULL, 0);
	size = strtoul(argv[3], NULL, 0);
	rounds = strtoul(argv[4], NULL, 0);
	seed = strtoul(argv[5], NULL, 0);
	pages_per_block = block_pages();
	first_block = start / sysconf(_SC_PAGESIZE) / pages_per_block;
	nr_blocks = size / sysconf(_SC_PAGESIZE) / pages_per_block;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !nr_blocks || !rounds ||
	    !create_dax("namespace0.0", "mem", "2M", &dax[0]) ||
	    !create_dax("namespace1.0", "dev", "2M", &dax[1]) || !use_memory() ||
	    !blocks_offline())
		ksft_exit_fail_msg("wants two namespaces and a DIMM that is offline\n");

	find_areas(argc == 7);
	if (argc == 7 && nr_areas == nr_ram)
		ksft_exit_fail_msg("wants a namespace that shares a section with RAM\n");

	ksft_set_plan(16);
	read_totals(before, sizeof(before));
	pins = count_all_pins();
	ksft_test_result(stress(), "processes\n");
	check_counts("bind", UNBIND, BIND);
	check_counts("online", ONLINE_MOVABLE, OFFLINE);
	check_counts("plug", PLUG, UNPLUG);
	check_counts("read", KPAGEFLAGS, PAGES);
	check_counts("kvm", KVM_DAX, KVM_DIMM);
	check_counts("vfio", VFIO_DAX, VFIO_DIMM);
	check_counts("unbind_waits", VFIO_UNBIND, VFIO_UNBIND);
	ksft_print_msg("%lu times a device was not there\n", shared->refused);
	check_none("data", shared->wrong_data, "runs read something else");
	check_none("pinned", shared->wrong_pins + shared->escaped,
		   "mappings had other pins, or lost them");
	ksft_test_result(!shared->kept & is("pins", count_all_pins(), pins) &
			 check_devices(), "released\n");
	check_none("pmem_offline", shared->online_pmem, "pages of devices were online");
	check_none("ram_online", shared->lost_ram, "pages of RAM were not online");

	ksft_test_result(blocks_offline(), "blocks\n");
	read_totals(after, sizeof(after));
	ksft_print_msg("before: %s\n", before);
	ksft_print_msg("after: %s\n", after);
	ksft_test_result(!strcmp(before, after), "totals\n");
	ksft_test_result(bind_again() && check_devices(), "pages\n");
	ksft_exit(!ksft_get_fail_cnt());
}
