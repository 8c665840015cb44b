// SPDX-License-Identifier: GPL-2.0
#include "block.h"

/* If the DIMM still seems present, acpi_scan_hot_remove() only warns. */
void dimm_wait_ejected(void)
{
}
