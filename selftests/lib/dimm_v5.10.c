// SPDX-License-Identifier: GPL-2.0
#include "block.h"

/* If the DIMM seems to be there still, acpi_scan_hot_remove() only says so. */
void dimm_wait_ejected(void)
{
}
