// SPDX-License-Identifier: GPL-2.0
#include "block.h"

/*
 * The kernel has yet to ask whether the DIMM is gone. If there is a new one by
 * then, acpi_scan_hot_remove() mistakes it for the old one, and does not add it.
 * All that is under a lock, which this waits for: a block that is online stays as
 * it is.
 */
void dimm_wait_ejected(void)
{
	block_write_state(0, "online");
}
