/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For memmap_stress: what its processes share and count, and two of them that
 * use memory while it comes and goes: a virtual machine, and a VFIO container.
 */
#ifndef _SELFTESTS_MEMMAP_STRESS_H
#define _SELFTESTS_MEMMAP_STRESS_H

#include "memmap_dax.h"
#include "memmap_kvm.h"
#include "memmap_layout.h"
#include "memmap_vfio.h"

#define NR_DAX		2
#define RAM		NR_DAX		/* as the number of a part, see use_memory() */
#define NR_PARTS	(NR_DAX + 1)
#define PART_SIZE	HUGE_SIZE
#define MAX_PAGES	64		/* pinned at a time */
#define HOLD_MS		100		/* for somebody to come and want them back */

enum action {
	UNBIND, BIND, ONLINE_MOVABLE, ONLINE_KERNEL, OFFLINE, PLUG, UNPLUG,
	KPAGEFLAGS, PAGES, KVM_DAX, KVM_RAM, KVM_DIMM, VFIO_DAX, VFIO_RAM,
	VFIO_DIMM, VFIO_UNBIND, NR_ACTIONS
};

static const char *const action_names[NR_ACTIONS] = {
	"unbind", "bind", "online_movable", "online_kernel", "offline", "plug",
	"unplug", "kpageflags", "pages", "machine on device memory",
	"machine on RAM", "machine on the DIMM", "pin device memory", "pin RAM",
	"pin the DIMM", "unbind that waits for pins",
};

/* What the processes share. */
static struct {
	unsigned long done[NR_ACTIONS];
	unsigned long failed[NR_ACTIONS];
	unsigned long hung;		/* devices that can't be unbound any more */
	unsigned long turns[NR_DAX];	/* even: the device is bound */
	unsigned long unbound[NR_DAX];	/* so often */
	unsigned long plugged_pfn;	/* of the DIMM that comes and goes */
	unsigned long plugged_nr;
	unsigned long refused;		/* users of a device that was not there */
	unsigned long online_pmem;	/* pages of devices that were online */
	unsigned long lost_ram;		/* pages of RAM that were not */
	unsigned long wrong_data;	/* runs of the machine that read something else */
	unsigned long wrong_pins;	/* mappings with other pins, or locked bytes */
	unsigned long escaped;		/* devices that were unbound, but had pins */
	unsigned long kept;		/* bytes still locked after it was unmapped */
#ifdef PIN_V7
	bool claimed[NR_DAX];		/* see claim() */
#endif
} *shared;

#define load(number)		__atomic_load_n(&(number), __ATOMIC_SEQ_CST)
#define add(number)		__atomic_fetch_add(&(number), 1, __ATOMIC_SEQ_CST)

static unsigned long rounds, seed, first_block, nr_blocks, pages_per_block;
static struct dax dax[NR_DAX];
static struct vfio vfio;
static char *used;	/* memory for the users: NR_PARTS parts */

static inline unsigned long pick(unsigned long nr)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % nr;
}

/* Once a device can't be unbound, nobody has to wait for that. */
static inline bool needed(enum action action)
{
	return !load(shared->hung) ||
	       (action != UNBIND && action != BIND && action != VFIO_UNBIND);
}

static inline bool all_done(void)
{
	int i;

	for (i = 0; i < NR_ACTIONS; i++)
		if (needed(i) && load(shared->done[i]) < rounds)
			return false;
	return true;
}

static inline void count(enum action action, const char *who, int err)
{
	if (!err)
		add(shared->done[action]);
	else if (!add(shared->failed[action]))
		ksft_print_msg("%s: %s: %s\n", who, action_names[action], strerror(err));
}

/* What the first word of each page is. */
static inline unsigned int page_word(unsigned long part, unsigned long page)
{
	return 0x5eed0000U + (part << 12) + page;
}

static inline unsigned int *page_addr(unsigned long part, unsigned long page)
{
	return (unsigned int *)(used + part * PART_SIZE + page * sysconf(_SC_PAGESIZE));
}

static inline void fill_part(unsigned long part, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		*page_addr(part, i) = page_word(part, i);
}

/*
 * The memory of both users: a huge page of each device, and RAM. They keep it
 * mapped. Before they are there, since the devices have to be bound.
 */
static inline bool use_memory(void)
{
	const int prot = PROT_READ | PROT_WRITE;
	uintptr_t addr;
	void *area;
	int i, fd;

	area = mmap(NULL, NR_PARTS * PART_SIZE + HUGE_SIZE, prot,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		return false;
	addr = ((uintptr_t)area + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	used = (char *)addr;
	/* Pins of a large page are counted in another way. */
	madvise(page_addr(RAM, 0), PART_SIZE, MADV_NOHUGEPAGE);
	for (i = 0; i < NR_DAX; i++) {
		fd = open_dax(&dax[i]);
		if (mmap(page_addr(i, 0), PART_SIZE, prot, MAP_SHARED | MAP_FIXED,
			 fd, 0) == MAP_FAILED)
			return false;
		close(fd);
		fill_part(i, PART_SIZE / sysconf(_SC_PAGESIZE));
	}
	return true;
}

/* The page behind @addr. While it can't be migrated, that may still be tried. */
static inline unsigned long used_pfn(const unsigned int *addr)
{
	unsigned long pfn;

	/* Who reads it waits until it is there again. */
	do {
		asm volatile("" : : "r" (*addr) : "memory");
		pfn = memmap_vaddr_to_pfn(addr);
	} while (!pfn);
	return pfn;
}

/* New pages, from where there are some now. Do they come from the DIMM? */
static inline bool renew_ram(unsigned long nr)
{
	unsigned long pfn;

	madvise(page_addr(RAM, 0), PART_SIZE, MADV_DONTNEED);
	fill_part(RAM, nr);
	pfn = used_pfn(page_addr(RAM, 0));
	return pfn - first_block * pages_per_block < nr_blocks * pages_per_block;
}

#ifdef PIN_V7
/*
 * A device is either used for VFIO, or unbound and bound again: that does not
 * wait for pins, and there is nothing to be unpinned, or looked at, after it.
 */
static inline bool claim(unsigned long part)
{
	if (!__atomic_test_and_set(&shared->claimed[part], __ATOMIC_SEQ_CST))
		return true;
	usleep(1000);
	return false;
}

static inline void release(unsigned long part)
{
	__atomic_clear(&shared->claimed[part], __ATOMIC_SEQ_CST);
}

#endif
/* May a user have been refused? Not when the device was bound all the time. */
static inline bool refused(unsigned long part, unsigned long turn, int err)
{
#ifdef PIN_V7
	/* Pages are moved out of the Movable zone first, which fails if they are busy. */
	if (err == ENOMEM && part == RAM)
		return true;
#endif
	if (err != EFAULT || part == RAM ||
	    (turn % 2 == 0 && load(shared->turns[part]) == turn))
		return false;
	add(shared->refused);
	return true;
}

/*
 * The machine outlives whatever comes and goes below it: devices are bound and
 * unbound again, and pages of the DIMM migrate.
 */
static inline void run_machine(void)
{
	const unsigned long part = pick(NR_PARTS), nr = 1 + pick(MAX_PAGES);
	const bool write = pick(2);
	enum action action = KVM_DAX;
	unsigned long turn = 0;
	static struct vm vm;
	unsigned int word;
	int err;

	if (!vm.run && !vm_open(&vm, used, NR_PARTS * PART_SIZE))
		exit(1);
	if (part == RAM)
		action = renew_ram(nr) ? KVM_DIMM : KVM_RAM;
	else
		turn = load(shared->turns[part]);
	err = vm_run_pages(&vm, part * PART_SIZE / sysconf(_SC_PAGESIZE), nr, write);
	if (refused(part, turn, err))
		return;
	word = page_word(part, nr - 1);
	if (!err && vm_eax(&vm) != (write ? ~word : word))
		add(shared->wrong_data);
	count(action, "KVM", err < 0 ? EIO : err);
}

/*
#ifdef PIN_V7
 * Hold on until the device is being unbound and waits for us; but not for long.
#else
 * Hold on until the device is being unbound, has given up its own reference to
 * the page and waits for us; but not for long.
#endif
 */
static inline void wait_for_unbind(unsigned long part)
{
	int ms;

	for (ms = 0; ms < HOLD_MS; ms++) {
#ifdef PIN_V7
		struct test_memmap_page page = memmap_page(dax[part].data.pfn);

		if (page.state & TEST_MEMMAP_ONLINE)
			add(shared->online_pmem);
		if (!(page.state & TEST_MEMMAP_PGMAP)) {
#else
		if (memmap_page(dax[part].data.pfn).refcount % PIN == 0) {
#endif
			count(VFIO_UNBIND, "VFIO", 0);
			return;
		}
		usleep(1000);
	}
}

/* Has each page one pin, and does only RAM count as locked memory? */
static inline bool pinned_once(const struct memory *mem, unsigned long part)
{
	long ram = part == RAM ? mem->size : 0;
	struct test_memmap_page page;
	unsigned long i, pfn;

	for (i = 0; i < mem->nr; i++) {
		pfn = part == RAM ? used_pfn(page_addr(RAM, i)) :
				    dax[part].data.pfn + i;
		page = memmap_page(pfn);
#ifdef PIN_V7
		/* The huge page of a device is one folio, which counts for all. */
		if (!is("pins of a folio", memmap_pins(&page), part == RAM ? 1 : mem->nr))
			return false;
#else
		if (!is("pins of a page", memmap_pins(&page), 1))
			return false;
#endif
	}
	return is("locked bytes", locked(), ram);
}

#ifdef PIN_V7
static inline bool unpinned(unsigned long part)
{
	struct test_memmap_page page = memmap_page(dax[part].data.pfn);

	return is("pins left", memmap_pins(&page), 0);
}

#endif
static inline void map_and_unmap(void)
{
	const unsigned long part = pick(3) ? RAM : pick(NR_DAX);
	const unsigned long nr = 1 + pick(MAX_PAGES);
	const struct memory mem = {
		.addr = (char *)page_addr(part, 0),
		.size = nr * sysconf(_SC_PAGESIZE),
		.nr = nr,
	};
	unsigned long turn = 0, unbound = 0;
	enum action action = VFIO_DAX;
	int err;

	if (!vfio.container)
		open_container(&vfio);
#ifdef PIN_V7
	if (part != RAM && !claim(part))
		return;
#endif
	if (part == RAM)
		action = renew_ram(nr) ? VFIO_DIMM : VFIO_RAM;
	else
		turn = load(shared->turns[part]);
	err = map_dma(&vfio, &mem);
#ifdef PIN_V7
	if (err && part != RAM)
		release(part);
#endif
	if (refused(part, turn, err))
		return;
	if (!err) {
		if (part != RAM)
			unbound = load(shared->unbound[part]);
		if (!pinned_once(&mem, part))
			add(shared->wrong_pins);
#ifdef PIN_V7
		err = unmap_dma(&vfio, &mem) ? 0 : EIO;
		if (part != RAM && !unpinned(part))
			add(shared->wrong_pins);
#endif
		if (part != RAM) {
#ifdef PIN_V7
			/* What an unbind does wait for. */
			int held = hold_pgmap(dax[part].data.pfn);

			release(part);
#endif
			wait_for_unbind(part);
			if (load(shared->unbound[part]) != unbound)
				add(shared->escaped);
#ifdef PIN_V7
			close(held);
#endif
		}
#ifndef PIN_V7
		err = unmap_dma(&vfio, &mem) ? 0 : EIO;
#endif
	}
	if (locked())
		add(shared->kept);
	count(action, "VFIO", err);
}

#endif
