// SPDX-License-Identifier: GPL-2.0
/*
 * A balloon that takes pages of a DIMM: they are PageOffline, not reserved, and
 * not counted as memory. The DIMM goes offline nevertheless, the balloon takes
 * others instead; and it can be unplugged, before or after the balloon shrinks.
 *
 *	memmap_balloon BALLOON DIMM	their names, for the host
 *
 * No memory must go online by itself (memhp_default_state=offline). Wants
 * CONFIG_BALLOON_COMPACTION, without which ballooned pages can't be moved.
 */
#include "kselftest.h"
#include "memmap.h"
#include "memmap_layout.h"
#include "memmap_offline.h"

#define SIZE		(64UL << 20)	/* of the balloon */
#define SECONDS		40		/* for the balloon to get it, or give it back */
#define WAIT_SECONDS	20

static unsigned long page_size, pages_per_block, first_block, nr_blocks, start;
static const char *balloon, *dimm;
static long unplugged_total;	/* managed_pages() with neither */

/* The guest's accounting can come after the host's. */
static bool is_total(const char *what, long want)
{
	long long end = now_ms() + WAIT_SECONDS * 1000LL;
	long more;

	do {
		more = managed_pages() - unplugged_total;
		if (more == want)
			return true;
		usleep(10000);
	} while (now_ms() < end);
	ksft_print_msg("%s: %ld pages more memory, not %ld\n", what, more, want);
	return false;
}

static bool resize(unsigned long size)
{
	return host_resize(balloon, size, SECONDS) == size;
}

static bool set_all(const char *state)
{
	bool good = true;
	unsigned long i;

	for (i = 0; i < nr_blocks; i++)
		good &= set_state(first_block + i, state);
	return good;
}

static bool plug(void)
{
	unsigned long long addr, size;

	plug_dimm(dimm, &addr, &size);
	start = addr / page_size;
	first_block = start / pages_per_block;
	nr_blocks = size / page_size / pages_per_block;

	return set_all("online_movable");
}

/* The DIMM's memory all there, none of it ballooned. */
static bool is_unused(const char *what)
{
	return is_held(what, start, nr_blocks * pages_per_block, 0, 0);
}

static bool unplug_dimm(void)
{
	char request[64], answer[128];

	snprintf(request, sizeof(request), "unplug %s", dimm);
	if (host_request(request, answer, sizeof(answer))) {
		ksft_print_msg("%s: %s\n", request, answer);
		return false;
	}
	return memmap_count(start, nr_blocks * pages_per_block,
			    TEST_MEMMAP_VALID, 0, "unplugged") ==
	       nr_blocks * pages_per_block;
}

/*
 * The balloon's pages come from the movable zone, that is, from the DIMM; how
 * many of them, the kernel decides. Returns that.
 */
static unsigned long test_inflated(const char *word)
{
	const unsigned long nr = nr_blocks * pages_per_block;
	struct held held;
	bool good;

	good = resize(SIZE) && is_total(word, nr - SIZE / page_size);
	held = count_held(start, nr);
	ksft_print_msg("%s: %lu pages of the DIMM are in the balloon, %lu wrong\n",
		       word, held.taken, held.wrong);
	ksft_test_result(good && held.taken > SIZE / page_size / 2 &&
			 held.taken <= SIZE / page_size && !held.kept &&
			 !held.wrong, "%s\n", word);
	return held.taken;
}

int main(int argc, char **argv)
{
	unsigned long nr;
	bool good;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 3)
		ksft_exit_skip("usage: memmap_balloon BALLOON DIMM\n");
	if (access("/sys/bus/virtio/drivers/virtio_balloon", F_OK))
		ksft_exit_skip("needs CONFIG_VIRTIO_BALLOON\n");
	balloon = argv[1];
	dimm = argv[2];
	page_size = sysconf(_SC_PAGESIZE);
	pages_per_block = block_pages();
	unplugged_total = managed_pages();

	ksft_set_plan(9);
	good = plug() && is_unused("plugged");
	nr = nr_blocks * pages_per_block;
	ksft_test_result(good && is_total("plugged", nr), "plugged\n");

	test_inflated("inflated");
	good = resize(0) && is_total("deflated", nr);
	ksft_test_result(good && is_unused("deflated"), "deflated\n");

	good = set_all("offline") && is_total("offline", 0);
	ksft_test_result(good, "offline\n");

	/* Again, and the blocks go while the balloon has pages of them. */
	ksft_test_result(set_all("online_movable") && is_unused("online again"),
			 "online_again\n");
	test_inflated("inflated_again");
	good = set_all("offline") &&
	       is_total("migrated", -(long)(SIZE / page_size));
	ksft_test_result(good, "migrated\n");
	ksft_test_result(unplug_dimm(), "unplugged\n");
	good = resize(0) && is_total("deflated again", 0);
	ksft_test_result(good, "deflated_again\n");
	ksft_exit(!ksft_get_fail_cnt());
}
