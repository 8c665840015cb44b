// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_stress: two users of memory that comes and goes, a virtual machine
 * and a VFIO container.
 */
#include "kvm.h"
#include "stress.h"

#define PART_SIZE	HUGE_SIZE
#define MAX_PAGES	64		/* pinned at a time */
#define HOLD_MS		100		/* to wait for an unbind */

static char *used;	/* NR_PARTS parts, for KVM and VFIO */

/* The first word of each page. */
static unsigned int page_word(unsigned long part, unsigned long page)
{
	return 0x5eed0000U + (part << 12) + page;
}

static unsigned int *page_addr(unsigned long part, unsigned long page)
{
	return (unsigned int *)(used + part * PART_SIZE + page * page_size());
}

static void fill_part(unsigned long part, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		*page_addr(part, i) = page_word(part, i);
}

bool stress_map(void)
{
	const int prot = PROT_READ | PROT_WRITE;
	int i, fd;

	used = mem_reserve(NR_PARTS * PART_SIZE);
	if (mmap(page_addr(RAM, 0), PART_SIZE, prot,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	/* Large pages count their pins differently. */
	madvise(page_addr(RAM, 0), PART_SIZE, MADV_NOHUGEPAGE);
	for (i = 0; i < NR_DAX; i++) {
		fd = dax_open(&dax[i]);
		if (mmap(page_addr(i, 0), PART_SIZE, prot, MAP_SHARED | MAP_FIXED,
			 fd, 0) == MAP_FAILED)
			return false;
		close(fd);
		fill_part(i, PART_SIZE / page_size());
	}
	return true;
}

/* The pfn at @addr. Migration unmaps it for a while, even when it fails. */
static unsigned long used_pfn(const unsigned int *addr)
{
	unsigned long pfn;

	/* Reading waits for the end of a migration. */
	do {
		asm volatile("" : : "r" (*addr) : "memory");
		pfn = page_pfn(addr);
	} while (!pfn);
	return pfn;
}

/* Get new pages of RAM. True if the first one is from the boot DIMM. */
static bool renew_ram(unsigned long nr)
{
	madvise(page_addr(RAM, 0), PART_SIZE, MADV_DONTNEED);
	fill_part(RAM, nr);
	return page_in(&boot_dimm.pages, used_pfn(page_addr(RAM, 0)));
}

#ifdef PIN_V7
bool stress_claim(unsigned long part)
{
	if (part == RAM ||
	    !__atomic_test_and_set(&shared->claimed[part], __ATOMIC_SEQ_CST))
		return true;
	usleep(1000);
	return false;
}

void stress_release(unsigned long part)
{
	if (part != RAM)
		__atomic_clear(&shared->claimed[part], __ATOMIC_SEQ_CST);
}

/* Pinning migrates pages out of ZONE_MOVABLE, which fails for busy ones. */
static bool may_fail(int err)
{
	return err == ENOMEM;
}

/* The huge page of a device is one folio, which has a pin for each page. */
static long pins_of(unsigned long part, const struct vfio_memory *mem)
{
	return part == RAM ? 1 : mem->nr;
}

/* True if it waits for the pgmap that we hold. Its pages are never online. */
static bool is_unbinding(unsigned long part)
{
	struct test_memmap_page page = page_get(dax[part].data.pfn);

	if (page.state & TEST_MEMMAP_ONLINE)
		add(shared->online_pmem);
	return !(page.state & TEST_MEMMAP_PGMAP);
}
#else
bool stress_claim(unsigned long part)
{
	(void)part;
	return true;
}

void stress_release(unsigned long part)
{
	(void)part;
}

static bool may_fail(int err)
{
	(void)err;
	return false;
}

static long pins_of(unsigned long part, const struct vfio_memory *mem)
{
	(void)part;
	(void)mem;
	return 1;
}

/* True if it has dropped its own reference and waits for our pin. */
static bool is_unbinding(unsigned long part)
{
	return page_get(dax[part].data.pfn).refcount % VFIO_PIN == 0;
}
#endif

/* True if @err is allowed, as when the device was not bound all the time. */
static bool refused(unsigned long part, unsigned long turn, int err)
{
	if (part == RAM)
		return may_fail(err);
	if (err != EFAULT || (turn % 2 == 0 && load(shared->turns[part]) == turn))
		return false;
	add(shared->refused);
	return true;
}

/*
 * The VM is kept while its memory comes and goes: devices are unbound and bound
 * again, and pages of the DIMM migrate.
 */
void stress_run_machine(void)
{
	const unsigned long part = pick(NR_PARTS), nr = 1 + pick(MAX_PAGES);
	const bool write = pick(2);
	enum action action = KVM_DAX;
	unsigned long turn = 0;
	static struct vm vm;
	unsigned int word;
	int err;

	if (!vm.run && !kvm_open(&vm, used, NR_PARTS * PART_SIZE))
		exit(1);
	if (part == RAM)
		action = renew_ram(nr) ? KVM_DIMM : KVM_RAM;
	else
		turn = load(shared->turns[part]);
	err = kvm_run_pages(&vm, part * PART_SIZE / page_size(), nr, write);
	if (refused(part, turn, err))
		return;
	word = page_word(part, nr - 1);
	if (!err && kvm_eax(&vm) != (write ? ~word : word))
		add(shared->wrong_data);
	count(action, "KVM", err < 0 ? EIO : err);
}

/* Check the pins of each page, and that only RAM counts as locked memory. */
static void check_pinned(const struct vfio_memory *mem, unsigned long part)
{
	long ram = part == RAM ? mem->size : 0;
	unsigned long i, pfn;
	bool good = true;

	for (i = 0; good && i < mem->nr; i++) {
		pfn = part == RAM ? used_pfn(page_addr(RAM, i)) :
				    dax[part].data.pfn + i;
		good = test_is("pins", page_get(pfn).pins, pins_of(part, mem));
	}
	if (!good || !test_is("locked bytes", vfio_locked(), ram))
		add(shared->wrong_pins);
}

/* Wait until an unbind of the device waits for us, for at most HOLD_MS. */
static void wait_for_unbind(unsigned long part, unsigned long unbound)
{
	int ms;

	for (ms = 0; ms < HOLD_MS; ms++) {
		if (is_unbinding(part)) {
			count(VFIO_UNBIND, "VFIO", 0);
			break;
		}
		usleep(1000);
	}
	if (load(shared->unbound[part]) != unbound)
		add(shared->escaped);
}

static int unmap(const struct vfio_memory *mem)
{
	return vfio_unmap(&vfio, mem) ? 0 : EIO;
}

#ifdef PIN_V7
/* Unmap first: an unbind only waits for the pgmap, so hold that instead. */
static int hold_and_unmap(const struct vfio_memory *mem, unsigned long part,
			  unsigned long unbound)
{
	const unsigned long pfn = dax[part].data.pfn;
	int err = unmap(mem), held;

	if (!test_is("pins left", page_get(pfn).pins, 0))
		add(shared->wrong_pins);
	held = dax_hold_pgmap(pfn);
	stress_release(part);
	wait_for_unbind(part, unbound);
	close(held);
	return err;
}
#else
/* An unbind waits for the pins. */
static int hold_and_unmap(const struct vfio_memory *mem, unsigned long part,
			  unsigned long unbound)
{
	wait_for_unbind(part, unbound);
	return unmap(mem);
}
#endif

void stress_map_and_unmap(void)
{
	const unsigned long part = pick(3) ? RAM : pick(NR_DAX);
	const unsigned long nr = 1 + pick(MAX_PAGES);
	const struct vfio_memory mem = {
		.addr = (char *)page_addr(part, 0),
		.size = nr * page_size(),
		.nr = nr,
	};
	enum action action = VFIO_DAX;
	unsigned long turn = 0, unbound = 0;
	int err;

	if (!vfio.container)
		vfio_open(&vfio);
	if (!stress_claim(part))
		return;
	if (part == RAM)
		action = renew_ram(nr) ? VFIO_DIMM : VFIO_RAM;
	else
		turn = load(shared->turns[part]);
	err = vfio_map(&vfio, &mem);
	if (err)
		stress_release(part);
	if (refused(part, turn, err))
		return;
	if (!err) {
		if (part != RAM)
			unbound = load(shared->unbound[part]);
		check_pinned(&mem, part);
		err = part == RAM ? unmap(&mem) : hold_and_unmap(&mem, part, unbound);
	}
	if (vfio_locked())
		add(shared->kept);
	count(action, "VFIO", err);
}
