// SPDX-License-Identifier: GPL-2.0
/*
 * A dax device turned into System RAM by the kmem driver, and back: what the
 * struct pages of the memory blocks look like at each step, and those of the
 * parts at both ends that do not fill a block.
 *
 *	memmap_kmem		online, offline, and a dax device again
 *	memmap_kmem stays	kmem leaves while its memory is online
 *
 * Wants namespace0.0 with a target node that is not the CPU's; what is in it
 * gets lost. The memory blocks must not go online by themselves
 * (memhp_default_state=offline). What kmem has when it leaves stays with the
 * kernel, which leaks its notes about it too: reboot.
 */
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax.h"
#include "memmap_layout.h"
#include "memmap_offline.h"

#define KMEM_DRIVER	"/sys/bus/dax/drivers/kmem"
#define BUF_SIZE	(32UL << 20)
#define NR_CASES	12
#define NR_STAYS_CASES	5

static unsigned long page_size, pages_per_block, first_block, nr_blocks;
static struct pages ends[2];	/* of the device, and in no memory block */
static struct dax dax;
static int nid;

/* Write the device's name to a file of the driver. */
static bool tell(const char *driver, const char *verb)
{
	char path[96];
	int err;

	snprintf(path, sizeof(path), "%s/%s", driver, verb);
	err = write_text(path, dax.name);
	if (err)
		ksft_print_msg("%s: %s: %s\n", path, dax.name, strerror(-err));
	return !err;
}

static void set_layout(void)
{
	unsigned long end = dax.data.pfn + dax.data.nr, end_block;

	pages_per_block = block_pages();
	first_block = (dax.data.pfn + pages_per_block - 1) / pages_per_block;
	end_block = end / pages_per_block;
	nr_blocks = end_block - first_block;
	ends[0].pfn = dax.data.pfn;
	ends[0].nr = first_block * pages_per_block - dax.data.pfn;
	ends[1].pfn = end_block * pages_per_block;
	ends[1].nr = end - ends[1].pfn;
	ksft_print_msg("memory blocks %lu to %lu, %lu pages before and %lu after, node %d\n",
		       first_block, end_block - 1, ends[0].nr, ends[1].nr, nid);
	if (end_block < first_block + 2 || !ends[0].nr || !ends[1].nr)
		ksft_exit_fail_msg("not two blocks and a part before and after\n");
}

static bool is_devdax(const char *what)
{
	return check_pages(what, &dax.data, DEVICE_MASK, DEVICE_PAGE, dax.nid);
}

static bool is_devdax_unreserved(const char *what)
{
	return check_state(what, &dax.data,
			   DEVICE_MASK | TEST_MEMMAP_RESERVED, DEVICE_PAGE);
}

static bool have_no_struct_pages(const char *what, const struct pages *pages)
{
	return check_state(what, pages, TEST_MEMMAP_VALID, 0);
}

static unsigned long ram_pages(void)
{
	return system_ram_pages(dax.data.pfn, dax.data.pfn + dax.data.nr);
}

/* Whole blocks, all of them, and nothing else; all offline. */
static bool is_added(void)
{
	const unsigned long nr = nr_blocks * pages_per_block;
	bool good = ram_pages() == nr;
	unsigned long i;

	if (!good)
		ksft_print_msg("%lu pages of RAM, not %lu\n", ram_pages(), nr);
	for (i = 0; i < nr_blocks; i++)
		good &= !block_online(first_block + i) &&
			block_on_node(first_block + i, nid);
	return good && block_online(first_block - 1) < 0 &&
	       block_online(first_block + nr_blocks) < 0 &&
	       have_no_struct_pages("before", &ends[0]) &&
	       have_no_struct_pages("after", &ends[1]) &&
	       memmap_count(first_block * pages_per_block, nr,
			    TEST_MEMMAP_VALID | TEST_MEMMAP_ONLINE |
				    TEST_MEMMAP_PGMAP,
			    TEST_MEMMAP_VALID, "added") == nr;
}

/* Neither block nor struct page nor RAM. */
static bool is_gone(void)
{
	bool good = !ram_pages() && have_no_struct_pages("gone", &dax.data);
	unsigned long i;

	for (i = 0; i < nr_blocks; i++)
		good &= block_online(first_block + i) < 0;
	return good;
}

static void test_online(void)
{
	bool clean = true, good = true;
	unsigned long block;

	for (block = first_block; block < first_block + nr_blocks; block++) {
		write_text(GOING_ONLINE_FILE, "0");
		good &= set_state(block, "online_movable");
		clean &= saw_going_online(block, pages_per_block);
		good &= block_on_node(block, nid) &&
			block_is_in_zone(block, "Movable");
	}
	ksft_test_result(clean, "going_online\n");
	ksft_test_result(good, "online\n");
}

static bool is_intact(const unsigned long *words)
{
	size_t i;

	for (i = 0; i < BUF_SIZE / sizeof(*words); i++)
		if (words[i] != ~i)
			return false;
	return true;
}

/* How many pages of the buffer are in the memory blocks. */
static unsigned long count_in_blocks(const unsigned long *buf)
{
	unsigned long first = first_block * pages_per_block, nr = 0, off, pfn;

	for (off = 0; off < BUF_SIZE; off += page_size) {
		pfn = memmap_vaddr_to_pfn((const char *)buf + off);
		nr += pfn >= first && pfn < first + nr_blocks * pages_per_block;
	}
	return nr;
}

/* Memory with a pattern, all from the node of the device. */
static unsigned long *get_buf(void)
{
	unsigned long mask = 1UL << nid;
	unsigned long *words;
	size_t i;

	words = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED ||
	    syscall(SYS_mbind, words, BUF_SIZE, MPOL_BIND, &mask,
		    sizeof(mask) * 8, 0))
		ksft_exit_fail_msg("mbind: %s\n", strerror(errno));
	for (i = 0; i < BUF_SIZE / sizeof(*words); i++)
		words[i] = ~i;
	return words;
}

/* System RAM that is used, and taken offline again. */
static void test_ram(void)
{
	unsigned long *buf, i;
	bool good;

	buf = get_buf();
	good = count_in_blocks(buf) == BUF_SIZE / page_size;
	ksft_test_result(good && is_intact(buf), "used\n");

	for (i = 0; i < nr_blocks; i++)
		good &= set_state(first_block + i, "offline");
	ksft_test_result(good && is_added(), "offline\n");
	ksft_test_result(good && !count_in_blocks(buf) && is_intact(buf),
			 "migrated\n");
	munmap(buf, BUF_SIZE);
}

/*
 * kmem can't refuse to go while its memory is online; the memory stays then,
 * whole, and nobody else gets the device.
 */
static void test_unbind_online(void)
{
	unsigned long *buf = get_buf(), i;
	bool good = tell(KMEM_DRIVER, "unbind"), in_use;

	in_use = count_in_blocks(buf) == BUF_SIZE / page_size;
	for (i = 0; i < nr_blocks; i++)
		good &= block_is_in_zone(first_block + i, "Movable");
	ksft_test_result(good && in_use && is_intact(buf), "unbound_online\n");

	good = !tell(DAX_DRIVER, "bind");
	ksft_test_result(good && is_intact(buf), "devdax_refused\n");
	munmap(buf, BUF_SIZE);
}

/* Offline, and a dax device as before. */
static void test_back(void)
{
	bool good;

	test_ram();
	good = tell(KMEM_DRIVER, "unbind") && tell(KMEM_DRIVER, "remove_id");
	ksft_test_result(good && is_gone(), "removed\n");
	good = tell(DAX_DRIVER, "bind");
	ksft_test_result(good && is_devdax("devdax again"), "devdax_again\n");
	ksft_test_result(good && is_devdax_unreserved("devdax again"),
			 "devdax_again_flag\n");
}

int main(int argc, char **argv)
{
	const bool stays = argc == 2 && !strcmp(argv[1], "stays");
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	char path[96];
	bool good;

	ksft_print_header();
	if (argc > 1 && !stays)
		ksft_exit_skip("usage: memmap_kmem [stays]\n");
	memmap_require();
	memmap_require_disposable();
	if (run_command(NDCTL_SECONDS, ndctl) ||
	    access("/sys/bus/nd/devices/namespace0.0", F_OK) ||
	    access(KMEM_DRIVER, F_OK))
		ksft_exit_skip("needs ndctl, namespace0.0 and CONFIG_DEV_DAX_KMEM\n");

	page_size = sysconf(_SC_PAGESIZE);
	if (!create_dax("namespace0.0", "dev", "2M", &dax))
		ksft_exit_fail_msg("no dax device\n");
	snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/target_node",
		 dax.name);
	nid = read_number(path);
	if (nid <= 0)
		ksft_exit_skip("needs a namespace on a node of its own\n");
	set_layout();

	ksft_set_plan(stays ? NR_STAYS_CASES : NR_CASES);
	if (!stays) {
		ksft_test_result(is_devdax("devdax"), "devdax\n");
		ksft_test_result(is_devdax_unreserved("devdax"),
				 "devdax_flag\n");
	}
	good = tell(DAX_DRIVER, "unbind") && is_gone();
	if (!stays)
		ksft_test_result(good, "unbound\n");
	ksft_test_result(tell(KMEM_DRIVER, "new_id") && is_added(), "added\n");
	test_online();
	if (stays)
		test_unbind_online();
	else
		test_back();
	ksft_exit(!ksft_get_fail_cnt());
}
