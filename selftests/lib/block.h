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

/* Blocks of a range in bytes. Ends the test program unless they are whole. */
struct blocks block_range(unsigned long long start, unsigned long long size);

/* The same for two numbers as strings, in any base. */
struct blocks block_parse(const char *start, const char *size);

struct blocks block_one(unsigned long block);

/* The blocks that are completely in @pages: there may be none. */
struct blocks block_inside(const struct pages *pages);

/* Read the struct pages of a memory block; valid until the next call. */
const struct test_memmap_page *block_read(unsigned long block);

/* 1: the memory block is online, 0: offline, -1: neither, or not there. */
int block_online(unsigned long block);

/* True if block_online() is @online for all; false if there are none. */
bool block_all(const struct blocks *blocks, int online);

/* Wait for that, at most PLUG_SECONDS for all of them. */
void block_wait(const struct blocks *blocks, int online);

/* True if all are offline, with struct pages that are valid but not online. */
bool block_all_offline(const struct blocks *blocks);

/* True if no block, no struct page and no System RAM is left of them. */
bool block_is_gone(const struct blocks *blocks);

/* Write @state to the state file of the memory block. Returns 0 or -errno. */
int block_write_state(unsigned long block, const char *state);

/*
 * The same with a time limit: the kernel retries offlining as long as pages
 * can't be migrated. Uses SIGALRM; a pending alarm() is suspended.
 */
int block_try_state(unsigned long block, const char *state);

/* The same; prints the error. Returns true on success. */
bool block_set_state(unsigned long block, const char *state);

/* The same, with retries. */
bool block_change(unsigned long block, const char *state);

/* Write @state for all of them; offlining is retried. */
bool block_set_all(const struct blocks *blocks, const char *state);

/* Install an empty handler, so that @signal only interrupts a write. */
void block_catch(int signal);

/* True if node @nid has a link to the memory block. */
bool block_on_node(unsigned long block, int nid);

/* The node of the memory block, -1 if none. */
int block_node(unsigned long block);

/* True if the block had one MEM_GOING_ONLINE event, with no page reserved. */
bool block_saw_going_online(unsigned long block);

/*
 * True if the block is online on node @nid, and its struct pages are right: in
 * the zone @index as well, unless that is negative.
 */
bool block_is_on_node(unsigned long block, int nid, int index);

/* The same for @zone_name of the block's node, which must span the block. */
bool block_is_in_zone(unsigned long block, const char *zone_name);

/* Call @fn for each memory block, in any order; returns their number. */
int block_walk(void (*fn)(unsigned long block));

/*
 * Have the host plug a DIMM, and wait for its memory blocks. Exits the test
 * program when there is no host (skip) or it refuses (failure).
 */
struct blocks dimm_plug(const char *name);

/* Have the host unplug a DIMM. Returns true if the guest released it. */
bool dimm_eject(const char *name);

/* Wait until the kernel, too, has finished ejecting the DIMM. */
void dimm_wait_ejected(void);

#endif
