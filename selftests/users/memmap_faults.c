// SPDX-License-Identifier: GPL-2.0
/*
 * Fail allocations while memory is added: nothing may be left behind, and the
 * next attempt must succeed.
 *
 *	memmap_faults OPERATION=NAMESPACE...
 *
 *	mem, dev	bind a driver to device DAX whose memmap is in RAM, or
 *			in the device: memremap_pages()
 *	kmem		turn device DAX into System RAM: add_memory()
 *	online		online one of its memory blocks
 *
 * Each operation is repeated with its first allocation failing, with its
 * second, and so on until none fails. Then again with slab, and with the page
 * allocator, running out of memory later and later. Whatever failed is repeated
 * while free memory is watched: this detects a page lost each time, but nothing
 * smaller, and no page lost in only one of many places.
 *
 * Not for pmem: on v5.10 device_add_disk() does not survive such a failure.
 *
 * Needs CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC with debugfs; for kmem and
 * online a NUMA node, and a memory block in the namespace, whose contents get
 * lost.
 */
#include <stdio.h>

#include "block.h"
#include "dax.h"
#include "file.h"
#include "operation.h"
#include "test.h"

#define SUBSECTION	512UL		/* pages */

static struct dax dax;
static const char *ns;
static struct pages pages;	/* that an operation adds */
static struct blocks blocks;

static bool no_pages(void)
{
	unsigned long pfn, bad = 0;

	for (pfn = pages.pfn; pfn < pages.pfn + pages.nr; pfn += SUBSECTION)
		if (page_get(pfn).state & TEST_MEMMAP_VALID && !bad++)
			ksft_print_msg("pfn %#lx has a struct page\n", pfn);
	return !bad && operation_same_iomem();
}

static bool device_pages(void)
{
	return page_check("bound", &pages, DEVICE_MASK, DEVICE_PAGE, dax.nid);
}

static bool blocks_there(void)
{
	return block_all(&blocks, 0);
}

static bool blocks_gone(void)
{
	return block_all(&blocks, -1) && no_pages();
}

static bool block_is_online(void)
{
	return block_online(blocks.first) == 1 &&
	       page_check_state("online", &pages, ONLINE_PAGE | TEST_MEMMAP_RESERVED,
				ONLINE_PAGE);
}

static bool block_is_offline(void)
{
	return block_online(blocks.first) == 0 &&
	       page_check_state("offline", &pages, ONLINE_PAGE, TEST_MEMMAP_VALID) &&
	       operation_same_iomem();
}

/* Report one result for each mode; after the first that fails no more is tried. */
static void test(const struct operation *op)
{
	bool good = true;
	size_t i;

	operation_begin();
	for (i = 0; i < operation_modes(op->name); i++) {
		good = good && operation_try(op, i);
		ksft_test_result(good, "%s_%s\n", op->name, operation_mode(i));
	}
}

/* One more result: the pages are not reserved after all that. */
static void test_device(const struct operation *op)
{
	const unsigned int mask = DEVICE_MASK | TEST_MEMMAP_RESERVED;
	int err;

	test(op);
	err = file_write(op->path, op->text);
	if (err)
		ksft_print_msg("%s: %s\n", op->name, strerror(-err));
	ksft_test_result(!err && page_check(op->name, &pages, mask, DEVICE_PAGE, dax.nid),
			 "%s_not_reserved\n", op->name);
	file_write(op->undo_path, op->undo_text);
}

static struct operation devdax = {
	.path = DAX_DRIVER "/bind", .undo_path = DAX_DRIVER "/unbind",
	.is_done = device_pages, .is_undone = no_pages,
};

static struct operation kmem = {
	.name = "kmem", .path = KMEM_DRIVER "/bind",
	.undo_path = KMEM_DRIVER "/unbind",
	.is_done = blocks_there, .is_undone = blocks_gone,
};

static struct operation online = {
	.name = "online", .text = "online_movable", .undo_text = "offline",
	.is_done = block_is_online, .is_undone = block_is_offline,
};

static void make_devdax(const char *map)
{
	if (!dax_create(ns, map, "2M", &dax) || file_write(devdax.undo_path, dax.name))
		ksft_exit_fail_msg("no device DAX on %s\n", ns);
	devdax.text = dax.name;
	devdax.undo_text = dax.name;
	kmem.text = dax.name;
	kmem.undo_text = dax.name;
}

static void test_devdax(const char *map)
{
	make_devdax(map);
	devdax.name = map;
	pages = dax.data;
	test_device(&devdax);
}

static void test_online(void)
{
	static char state[64];

	snprintf(state, sizeof(state), BLOCK_DIR "/memory%lu/state", blocks.first);
	online.path = state;
	online.undo_path = state;
	pages.nr = block_pages();
	test(&online);
}

static void test_kmem(bool only_online)
{
	make_devdax("mem");
	blocks = block_inside(&dax.data);
	pages = blocks.pages;
	if (!dax_tell(&dax, KMEM_DRIVER, "new_id") || !blocks_there())
		ksft_exit_fail_msg("%s: no memory blocks\n", dax.name);
	if (only_online)
		test_online();
	if (!dax_tell(&dax, KMEM_DRIVER, "unbind"))
		ksft_exit_fail_msg("%s: stays\n", dax.name);
	if (!only_online)
		test(&kmem);
	dax_tell(&dax, KMEM_DRIVER, "remove_id");
}

static bool is_device(const char *operation)
{
	return !strncmp(operation, "mem=", 4) || !strncmp(operation, "dev=", 4);
}

static void test_operation(char *arg)
{
	const char *name = strsep(&arg, "=");

	ns = arg;
	if (!ns || !ns_read(ns, &pages))
		ksft_exit_fail_msg("%s: no namespace\n", name);
	if (!strcmp(name, "mem") || !strcmp(name, "dev"))
		test_devdax(name);
	else if (!strcmp(name, "kmem") || !strcmp(name, "online"))
		test_kmem(!strcmp(name, "online"));
	else
		ksft_exit_fail_msg("unknown operation %s\n", name);
}

int main(int argc, char **argv)
{
	unsigned int plan = 0;
	int i;

	test_begin();
	operation_require();
	if (argc < 2)
		ksft_exit_skip("usage: memmap_faults mem|dev|kmem|online=NAMESPACE...\n");
	for (i = 1; i < argc; i++)
		plan += operation_modes(argv[i]) + is_device(argv[i]);
	ksft_set_plan(plan);
	for (i = 1; i < argc; i++)
		test_operation(argv[i]);
	ksft_exit(!ksft_get_fail_cnt());
}
