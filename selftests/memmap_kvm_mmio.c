// SPDX-License-Identifier: GPL-2.0
/*
#ifdef PIN_V7
 * What KVM takes for MMIO of the host: RAM,
#else
 * What KVM takes for MMIO of the host, and what for pages that it must not
 * take references to: RAM,
#endif
 * device DAX, the info block of a DAX device (which
 * belongs to nobody), a PCI device's memory for peer-to-peer DMA, and a hole
 * between memory. A virtual machine reads from each; what KVM thinks of it is
 * seen by probes on its functions, which is the only place on processors (AMD)
 * whose nested page tables have no memory type.
 *
 * usage: memmap_kvm_mmio [namespace [hole]]
 *
#ifdef PIN_V7
 * On such a processor KVM only wants to know if it has to guard against stale
 * data from MMIO: setcpuid=691 on the command line (CLEAR_CPU_BUF_VM_MMIO).
 *
#endif
 * Wants KVM, kprobe events, and /dev/mem for the info block and for the hole,
 * which is a physical address. What is in the namespace (namespace0.0) gets
 * lost. On a kernel without PAT (or with "nopat") all but RAM is MMIO.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "memmap_dax.h"
#include "memmap_kvm.h"

#define TRACE		"/sys/kernel/tracing"
#define PAT		"/sys/kernel/debug/x86/pat_memtype_list"	/* if it is on */
#define PCI		"/sys/bus/pci/devices"
#define NR_PAGES	2	/* of each kind: the info block has no more */
#ifdef PIN_V7
#define MMIO_PFN	"__kvm_is_mmio_pfn"
#define NR_CASES	6
#else
#define MMIO_PFN	"kvm_is_mmio_pfn"
#define NR_CASES	11
#endif

static size_t page_size;
static bool pat;

/* What opening a file with O_TRUNC does: remove all events, all of the trace. */
static void clear(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
}

/* Put a probe on entry and exit of each function. */
static bool set_probes(void)
{
	static const char *const probes[] = {
		"p:memmap/mmio_pfn " MMIO_PFN " pfn=$arg1:u64",
		"r:memmap/mmio " MMIO_PFN " answer=$retval:u8",
#ifndef PIN_V7
		"p:memmap/reserved_pfn kvm_is_reserved_pfn pfn=$arg1:u64",
		"r:memmap/reserved kvm_is_reserved_pfn answer=$retval:u8",
#endif
	};
	size_t i;
	int fd, err = 0;

	if (access(TRACE "/trace", F_OK))
		mount("tracefs", TRACE, "tracefs", 0, NULL);

	/*
	 * An optimised probe takes the lock that a probe by int3 takes in what
	 * lockdep calls an NMI, which makes it cry wolf, once, and be off then.
	 */
	write_text("/proc/sys/debug/kprobes-optimization", "0");
	clear(TRACE "/kprobe_events");
	fd = open(TRACE "/kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (i = 0; !err && i < ARRAY_SIZE(probes); i++)
		if (write(fd, probes[i], strlen(probes[i])) < 0 ||
		    write(fd, "\n", 1) < 0)
			err = errno;
	close(fd);
	if (err)
		ksft_print_msg("%s: %s\n", probes[i - 1], strerror(err));
	return !err && !write_text(TRACE "/events/memmap/enable", "1");
}

static void clear_probes(void)
{
	write_text(TRACE "/events/memmap/enable", "0");
	clear(TRACE "/kprobe_events");
}

/*
 * Was @what ("mmio", "reserved") answered for each page, always with @want?
 * One thread has asked, so that each answer belongs to the question before it.
 */
static bool check_answers(const char *what, unsigned long pfn, bool want)
{
	char line[256], ask[32], answer[32], *text;
	unsigned long asked = 0, number;
	unsigned int good[NR_PAGES] = {}, bad = 0, pages = 0, i;
	FILE *trace;

	snprintf(ask, sizeof(ask), " %s_pfn: ", what);
	snprintf(answer, sizeof(answer), " %s: ", what);
	trace = fopen(TRACE "/trace", "re");
	while (trace && fgets(line, sizeof(line), trace)) {
		text = strstr(line, ask);
		if (text) {
			text = strstr(text, "pfn=");
			asked = text ? strtoul(text + 4, NULL, 0) : 0;
			continue;
		}
		text = strstr(line, answer);
		text = text ? strstr(text, "answer=") : NULL;
		if (!text || asked < pfn || asked >= pfn + NR_PAGES)
			continue;
		number = strtoul(text + 7, NULL, 0);
		if (number == want)
			good[asked - pfn]++;
		else
			bad++;
	}
	if (trace)
		fclose(trace);

	for (i = 0; i < NR_PAGES; i++)
		pages += good[i] > 0;
#ifdef PIN_V7
	/* After one that is MMIO there is no more to know, but for memory types. */
	if (want && good[0])
		pages = NR_PAGES;
#endif
	if (bad || pages != NR_PAGES)
		ksft_print_msg("%s: pfn %#lx: %u times not %d, %u of %d pages always %d\n",
			       what, pfn, bad, want, pages, NR_PAGES, want);
	return !bad && pages == NR_PAGES;
}

/* Have the pages read by a virtual machine. */
static bool read_from(const char *word, void *addr)
{
	struct vm vm;
	int err = -1;

	clear(TRACE "/trace");
	if (addr != MAP_FAILED && vm_open(&vm, addr, NR_PAGES * page_size)) {
		err = vm_run(&vm, false);
		vm_close(&vm);
	}
	if (err)
		ksft_print_msg("%s: KVM_RUN: %d (%s)\n", word, err,
			       err > 0 ? strerror(err) : "not run");
	return !err;
}

static void test_mmio(const char *word, void *addr, unsigned long pfn, bool want)
{
	ksft_test_result(read_from(word, addr) &&
			 check_answers("mmio", pfn, want), "%s_mmio\n", word);
}

/* After test_mmio(), for the same pages. */
static void test_reserved(const char *word, unsigned long pfn, bool want)
{
#ifdef PIN_V7
	/* References are those of whoever has pinned a page: nobody asks. */
	(void)word;
	(void)pfn;
	(void)want;
#else
	ksft_test_result(check_answers("reserved", pfn, want),
			 "%s_reserved\n", word);
#endif
}

static void unmap(void *addr)
{
	if (addr != MAP_FAILED)
		munmap(addr, NR_PAGES * page_size);
}

static void test_ram(void)
{
	unsigned long pfn = 0;
	size_t tries;
	char *addr = MAP_FAILED;

	/* Two page frames in a row: they are not hard to find. */
	for (tries = 0; tries < 1024; tries++) {
#ifdef PIN_V7
		addr = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (addr == MAP_FAILED)
			break;
		/* They may come in any order, time after time. */
		addr[tries % 2 * page_size] = 1;
		addr[(tries + 1) % 2 * page_size] = 1;
#else
		addr = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (addr == MAP_FAILED)
			break;
#endif
		pfn = memmap_vaddr_to_pfn(addr);
		if (memmap_vaddr_to_pfn(addr + page_size) == pfn + 1)
			break;
	}
	test_mmio("ram", addr, pfn, false);
	test_reserved("ram", pfn, false);
}

static void test_dax(const char *ns)
{
	struct dax dax = {};
	char path[64];
	void *addr;

	/* With the memmap on the device there is something that is kept. */
	if (!create_dax(ns, "dev", "4K", &dax))
		ksft_exit_fail_msg("no dax device\n");

	snprintf(path, sizeof(path), "/dev/%s", dax.name);
	addr = map_pfns(path, 0, 0, NR_PAGES);
	test_mmio("dax", addr, dax.data.pfn, !pat);
	test_reserved("dax", dax.data.pfn, false);
	unmap(addr);

	addr = map_pfns("/dev/mem", 0, dax.reserve.pfn, NR_PAGES);
	test_mmio("info_block", addr, dax.reserve.pfn, !pat);
	test_reserved("info_block", dax.reserve.pfn, true);
	unmap(addr);
}

/* Find a BAR that has struct pages, as pci_p2pdma_add_resource() gives it. */
static bool find_bar(char *path, size_t size, unsigned long *pfn)
{
	unsigned long long start, end;
	struct dirent *entry;
	char line[128];
	bool found = false;
	DIR *dir;
	FILE *bars;
	int bar;

	dir = opendir(PCI);
	while (dir && !found && (entry = readdir(dir))) {
		snprintf(path, size, PCI "/%.16s/resource", entry->d_name);
		bars = fopen(path, "re");
		for (bar = 0; bars && !found && bar < 6; bar++) {
			if (!fgets(line, sizeof(line), bars) ||
			    sscanf(line, "%llx %llx", &start, &end) != 2 ||
			    end - start < NR_PAGES * page_size)
				continue;
			*pfn = start / page_size;
			found = memmap_page(*pfn).state & TEST_MEMMAP_DEVICE;
			if (found)
				snprintf(path, size, PCI "/%.16s/resource%d",
					 entry->d_name, bar);
		}
		if (bars)
			fclose(bars);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void test_bar(void)
{
	unsigned long pfn;
	char path[128];
	void *addr;

	if (!find_bar(path, sizeof(path), &pfn)) {
		ksft_test_result_skip("bar_mmio: no PCI device with p2pmem\n");
#ifndef PIN_V7
		ksft_test_result_skip("bar_reserved: no PCI device with p2pmem\n");
#endif
		return;
	}
	ksft_print_msg("%s: pfn %#lx\n", path, pfn);

	addr = map_pfns(path, 0, 0, NR_PAGES);
	test_mmio("bar", addr, pfn, true);
	test_reserved("bar", pfn, false);
	unmap(addr);
}

static void test_hole(unsigned long pfn)
{
	void *addr;

	if (!pfn) {
		ksft_test_result_skip("hole_mmio: no address of a hole\n");
#ifndef PIN_V7
		ksft_test_result_skip("hole_reserved: no address of a hole\n");
#endif
		ksft_test_result_skip("hole_uncached_mmio: no address of a hole\n");
		return;
	}

	addr = map_pfns("/dev/mem", 0, pfn, NR_PAGES);
	test_mmio("hole", addr, pfn, !pat);
	test_reserved("hole", pfn, true);
	unmap(addr);

	addr = map_pfns("/dev/mem", O_SYNC, pfn, NR_PAGES);
	test_mmio("hole_uncached", addr, pfn, true);
	unmap(addr);
}

int main(int argc, char *argv[])
{
	const char *ns = begin_vm(argc, argv);
	unsigned long hole = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	page_size = sysconf(_SC_PAGESIZE);
	if (!set_probes())
		ksft_exit_skip("needs kprobe events and functions to put them on\n");
	pat = !access(PAT, F_OK);

	ksft_set_plan(NR_CASES);
	test_ram();
	test_dax(ns);
	test_bar();
	test_hole(hole / page_size);
	clear_probes();

	ksft_exit(!ksft_get_fail_cnt());
}
