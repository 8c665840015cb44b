// SPDX-License-Identifier: GPL-2.0
/* <debugfs>/test_memmap/cost: what pfn_to_online_page() costs. */
#include <linux/compiler.h>
#include <linux/fs.h>
#include <linux/irqflags.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

#include "files.h"
#include "test_memmap_uapi.h"

/*
 * Where pfn_to_online_page() is a macro, it is measured as inlined into this
 * loop. The same loop without it is measured as well, to be subtracted.
 */
static noinline void measure_calls(unsigned long pfn, struct test_memmap_cost *cost)
{
	unsigned long end = pfn + TEST_MEMMAP_COST_CALLS, found = 0, flags;
	struct page *page;
	cycles_t start;

	local_irq_save(flags);
	start = get_cycles();
	for (; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		OPTIMIZER_HIDE_VAR(page);
		found += !!page;
	}
	cost->ticks = get_cycles() - start;
	local_irq_restore(flags);
	cost->found = found;
}

static noinline void measure_loop(unsigned long pfn, struct test_memmap_cost *cost)
{
	unsigned long end = pfn + TEST_MEMMAP_COST_CALLS, found = 0, flags;
	struct page *page;
	cycles_t start;

	local_irq_save(flags);
	start = get_cycles();
	for (; pfn < end; pfn++) {
		page = (struct page *)pfn;
		OPTIMIZER_HIDE_VAR(page);
		found += !!page;
	}
	cost->loop_ticks = get_cycles() - start;
	local_irq_restore(flags);
	/* Use the result, or the compiler drops the loop. */
	WARN_ON_ONCE(found > TEST_MEMMAP_COST_CALLS);
}

static ssize_t cost_read(struct file *file, char __user *buf, size_t count,
			 loff_t *ppos)
{
	struct test_memmap_cost cost = { .calls = TEST_MEMMAP_COST_CALLS };

	if (count != sizeof(cost))
		return -EINVAL;
	measure_calls(*ppos, &cost);
	measure_loop(*ppos, &cost);

	return copy_to_user(buf, &cost, sizeof(cost)) ? -EFAULT : count;
}

const struct file_operations cost_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = cost_read,
	.llseek = default_llseek,
};
