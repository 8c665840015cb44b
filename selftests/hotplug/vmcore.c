// SPDX-License-Identifier: GPL-2.0
/*
 * A memory image of kdump, /proc/vmcore or the output of makedumpfile -E:
 * physical memory by address, and struct pages, found as makedumpfile does, by
 * VMCOREINFO alone. x86_64 with 4 or 5 levels of page tables.
 */
#include <elf.h>
#include <stdio.h>

#include "test.h"
#include "vmcore.h"

#define KERNEL_MAP	0xffffffff80000000UL	/* __START_KERNEL_map */
#define PTE_ADDRESS	0x000ffffffffff000UL
#define PTE_LARGE	0x80UL

/* The number at @key in VMCOREINFO; 0 if it has no such key. */
static unsigned long info_of(const struct vmcore *core, const char *key, int base)
{
	const size_t len = strlen(key);
	const char *line = core->info;

	for (; line && *line; line = strchr(line, '\n'), line += !!line)
		if (!strncmp(line, key, len) && line[len] == '=')
			return strtoul(line + len + 1, NULL, base);
	ksft_print_msg("VMCOREINFO has no %s\n", key);
	return 0;
}

static void read_notes(struct vmcore *core, const Elf64_Phdr *phdr)
{
	char *notes = malloc(phdr->p_filesz), *pos = notes;
	char *end = notes + phdr->p_filesz;

	if (!notes || pread(core->fd, notes, phdr->p_filesz, phdr->p_offset) !=
	    (ssize_t)phdr->p_filesz)
		ksft_exit_fail_msg("vmcore: notes: %s\n", strerror(errno));
	while (pos + sizeof(Elf64_Nhdr) < end) {
		const Elf64_Nhdr *note = (const void *)pos;
		char *name = pos + sizeof(*note);
		char *desc = name + ((note->n_namesz + 3) & ~3);

		if (note->n_namesz == sizeof("VMCOREINFO") && !strcmp(name, "VMCOREINFO"))
			core->info = strndup(desc, note->n_descsz);
		pos = desc + ((note->n_descsz + 3) & ~3);
	}
	free(notes);
}

bool vmcore_open(const char *path, struct vmcore *core)
{
	Elf64_Ehdr header;
	Elf64_Phdr phdr;
	int i;

	memset(core, 0, sizeof(*core));
	core->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (core->fd < 0 || pread(core->fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG)) {
		ksft_print_msg("%s: %s\n", path, strerror(errno));
		return false;
	}
	core->loads = calloc(header.e_phnum, sizeof(phdr));
	for (i = 0; core->loads && i < header.e_phnum; i++) {
		if (pread(core->fd, &phdr, sizeof(phdr), header.e_phoff + i * sizeof(phdr)) !=
		    sizeof(phdr))
			return false;
		if (phdr.p_type == PT_NOTE)
			read_notes(core, &phdr);
		else if (phdr.p_type == PT_LOAD)
			core->loads[core->nr++] = phdr;
	}
	if (!core->nr || !core->info)
		ksft_print_msg("%s: %d ranges of memory, %s VMCOREINFO\n", path, core->nr,
			       core->info ? "with" : "no");
	return core->nr && core->info;
}

unsigned long vmcore_covers(const struct vmcore *core, unsigned long start,
			    unsigned long size)
{
	unsigned long bytes = 0, from, to;
	int i;

	for (i = 0; i < core->nr; i++) {
		const Elf64_Phdr *load = &core->loads[i];

		from = load->p_paddr > start ? load->p_paddr : start;
		to = load->p_paddr + load->p_filesz;
		to = to < start + size ? to : start + size;
		if (from < to)
			bytes += to - from;
	}
	return bytes;
}

static bool read_phys(const struct vmcore *core, unsigned long phys, void *buf,
		      size_t size)
{
	int i;

	for (i = 0; i < core->nr; i++) {
		const Elf64_Phdr *load = &core->loads[i];

		if (phys >= load->p_paddr && phys + size <= load->p_paddr + load->p_filesz)
			return pread(core->fd, buf, size, load->p_offset + phys - load->p_paddr) ==
			       (ssize_t)size;
	}
	return false;
}

/* Walk the page tables of the kernel that crashed. Returns 0 if not mapped. */
static unsigned long phys_of(const struct vmcore *core, unsigned long addr)
{
	unsigned long table = info_of(core, "SYMBOL(swapper_pg_dir)", 16) - KERNEL_MAP +
			      info_of(core, "NUMBER(phys_base)", 10);
	int shift = info_of(core, "NUMBER(pgtable_l5_enabled)", 10) ? 48 : 39;
	unsigned long entry, mask;

	for (;; shift -= 9) {
		if (!read_phys(core, table + (addr >> shift & 511) * sizeof(entry), &entry,
			       sizeof(entry)) || !(entry & 1))
			return 0;
		mask = (1UL << shift) - 1;
		table = entry & PTE_ADDRESS;
		if (shift == 12 || (shift < 39 && entry & PTE_LARGE))
			return (table & ~mask) | (addr & mask);
	}
}

static bool read_virt(const struct vmcore *core, unsigned long addr, void *buf,
		      size_t size)
{
	unsigned long phys = phys_of(core, addr);

	return phys && read_phys(core, phys, buf, size);
}

bool vmcore_flags(const struct vmcore *core, unsigned long pfn, unsigned long nr,
		  unsigned long *flags)
{
	const unsigned long struct_size = info_of(core, "SIZE(page)", 10);
	const unsigned long size = info_of(core, "SIZE(mem_section)", 10);
	const unsigned long per_root = PAGE / size;
	unsigned long section = pfn >> (info_of(core, "NUMBER(SECTION_SIZE_BITS)", 10) - 12);
	unsigned long addr, step, i, j;
	char *pages = malloc(PAGE);

	if (!pages || PAGE % struct_size || pfn % (PAGE / struct_size) || nr % (PAGE / struct_size))
		ksft_exit_fail_msg("vmcore: %lu bytes in a struct page\n", struct_size);
	/* Not the symbol's address, but its value: the array of roots. */
	addr = info_of(core, "SYMBOL(mem_section)", 16) + section / per_root * sizeof(addr);
	if (!read_virt(core, addr, &addr, sizeof(addr)) ||
	    !read_virt(core, addr + section % per_root * size +
			 info_of(core, "OFFSET(mem_section.section_mem_map)", 10),
			 &addr, sizeof(addr)) || !addr) {
		free(pages);
		return false;
	}
	addr &= PTE_ADDRESS | 0xffffUL << 48;	/* drop the SECTION_* flags */
	step = PAGE / struct_size;
	for (i = 0; i < nr; i += step) {
		if (!read_virt(core, addr + (pfn + i) * struct_size, pages, PAGE))
			break;
		for (j = 0; j < step; j++)
			memcpy(&flags[i + j], pages + j * struct_size +
			       info_of(core, "OFFSET(page.flags)", 10), sizeof(*flags));
	}
	free(pages);
	return i == nr;
}

/* A piece of the image; mapped if aligned: read() of /proc/vmcore is slow. */
static char *map_piece(const struct vmcore *core, unsigned long off, size_t size)
{
	const bool aligned = off % PAGE == 0;
	char *map;

	map = mmap(NULL, size, aligned ? PROT_READ : PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | (aligned ? 0 : MAP_ANONYMOUS), aligned ? core->fd : -1,
		   aligned ? off : 0);
	if (map == MAP_FAILED ||
	    (!aligned && pread(core->fd, map, size, off) != (ssize_t)size))
		ksft_exit_fail_msg("vmcore: %#lx: %s\n", off, strerror(errno));
	return map;
}

void vmcore_search(const struct vmcore *core, const struct area *areas, int nr,
		   unsigned long *found)
{
	const unsigned long chunk = 256 * PAGE;
	unsigned long start, end, pos, size;
	char *map;
	int i, j;

	memset(found, 0, nr * sizeof(*found));
	for (i = 0; i < core->nr; i++) {
		const Elf64_Phdr *load = &core->loads[i];

		/* The kernel image is in there twice, with its freed parts. */
		if (load->p_vaddr >= KERNEL_MAP)
			continue;
		start = (load->p_paddr + PAGE - 1) & -PAGE;
		end = (load->p_paddr + load->p_filesz) & -PAGE;
		for (; start < end; start += chunk) {
			size = end - start < chunk ? end - start : chunk;
			map = map_piece(core, load->p_offset + start - load->p_paddr, size);
			for (pos = 0; pos < size; pos += PAGE)
				for (j = 0; j < nr; j++)
					found[j] += area_page_is(&areas[j], (start + pos) / PAGE,
								 (void *)(map + pos));
			munmap(map, size);
		}
	}
}
