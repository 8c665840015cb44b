// SPDX-License-Identifier: GPL-2.0
/*
 * VFIO (type1v2) and the pages of VM_PFNMAP mappings: a BAR, with and without
 * struct pages, and /dev/mem. They are neither pinned nor unpinned, and not
 * counted as locked memory, unlike the RAM around them.
 *
 * usage: memmap_vfio_pfnmap [namespace]
 *
 * Needs an IOMMU, QEMU's "edu" PCI device and /dev/mem; and for one part a PCI
 * device with p2pmem. The contents of the namespace (namespace0.0) get lost.
 */
#include "file.h"
#include "pci.h"
#include "vfio.h"

#define NR		64	/* pages of a part */
#define NR_CASES	20

static struct vfio vfio;
static int mem_fd;

/* Map it once more: the NR pages from @pfn on must keep their @references. */
static void test_references(const char *word, const struct vfio_memory *mem,
			    unsigned long pfn, long references)
{
	bool good;

	if (!(page_get(pfn).state & TEST_MEMMAP_VALID)) {
		ksft_test_result_skip("%s_references: there are no struct pages\n", word);
		return;
	}
	good = !vfio_map(&vfio, mem) &&
	       test_is("references", page_sum_references(pfn, NR), references) &&
	       vfio_unmap(&vfio, mem);
	ksft_test_result(good && test_is("references left", page_sum_references(pfn, NR),
					 references), "%s_references\n", word);
}

/*
 * Map NR pages of a file between RAM. They must not be pinned. @pfn is 0 if
 * they never have struct pages.
 */
static void test_pfnmap(const char *word, int fd, off_t offset,
			unsigned long pfn)
{
	struct vfio_part parts[] = {
		vfio_part(VFIO_ANONYMOUS, 0, NR),
		vfio_part(fd, offset, NR),
		vfio_part(VFIO_ANONYMOUS, 0, NR),
	};
	long references = pfn ? page_sum_references(pfn, NR) : 0;
	struct vfio_memory mem;

	parts[1].pfnmap = true;
	vfio_get_memory(&mem, parts, ARRAY_SIZE(parts));
	vfio_test_map(&vfio, word, &mem, 2 * NR * page_size());
	if (pfn)
		test_references(word, &mem, pfn, references);
	vfio_put_memory(&mem);
}

/* A BAR of the device itself, without struct pages. */
static void test_bar(void)
{
	struct vfio_part part = vfio_bar_part(&vfio, NR, NULL);

	test_pfnmap("bar", part.fd, part.offset, 0);
	close(part.fd);
}

static void test_p2p(void)
{
	static const char *const words[] = {
		"pinned", "locked", "unmap", "released", "references"
	};
	struct pci_bar bar;
	int fd;

	if (!pci_find_p2p_bar(NULL, &bar)) {
		test_skip("p2p_", words, ARRAY_SIZE(words), "no PCI device with p2pmem");
		return;
	}
	fd = open(bar.path, O_RDWR | O_CLOEXEC);
	test_pfnmap("p2p", fd, 0, bar.pages.pfn);
	close(fd);
}

/*
 * The pages of a device through /dev/mem: they have struct pages, but are not
 * pinned. And the same pfns after the device was unbound.
 */
static void test_devmem(const struct dax *dax)
{
	const off_t offset = dax->data.pfn * page_size();
	bool good;

	test_pfnmap("devmem", mem_fd, offset, dax->data.pfn);

	/* Check now: binding initialises struct pages, hiding references. */
	good = dax_check("unused", dax);
	if (!dax_bind(dax, false))
		ksft_exit_fail_msg("%s: can't be unbound\n", dax->name);
	test_pfnmap("left_behind", mem_fd, offset, dax->data.pfn);
	ksft_test_result(dax_bind(dax, true) && dax_check("rebind", dax) && good,
			 "rebind\n");
}

int main(int argc, char *argv[])
{
	const char *ns = vfio_begin(&vfio, argc, argv);
	struct dax dax = {};

	mem_fd = file_open_mem();
	ksft_set_plan(NR_CASES);
	vfio_open(&vfio);
	test_bar();
	test_p2p();
	dax_make(ns, "4K", &dax);
	test_devmem(&dax);

	ksft_exit(!ksft_get_fail_cnt());
}
