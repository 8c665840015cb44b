/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory blocks (/sys/devices/system/memory), and DIMMs that are made of them.
 */
#ifndef _MEMMAP_BLOCK_H
#define _MEMMAP_BLOCK_H

#include <stdbool.h>

#include "page.h"

#define BLOCK_DIR	"/sys/devices/system/memory"
#define BLOCK_AUTO_ONLINE	BLOCK_DIR "/auto_online_blocks"
#define BLOCK_GOING_ONLINE	PAGE_DEBUGFS("going_online")
#define PLUG_SECONDS	60	/* for the memory blocks of a DIMM to appear */

/* Memory blocks [@first, @first + @nr). */
struct blocks {
	unsigned long first;
	unsigned long nr;
	struct pages pages;	/* of all of them */
};

#define block_for_each(block, blocks)				\
	for ((block) = (blocks)->first;				\
	     (block) < (blocks)->first + (blocks)->nr; (block)++)

/* Pages in a memory block. */
unsigned long block_pages(void);

/* What @start and @size, in bytes, are; ends the test program unless whole blocks. */
struct blocks block_range(unsigned long long start, unsigned long long size);

/* The same for two numbers in words, in any base. */
struct blocks block_parse(const char *start, const char *size);

/* One block. */
struct blocks block_one(unsigned long block);

/* The struct pages of a memory block, until the next call. */
const struct test_memmap_page *block_read(unsigned long block);

/* 1: the memory block is online, 0: offline, -1: neither, or not there. */
int block_online(unsigned long block);

/* Are all of them @online, as block_online() says? */
bool block_all(const struct blocks *blocks, int online);

/* Wait until they are, for at most PLUG_SECONDS. */
void block_wait(const struct blocks *blocks, int online);

/* Offline memory that is there: all of the blocks, and their struct pages. */
bool block_all_offline(const struct blocks *blocks);

/* Neither block nor struct page nor System RAM is left of them. */
bool block_is_gone(const struct blocks *blocks);

/* Write @state to the state file of the memory block. Returns 0 or -errno. */
int block_write_state(unsigned long block, const char *state);

/*
 * The same, bounded in time: the kernel retries offlining for as long as pages
 * can't be migrated. Uses SIGALRM: meanwhile, an alarm() stands still.
 */
int block_try_state(unsigned long block, const char *state);

/* The same; prints why it can't be. */
bool block_set_state(unsigned long block, const char *state);

/* The same, in a few tries. */
bool block_change(unsigned long block, const char *state);

/* Online or offline all of them, the latter in a few tries. */
bool block_set_all(const struct blocks *blocks, const char *state);

/* SIGALRM, or another signal, is to end a write, and nothing else. */
void block_catch(int signal);

/* Is there a link between the memory block and the node? */
bool block_on_node(unsigned long block, int nid);

/* The node that it is on. */
int block_node(unsigned long block);

/* One MEM_GOING_ONLINE event for the block, when none of it was reserved? */
bool block_saw_going_online(unsigned long block);

/*
 * Is all of the block online on the node, and every struct page of it as it
 * should be? In the zone @index as well, unless that is negative.
 */
bool block_is_on_node(unsigned long block, int nid, int index);

/* The same for this zone of the block's node, which has to span it. */
bool block_is_in_zone(unsigned long block, const char *zone_name);

/* Call @fn for each memory block, in no order; returns how many. */
int block_walk(void (*fn)(unsigned long block));

/*
 * Have the host plug a DIMM, and wait for its memory blocks. Exits the test
 * program when there is no host (skip) or it refuses (failure).
 */
struct blocks dimm_plug(const char *name);

/* Have the host unplug a DIMM. Returns whether the guest let go of it. */
bool dimm_eject(const char *name);

/* When the host has the DIMM back: wait until the kernel knows, too. */
void dimm_wait_ejected(void);

#endif
