// SPDX-License-Identifier: GPL-2.0
/* <debugfs>/test_memmap/p2pdma: peer-to-peer DMA with memory of a PCI device. */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci-p2pdma.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "files.h"
#include "pin.h"

#define MAX_P2P_PAGES	64

struct p2p {
	struct mutex lock;		/* all of it */
	struct pci_dev *provider;
	void *memory;
	unsigned int nr_pages;
	char answer[64];
};

static int p2p_open(struct inode *inode, struct file *file)
{
	struct p2p *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	mutex_init(&p->lock);
	file->private_data = p;

	return 0;
}

static int p2p_release(struct inode *inode, struct file *file)
{
	struct p2p *p = file->private_data;

	if (p->memory)
		pci_free_p2pmem(p->provider, p->memory,
				p->nr_pages * PAGE_SIZE);
	pci_dev_put(p->provider);
	kfree(p);

	return 0;
}

static int p2p_alloc(struct p2p *p, struct pci_dev *provider, unsigned int nr)
{
	if (!provider)
		return -ENODEV;
	if (!p->memory && nr && nr <= MAX_P2P_PAGES)
		p->memory = pci_alloc_p2pmem(provider, nr * PAGE_SIZE);
	if (!p->memory || p->provider) {
		pci_dev_put(provider);
		return p->provider ? -EBUSY : -ENOMEM;
	}
	p->provider = provider;
	p->nr_pages = nr;

	return 0;
}

static struct page *p2p_page(struct p2p *p, unsigned int i)
{
	return virt_to_page(p->memory + i * PAGE_SIZE);
}

static int p2p_map(struct p2p *p, struct block_device *bdev)
{
	struct device *client = disk_to_dev(bdev->bd_disk);
	struct scatterlist *sgl, *sg;
	int distance, i, nr, ret = 0;

	while (client && !dev_is_pci(client))
		client = client->parent;
	if (!client)
		return -ENODEV;
	/* This is also what makes mapping possible at all. */
	distance = pci_p2pdma_distance(p->provider, client, false);
	if (distance < 0)
		return -EXDEV;

	sgl = kmalloc_array(p->nr_pages, sizeof(*sgl), GFP_KERNEL);
	if (!sgl)
		return -ENOMEM;
	sg_init_table(sgl, p->nr_pages);
	for_each_sg(sgl, sg, p->nr_pages, i)
		sg_set_page(sg, p2p_page(p, i), PAGE_SIZE, 0);

	nr = map_p2p_sg(client, sgl, p->nr_pages);
	if (nr) {
		snprintf(p->answer, sizeof(p->answer), "%lu %llu %d\n",
			 page_to_pfn(p2p_page(p, 0)),
			 (unsigned long long)sg_dma_address(sgl), distance);
		unmap_p2p_sg(client, sgl, p->nr_pages);
	} else {
		ret = -EIO;
	}
	kfree(sgl);

	return ret;
}

static int p2p_transfer(struct p2p *p, struct block_device *bdev,
			unsigned int op)
{
	struct bio *bio;
	unsigned int i;
	int ret = 0;

	if (!blk_queue_pci_p2pdma(bdev_get_queue(bdev)))
		return -EOPNOTSUPP;

	bio = alloc_bio(bdev, p->nr_pages, op);
	if (!bio)
		return -ENOMEM;
	if (op == REQ_OP_WRITE)
		bio->bi_iter.bi_sector = p->nr_pages * (PAGE_SIZE / SECTOR_SIZE);
	for (i = 0; !ret && i < p->nr_pages; i++)
		if (bio_add_page(bio, p2p_page(p, i), PAGE_SIZE, 0) != PAGE_SIZE)
			ret = -E2BIG;
	if (!ret)
		ret = submit_bio_wait(bio);
	bio_put(bio);

	return ret;
}

static int p2p_command(struct p2p *p, const char *op, const char *path)
{
	struct disk disk;
	int ret;

	if (!p->memory)
		return -EINVAL;
	ret = open_disk(&disk, path);
	if (ret)
		return ret;

	if (!strcmp(op, "map"))
		ret = p2p_map(p, disk.bdev);
	else if (!strcmp(op, "read"))
		ret = p2p_transfer(p, disk.bdev, REQ_OP_READ);
	else if (!strcmp(op, "write"))
		ret = p2p_transfer(p, disk.bdev, REQ_OP_WRITE);
	else
		ret = -EINVAL;
	close_disk(&disk);

	return ret;
}

static ssize_t p2p_write(struct file *file, const char __user *buf,
			 size_t count, loff_t *ppos)
{
	unsigned int domain, bus, slot, func, nr;
	struct p2p *p = file->private_data;
	char line[64], *path = line, *op;
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, count))
		return -EFAULT;
	line[count] = '\0';

	mutex_lock(&p->lock);
	if (sscanf(line, "%x:%x:%x.%x %u", &domain, &bus, &slot, &func, &nr) == 5) {
		ret = p2p_alloc(p, pci_get_domain_bus_and_slot(domain, bus,
							       PCI_DEVFN(slot, func)), nr);
	} else {
		op = strsep(&path, " ");
		ret = path ? p2p_command(p, op, path) : -EINVAL;
	}
	mutex_unlock(&p->lock);

	return ret ? ret : count;
}

static ssize_t p2p_read(struct file *file, char __user *buf, size_t count,
			loff_t *ppos)
{
	struct p2p *p = file->private_data;
	loff_t start = 0;
	ssize_t ret;

	mutex_lock(&p->lock);
	ret = simple_read_from_buffer(buf, count, &start, p->answer,
				      strlen(p->answer));
	mutex_unlock(&p->lock);

	return ret;
}

const struct file_operations p2p_fops = {
	.owner = THIS_MODULE,
	.open = p2p_open,
	.read = p2p_read,
	.write = p2p_write,
	.release = p2p_release,
};
