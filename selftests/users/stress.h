/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the processes of memmap_stress share, count and use.
 */
#ifndef _MEMMAP_STRESS_H
#define _MEMMAP_STRESS_H

#include "block.h"
#include "dax.h"
#include "vfio.h"

#define NR_DAX		2
#define RAM		NR_DAX		/* number of a part, see stress_map() */
#define NR_PARTS	(NR_DAX + 1)

enum action {
	UNBIND, BIND, ONLINE_MOVABLE, ONLINE_KERNEL, OFFLINE, PLUG, UNPLUG,
	KPAGEFLAGS, PAGES, KVM_DAX, KVM_RAM, KVM_DIMM, VFIO_DAX, VFIO_RAM,
	VFIO_DIMM, VFIO_UNBIND, NR_ACTIONS
};

struct shared {
	unsigned long done[NR_ACTIONS];
	unsigned long failed[NR_ACTIONS];
	unsigned long hung;		/* devices whose unbind hangs */
	unsigned long turns[NR_DAX];	/* even: the device is bound */
	unsigned long unbound[NR_DAX];	/* how often */
	struct pages plugged;		/* the hot-plugged DIMM */
	unsigned long refused;		/* uses that failed: device unbound */
	unsigned long online_pmem;	/* device pages that were online */
	unsigned long lost_ram;		/* RAM pages that were not */
	unsigned long wrong_data;	/* VM runs that read wrong data */
	unsigned long wrong_pins;	/* wrong pins, or locked bytes */
	unsigned long escaped;		/* unbinds that did not wait for us */
	unsigned long kept;		/* turns that left bytes locked */
	bool claimed[NR_DAX];		/* see stress_claim() */
};

extern struct shared *shared;
extern unsigned long seed;
extern struct blocks boot_dimm;		/* present since boot */
extern struct dax dax[NR_DAX];
extern struct vfio vfio;

#define load(number)		__atomic_load_n(&(number), __ATOMIC_SEQ_CST)
#define add(number)		__atomic_fetch_add(&(number), 1, __ATOMIC_SEQ_CST)

/* Pseudo-random number below @nr; updates @seed. */
unsigned long pick(unsigned long nr);

/* Count an action; @err is 0 or errno. */
void count(enum action action, const char *who, int err);

/*
 * Map a huge page of each device, and RAM, for KVM and VFIO. They stay mapped.
 * Call it before fork(), while the devices are bound.
 */
bool stress_map(void);

/*
 * Only on v7: a device is either used for VFIO, or unbound and bound. There an
 * unbind does not wait for pins, and leaves nothing to unpin or check.
 */
bool stress_claim(unsigned long part);
void stress_release(unsigned long part);

/*
 * Find areas whose struct pages stay: test_memmap does not handle their removal
 * while it reads them. False if @with_pmem and no device shares a section with
 * RAM.
 */
bool stress_find_areas(bool with_pmem);

/* Read some of these areas, or the flags of what comes and goes. */
void stress_read(void);

/* Have a VM read or write some of that memory; map some for VFIO. */
void stress_run_machine(void);
void stress_map_and_unmap(void);

#endif
