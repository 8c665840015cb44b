// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) has mapped a dax device that then becomes System RAM:
 * unmapping must not drop references to what are RAM pages now, nor subtract
 * anything from the locked memory.
 *
 * usage: memmap_vfio_kmem [namespace]
 *
 * Needs an IOMMU, QEMU's "edu" PCI device and a namespace (namespace0.0), whose
 * contents get lost, with a target node that is not the CPU's. Memory must not
 * be onlined automatically (memhp_default_state=offline).
 */
#include "block.h"
#include "file.h"
#include "vfio.h"

#define NR_CASES	4

static struct vfio vfio;
static struct dax dax;

/* A memory block that is completely in the device. */
static struct blocks find_block(void)
{
	const unsigned long nr = block_pages();
	struct blocks blocks = block_one((dax.data.pfn + nr - 1) / nr);

	if (blocks.pages.pfn + nr > dax.data.pfn + dax.data.nr)
		ksft_exit_skip("needs a larger namespace\n");
	return blocks;
}

/* Turn the dax device into online memory. */
static bool make_ram(const struct blocks *blocks)
{
	return dax_tell(&dax, DAX_DRIVER, "unbind") && dax_tell(&dax, KMEM_DRIVER, "new_id") &&
	       block_set_state(blocks->first, "online_movable");
}

static bool make_dax(const struct blocks *blocks)
{
	return block_set_state(blocks->first, "offline") &&
	       dax_tell(&dax, KMEM_DRIVER, "unbind") &&
	       dax_tell(&dax, KMEM_DRIVER, "remove_id") && dax_tell(&dax, DAX_DRIVER, "bind");
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	struct vfio_part part;
	struct vfio_memory mem;
	struct blocks blocks;
	long references;
	bool good;

	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	dax_make(ns, "4K", &dax);
	blocks = find_block();
	part = vfio_part(dax_open(&dax), (blocks.pages.pfn - dax.data.pfn) * page_size(),
			 HUGE_SIZE / page_size());
	vfio_get_memory(&mem, &part, 1);
	close(part.fd);
	good = !vfio_map(&vfio, &mem) && test_is("pins", vfio_pins(&mem), mem.nr);

	good = make_ram(&blocks) && good;
	references = page_sum_references(blocks.pages.pfn, mem.nr);
	ksft_test_result(good && page_check_state("online", &blocks.pages, ONLINE_MASK, ONLINE_PAGE),
			 "ram\n");
	good = vfio_unmap(&vfio, &mem);
	ksft_test_result(test_is("locked bytes", vfio_locked(), 0) && good, "locked\n");
	ksft_test_result(test_is("references", page_sum_references(blocks.pages.pfn, mem.nr),
				 references) && good, "references\n");
	vfio_put_memory(&mem);
	ksft_test_result(make_dax(&blocks) && dax_check("dax again", &dax), "dax_again\n");

	ksft_exit(!ksft_get_fail_cnt());
}
