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
#define RAM		NR_DAX		/* as the number of a part, see stress_map() */
#define NR_PARTS	(NR_DAX + 1)

enum action {
	UNBIND, BIND, ONLINE_MOVABLE, ONLINE_KERNEL, OFFLINE, PLUG, UNPLUG,
	KPAGEFLAGS, PAGES, KVM_DAX, KVM_RAM, KVM_DIMM, VFIO_DAX, VFIO_RAM,
	VFIO_DIMM, VFIO_UNBIND, NR_ACTIONS
};

struct shared {
	unsigned long done[NR_ACTIONS];
	unsigned long failed[NR_ACTIONS];
	unsigned long hung;		/* devices that can't be unbound any more */
	unsigned long turns[NR_DAX];	/* even: the device is bound */
	unsigned long unbound[NR_DAX];	/* so often */
	struct pages plugged;		/* the DIMM that comes and goes */
	unsigned long refused;		/* users of a device that was not there */
	unsigned long online_pmem;	/* pages of devices that were online */
	unsigned long lost_ram;		/* pages of RAM that were not */
	unsigned long wrong_data;	/* runs of the machine that read something else */
	unsigned long wrong_pins;	/* mappings with other pins, or locked bytes */
	unsigned long escaped;		/* devices that were unbound, but had pins */
	unsigned long kept;		/* bytes still locked after it was unmapped */
	bool claimed[NR_DAX];		/* see stress_claim() */
};

extern struct shared *shared;
extern unsigned long seed;
extern struct blocks boot_dimm;		/* one that is there all the time */
extern struct dax dax[NR_DAX];
extern struct vfio vfio;

#define load(number)		__atomic_load_n(&(number), __ATOMIC_SEQ_CST)
#define add(number)		__atomic_fetch_add(&(number), 1, __ATOMIC_SEQ_CST)

/* A number below @nr that depends on the seed. */
unsigned long pick(unsigned long nr);

/* An action has succeeded, or not: errno. */
void count(enum action action, const char *who, int err);

/*
 * Map the memory that is used: a huge page of each device, and RAM. It stays
 * mapped. Before the processes are there, since the devices have to be bound.
 */
bool stress_map(void);

/*
 * Only on v7: a device is either used for VFIO, or unbound and bound again. That
 * does not wait for pins, and there is nothing to be unpinned, or looked at, after
 * it.
 */
bool stress_claim(unsigned long part);
void stress_release(unsigned long part);

/* Have a virtual machine read or write some of it; map some for VFIO. */
void stress_run_machine(void);
void stress_map_and_unmap(void);

#endif
