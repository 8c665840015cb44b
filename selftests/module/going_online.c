// SPDX-License-Identifier: GPL-2.0
/* <debugfs>/test_memmap/going_online: what a notifier of MEM_GOING_ONLINE sees. */
#include <linux/bitops.h>
#include <linux/fs.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include "files.h"
#include "pin.h"

#define MAX_EVENTS	64

struct going_online {
	unsigned long start_pfn;
	unsigned long nr_pages;
	unsigned long nr_reserved;
};

static DEFINE_MUTEX(events_lock);	/* events and nr_events */
static struct going_online events[MAX_EVENTS];
static unsigned int nr_events;

static int going_online_notify(struct notifier_block *nb, unsigned long action,
			       void *data)
{
	struct memory_notify *arg = data;
	struct going_online *event;
	unsigned long pfn;

	if (action != MEM_GOING_ONLINE)
		return NOTIFY_OK;

	mutex_lock(&events_lock);
	if (nr_events < MAX_EVENTS) {
		event = &events[nr_events++];
		event->start_pfn = arg->start_pfn;
		event->nr_pages = arg->nr_pages;
		event->nr_reserved = 0;
		for (pfn = arg->start_pfn;
		     pfn < arg->start_pfn + arg->nr_pages; pfn++)
			if (test_bit(PG_reserved, page_flags(pfn_to_page(pfn))))
				event->nr_reserved++;
	}
	mutex_unlock(&events_lock);

	return NOTIFY_OK;
}

struct notifier_block going_online_nb = {
	.notifier_call = going_online_notify,
};

static int going_online_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	mutex_lock(&events_lock);
	for (i = 0; i < nr_events; i++)
		seq_printf(m, "%lu %lu %lu\n", events[i].start_pfn,
			   events[i].nr_pages, events[i].nr_reserved);
	mutex_unlock(&events_lock);

	return 0;
}

static int going_online_open(struct inode *inode, struct file *file)
{
	return single_open(file, going_online_show, NULL);
}

static ssize_t going_online_write(struct file *file, const char __user *buf,
				  size_t count, loff_t *ppos)
{
	mutex_lock(&events_lock);
	nr_events = 0;
	mutex_unlock(&events_lock);

	return count;
}

const struct file_operations going_online_fops = {
	.owner = THIS_MODULE,
	.open = going_online_open,
	.read = seq_read,
	.write = going_online_write,
	.llseek = seq_lseek,
	.release = single_release,
};
