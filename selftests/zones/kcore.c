// SPDX-License-Identifier: GPL-2.0
/*
 * For memmap_readers: /proc/kcore.
 */
#include <elf.h>

#include "kcore.h"
#include "mem.h"
#include "test.h"

#define CHUNK		MB	/* bytes in one read */
#define MAX_SEGMENTS	64

static Elf64_Phdr segments[MAX_SEGMENTS];
static int nr_segments;

int kcore_open(void)
{
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr head;
	ssize_t size;

	if (fd < 0 || read(fd, &head, sizeof(head)) != sizeof(head) ||
	    head.e_phnum > MAX_SEGMENTS)
		ksft_exit_fail_msg("/proc/kcore: %s\n", strerror(errno));
	size = head.e_phnum * sizeof(*segments);
	if (pread(fd, segments, size, head.e_phoff) != size)
		ksft_exit_fail_msg("/proc/kcore: no %u segments\n", head.e_phnum);
	nr_segments = head.e_phnum;
	return fd;
}

bool kcore_has_ram(unsigned long pfn)
{
	uint64_t addr = (uint64_t)pfn * page_size();
	const Elf64_Phdr *phdr;

	for (phdr = segments; phdr < segments + nr_segments; phdr++)
		if (phdr->p_type == PT_LOAD && phdr->p_paddr != (uint64_t)-1 &&
		    addr >= phdr->p_paddr &&
		    addr - phdr->p_paddr < phdr->p_memsz)
			return true;
	return false;
}

static bool read_segment(int fd, const Elf64_Phdr *phdr)
{
	static char buf[CHUNK];
	uint64_t done, size;

	for (done = 0; done < phdr->p_memsz; done += size) {
		size = phdr->p_memsz - done < CHUNK ? phdr->p_memsz - done : CHUNK;
		if (pread(fd, buf, size, phdr->p_offset + done) == (ssize_t)size)
			continue;
		ksft_print_msg("kcore: %#llx: %s\n",
			       (unsigned long long)(phdr->p_vaddr + done), strerror(errno));
		return false;
	}
	return true;
}

bool kcore_read(int fd, uint64_t limit)
{
	unsigned long ram = 0, others = 0;
	const Elf64_Phdr *phdr;
	bool good = true, is_ram;

	for (phdr = segments; phdr < segments + nr_segments; phdr++) {
		is_ram = phdr->p_paddr != (uint64_t)-1;
		if (phdr->p_type != PT_LOAD || (!is_ram && phdr->p_memsz > limit))
			continue;
		good &= read_segment(fd, phdr);
		if (is_ram)
			ram += phdr->p_memsz / page_size();
		else
			others++;
	}
	ksft_print_msg("kcore: %lu pages of RAM, and %lu other segments\n", ram, others);
	return good && ram && others;
}
