// SPDX-License-Identifier: GPL-2.0
#include "block.h"
#include "host.h"
#include "test.h"

struct blocks dimm_plug(const char *name)
{
	long long end = test_ms() + PLUG_SECONDS * 1000;
	unsigned long long start, size;
	struct blocks blocks;
	unsigned long last;

	host_plug(name, &start, &size);
	blocks = block_range(start, size);
	last = blocks.first + blocks.nr - 1;
	/* The last block appears last, and its link to the node after it. */
	while ((block_online(last) < 0 || block_node(last) < 0) && test_ms() < end)
		usleep(10000);
	return blocks;
}

bool dimm_eject(const char *name)
{
	char answer[128];
	int err = host_ask("unplug", name, answer, sizeof(answer));

	dimm_wait_ejected();
	return !err;
}
