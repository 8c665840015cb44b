// SPDX-License-Identifier: GPL-2.0
#include "block.h"

/*
 * The kernel has yet to check _STA. If there is a new DIMM by then,
 * acpi_scan_hot_remove() mistakes it for the old one, and the kernel does not
 * add it. device_hotplug_lock is held until that is done. Wait for it by
 * onlining a block that is already online.
 */
void dimm_wait_ejected(void)
{
	block_write_state(0, "online");
}
