// SPDX-License-Identifier: GPL-2.0
/*
 * Device memory and memory blocks come and go at the same time, while others
 * read their struct pages, run a virtual machine on them, and map them for
 * VFIO.
 *
 *	memmap_stress DIMM START SIZE ROUNDS SEED [pmem]
 *
 * Six processes unbind and bind dax devices on namespace0.0 and namespace1.0;
 * online and offline the blocks of a DIMM at START that was present, but
 * offline, at boot; have the host plug and unplug DIMM; read /proc/kpageflags
 * and test_memmap's pages; run a virtual machine on device memory and on RAM;
 * and map both for VFIO. They stop when each action was done ROUNDS times. What
 * they choose depends on SEED. In the end everything must be as it was. With
 * "pmem", the pages of a device that shares a section with RAM are also read
 * through test_memmap, while it is being unbound.
 *
 * Needs KVM, an IOMMU and QEMU's "edu" PCI device.
 */
#include <stdio.h>
#include <sys/wait.h>

#include "file.h"
#include "host.h"
#include "kvm.h"
#include "stress.h"
#include "zone.h"

#define MAX_TRIES	1000		/* per round; more is a failure */

static const char *const action_names[NR_ACTIONS] = {
	"unbind", "bind", "online_movable", "online_kernel", "offline", "plug",
	"unplug", "kpageflags", "pages", "machine on device memory",
	"machine on RAM", "machine on the DIMM", "pin device memory", "pin RAM",
	"pin the DIMM", "unbind that waits for pins",
};

struct shared *shared;
unsigned long seed;
struct blocks boot_dimm;
struct dax dax[NR_DAX];
struct vfio vfio;

static unsigned long rounds;
static const char *dimm;

unsigned long pick(unsigned long nr)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % nr;
}

void count(enum action action, const char *who, int err)
{
	if (!err)
		add(shared->done[action]);
	else if (!add(shared->failed[action]))
		ksft_print_msg("%s: %s: %s\n", who, action_names[action], strerror(err));
}

/* Once an unbind hangs, actions that depend on it are not needed. */
static bool needed(enum action action)
{
	return !load(shared->hung) ||
	       (action != UNBIND && action != BIND && action != VFIO_UNBIND);
}

static bool all_done(void)
{
	int i;

	for (i = 0; i < NR_ACTIONS; i++)
		if (needed(i) && load(shared->done[i]) < rounds)
			return false;
	return true;
}

/*
 * An unbind waits for pins, or a pgmap that is held; forever if that leaks.
 * Then no device is unbound any more.
 */
static void bind_devices(void)
{
	const unsigned long i = pick(NR_DAX);
	int err;

	if (shared->hung || !stress_claim(i))
		return;
	add(shared->turns[i]);
	if (!dax_bind(&dax[i], false)) {
		count(UNBIND, dax[i].name, EBUSY);
		add(shared->hung);
		return;
	}
	add(shared->unbound[i]);
	count(UNBIND, dax[i].name, 0);
	err = file_write(DAX_DRIVER "/bind", dax[i].name);
	count(BIND, dax[i].name, -err);
	if (!err)
		add(shared->turns[i]);
	stress_release(i);
}

static void online_blocks(void)
{
	unsigned long block = boot_dimm.first + pick(boot_dimm.nr);
	bool movable = pick(2);

	if (block_online(block))
		count(OFFLINE, "DIMM", -block_try_state(block, "offline"));
	else if (movable)
		count(ONLINE_MOVABLE, "DIMM", -block_try_state(block, "online_movable"));
	else
		count(ONLINE_KERNEL, "DIMM", -block_try_state(block, "online_kernel"));
}

/* An ejection before the DIMM's last block is there may be missed. */
static int wait_for_blocks(const char *answer)
{
	long long end = test_ms() + PLUG_SECONDS * 1000, start, size;
	struct blocks blocks;

	if (sscanf(answer, "%lli %lli", &start, &size) != 2)
		return -EINVAL;
	blocks = block_range(start, size);
	shared->plugged = blocks.pages;
	while (block_online(blocks.first + blocks.nr - 1) < 0) {
		if (test_ms() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	return 0;
}

static void plug_or_unplug(void)
{
	static bool plugged;
	char answer[128];
	int err;

	err = host_ask(plugged ? "unplug" : "plug", dimm, answer, sizeof(answer));
	if (!err && !plugged)
		err = wait_for_blocks(answer);
	if (plugged)
		dimm_wait_ejected();
	count(plugged ? UNPLUG : PLUG, dimm, -err);
	plugged ^= !err;
}

/* Leave no DIMM plugged at the end. */
static void unplug_dimm(void)
{
	while (shared->done[PLUG] > shared->done[UNPLUG] && !shared->failed[UNPLUG])
		plug_or_unplug();
}

static void (*const work[])(void) = {
	bind_devices, online_blocks, plug_or_unplug, stress_read,
	stress_run_machine, stress_map_and_unmap,
};

/* Returns true if all processes exited with status 0. */
static bool stress(void)
{
	unsigned long tries, i;
	bool good = true;
	int status;
	pid_t pid;

	fflush(stdout);
	for (i = 0; i < ARRAY_SIZE(work); i++) {
		pid = fork();
		if (pid < 0)
			ksft_print_msg("fork: %s\n", strerror(errno));
		good &= pid >= 0;
		if (pid)
			continue;
		seed = mem_pattern(seed + i - 1) | 1;
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

/* True if the pages of both devices are as they should be, and unused. */
static bool check_devices(void)
{
	const unsigned int mask = DEVICE_MASK & ~TEST_MEMMAP_ONLINE;

	return page_check("map=mem", &dax[0].all, mask, DEVICE_PAGE, dax[0].nid) &
	       page_check("map=dev", &dax[1].data, mask, DEVICE_PAGE, dax[1].nid);
}

/*
 * Rebind the devices. This is no check for leaked references: on v5.10
 * unbinding waits for them, on v7 binding initialises the struct pages.
 */
static bool bind_again(void)
{
	bool good = !shared->hung;
	int i;

	for (i = 0; i < NR_DAX && good; i++)
		good = dax_bind(&dax[i], false) && dax_bind(&dax[i], true);
	return good;
}

/* MemTotal, and the pfns that each zone spans. */
static void read_totals(char *text, size_t size)
{
	struct zone zones[MAX_ZONES];
	int nr = zone_read(zones, MAX_ZONES), i;
	size_t len;

	len = snprintf(text, size, "MemTotal %lld kB",
		       file_field("/proc/meminfo", "MemTotal"));
	for (i = 0; i < nr && len < size; i++)
		len += snprintf(text + len, size - len, ", %s of node %d: %#lx-%#lx",
				zones[i].name, zones[i].nid, zones[i].start, zones[i].end);
}

/* Ranges of actions, each reported as one test. */
static const struct {
	const char *word;
	enum action from, to;
} counts[] = {
	{ "bind", UNBIND, BIND },
	{ "online", ONLINE_MOVABLE, OFFLINE },
	{ "plug", PLUG, UNPLUG },
	{ "read", KPAGEFLAGS, PAGES },
	{ "kvm", KVM_DAX, KVM_DIMM },
	{ "vfio", VFIO_DAX, VFIO_DIMM },
	{ "unbind_waits", VFIO_UNBIND, VFIO_UNBIND },
};

static void check_counts(const char *word, enum action from, enum action to)
{
	bool good = true;
	int i;

	for (i = from; i <= (int)to; i++) {
		good &= shared->done[i] >= rounds;
		/* Offlining may fail while the memory is in use. */
		good &= i == OFFLINE || !shared->failed[i];
		ksft_print_msg("%s: %lu done, %lu failed\n", action_names[i],
			       shared->done[i], shared->failed[i]);
	}
	ksft_test_result(good, "%s\n", word);
}

/* Passes when @number is 0. */
static void check_none(const char *word, unsigned long number, const char *what)
{
	ksft_print_msg("%lu %s\n", number, what);
	ksft_test_result(!number, "%s\n", word);
}

static bool blocks_offline(void)
{
	unsigned long block;

	block_for_each(block, &boot_dimm)
		if (block_online(block))
			block_change(block, "offline");
	return block_all_offline(&boot_dimm);
}

/* Returns true with "pmem": read a device that shares a section with RAM. */
static bool require(int argc, char **argv)
{
	const bool pmem = argc == 7 && !strcmp(argv[6], "pmem");

	test_begin();
	if (argc != 6 && !pmem)
		ksft_exit_skip("usage: memmap_stress DIMM START SIZE ROUNDS SEED [pmem]\n");
	host_require();
	if (!kvm_is_there())
		ksft_exit_skip("needs KVM\n");
	vfio_require(&vfio);
	dimm = argv[1];
	boot_dimm = block_parse(argv[2], argv[3]);
	rounds = strtoul(argv[4], NULL, 0);
	seed = strtoul(argv[5], NULL, 0);
	return pmem;
}

static void set_up(bool pmem)
{
	shared = mem_map_shared(sizeof(*shared));
	if (!rounds || !dax_create("namespace0.0", "mem", "2M", &dax[0]) ||
	    !dax_create("namespace1.0", "dev", "2M", &dax[1]) || !stress_map() ||
	    !blocks_offline())
		ksft_exit_fail_msg("wants two namespaces and a DIMM that is offline\n");

	if (!stress_find_areas(pmem))
		ksft_exit_fail_msg("wants a namespace that shares a section with RAM\n");
}

static void check_all(long long pins)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		check_counts(counts[i].word, counts[i].from, counts[i].to);
	ksft_print_msg("%lu times a device was not there\n", shared->refused);
	check_none("data", shared->wrong_data, "runs read something else");
	check_none("pinned", shared->wrong_pins + shared->escaped,
		   "mappings had other pins, or lost them");
	ksft_test_result(!shared->kept & test_is("pins", vfio_all_pins(), pins) &
			 check_devices(), "released\n");
	check_none("pmem_offline", shared->online_pmem, "pages of devices were online");
	check_none("ram_online", shared->lost_ram, "pages of RAM were not online");
	ksft_test_result(blocks_offline(), "blocks\n");
}

int main(int argc, char **argv)
{
	char before[1024], after[1024];
	long long pins;

	set_up(require(argc, argv));
	ksft_set_plan(16);
	read_totals(before, sizeof(before));
	pins = vfio_all_pins();
	ksft_test_result(stress(), "processes\n");
	check_all(pins);

	read_totals(after, sizeof(after));
	ksft_print_msg("before: %s\n", before);
	ksft_print_msg("after: %s\n", after);
	ksft_test_result(!strcmp(before, after), "totals\n");
	ksft_test_result(bind_again() && check_devices(), "pages\n");
	ksft_exit(!ksft_get_fail_cnt());
}
