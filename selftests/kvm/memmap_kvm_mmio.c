// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM treats as MMIO of the host, and on v5.10 also as pages that it takes
 * no references to: RAM, device DAX, the info block of a DAX device (which
 * nobody owns), a PCI device's memory for peer-to-peer DMA, and a hole in
 * memory. A virtual machine reads from each; probes on KVM's functions show
 * what it decides. On AMD nothing else does: nested page tables have no memory
 * type.
 *
 * usage: memmap_kvm_mmio [namespace [hole]]
 *
 * On AMD, KVM of v7 asks only if it has to guard against stale data from MMIO:
 * boot with setcpuid=691 (CLEAR_CPU_BUF_VM_MMIO).
 *
 * Needs KVM, kprobe events, and /dev/mem for the info block and for the hole,
 * which is a physical address. The data in the namespace (default:
 * namespace0.0) is lost. On a kernel without PAT (or with "nopat") all but RAM
 * is MMIO.
 */
#include <stdio.h>

#include "dax.h"
#include "file.h"
#include "kvm.h"
#include "pci.h"
#include "test.h"
#include "trace.h"

#define PROBES		TRACE "/kprobe_events"
/* Exists if PAT is on. */
#define PAT		"/sys/kernel/debug/x86/pat_memtype_list"
#define NR_PAGES	2	/* of each kind: the info block has no more */
#define MAX_ANSWERS	1024

static bool pat;

/* A question that KVM has asked, and the answer. */
struct answer {
	unsigned long pfn;
	bool yes;
};

static bool write_probes(const char *const *probes, size_t nr)
{
	int fd, err = 0;
	size_t i;

	fd = open(PROBES, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (i = 0; !err && i < nr; i++)
		if (dprintf(fd, "%s\n", probes[i]) < 0)
			err = errno;
	close(fd);
	if (err)
		ksft_print_msg("%s: %s\n", probes[i - 1], strerror(err));
	return !err;
}

/* Put a probe on entry and exit of each function. */
static bool set_probes(const char *const *probes, size_t nr)
{
	trace_mount();

	/*
	 * An optimised probe takes a lock that an int3 probe takes in what
	 * lockdep calls an NMI: a false report, once, and lockdep is off.
	 */
	file_write("/proc/sys/debug/kprobes-optimization", "0");
	return trace_clear(PROBES) && write_probes(probes, nr) &&
	       !file_write(TRACE "/events/memmap/enable", "1");
}

static void clear_probes(void)
{
	file_write(TRACE "/events/memmap/enable", "0");
	trace_clear(PROBES);
}

/*
 * Read answers to @what ("mmio", "reserved") from the trace. Only one thread
 * asks: each answer belongs to the question before it.
 */
static size_t read_answers(const char *what, struct answer *answers)
{
	char line[256], ask[32], answer[32], *text;
	FILE *trace = file_open(TRACE_FILE);
	unsigned long asked = 0;
	size_t nr = 0;

	snprintf(ask, sizeof(ask), " %s_pfn: ", what);
	snprintf(answer, sizeof(answer), " %s: ", what);
	while (fgets(line, sizeof(line), trace)) {
		if (strstr(line, ask)) {
			text = strstr(line, "pfn=");
			asked = text ? strtoul(text + 4, NULL, 0) : 0;
			continue;
		}
		text = strstr(line, answer) ? strstr(line, "answer=") : NULL;
		if (!text)
			continue;
		if (nr == MAX_ANSWERS)
			ksft_exit_fail_msg("more than %d answers\n", MAX_ANSWERS);
		answers[nr].pfn = asked;
		answers[nr++].yes = strtoul(text + 7, NULL, 0);
	}
	fclose(trace);
	return nr;
}

/* True if all answers are @want, for @nr pages with the first. */
static bool check_answers(const char *what, unsigned long pfn, bool want, int nr)
{
	const struct pages pages = { pfn, NR_PAGES };
	static struct answer answers[MAX_ANSWERS];
	size_t nr_answers = read_answers(what, answers), i;
	bool good[NR_PAGES] = {};
	int bad = 0, found = 0;

	for (i = 0; i < nr_answers; i++) {
		if (!page_in(&pages, answers[i].pfn))
			continue;
		if (answers[i].yes == want)
			good[answers[i].pfn - pfn] = true;
		else
			bad++;
	}
	for (i = 0; i < NR_PAGES; i++)
		found += good[i];
	if (bad || found < nr)
		ksft_print_msg("%s: pfn %#lx: %d times not %d, %d of %d pages always %d\n",
			       what, pfn, bad, want, found, NR_PAGES, want);
	return !bad && found >= nr && good[0];
}

/* Have a virtual machine read the pages. */
static bool read_from(const char *word, void *addr)
{
	struct vm vm;
	int err = -1;

	/* Drop the answers from before. */
	if (!trace_clear(TRACE_FILE))
		return false;
	if (addr != MAP_FAILED && kvm_open(&vm, addr, NR_PAGES * page_size())) {
		err = kvm_run(&vm, false);
		kvm_close(&vm);
	}
	if (err)
		ksft_print_msg("%s: KVM_RUN: %d (%s)\n", word, err,
			       err > 0 ? strerror(err) : "not run");
	return !err;
}

#ifdef PIN_V7
#define NR_CASES	6
/* After the first MMIO page, KVM asks only for memory types. */
#define NR_MMIO(want)	((want) ? 1 : NR_PAGES)

static const char *const probes[] = {
	"p:memmap/mmio_pfn __kvm_is_mmio_pfn pfn=$arg1:u64",
	"r:memmap/mmio __kvm_is_mmio_pfn answer=$retval:u8",
};

/* KVM's references are those of GUP: it does not ask. */
static void test_reserved(const char *word, unsigned long pfn, bool want)
{
	(void)word;
	(void)pfn;
	(void)want;
}

static void skip_reserved(const char *word, const char *why)
{
	(void)word;
	(void)why;
}
#else
#define NR_CASES	11
#define NR_MMIO(want)	NR_PAGES

static const char *const probes[] = {
	"p:memmap/mmio_pfn kvm_is_mmio_pfn pfn=$arg1:u64",
	"r:memmap/mmio kvm_is_mmio_pfn answer=$retval:u8",
	"p:memmap/reserved_pfn kvm_is_reserved_pfn pfn=$arg1:u64",
	"r:memmap/reserved kvm_is_reserved_pfn answer=$retval:u8",
};

/* After test_mmio(), for the same pages. */
static void test_reserved(const char *word, unsigned long pfn, bool want)
{
	ksft_test_result(check_answers("reserved", pfn, want, NR_PAGES),
			 "%s_reserved\n", word);
}

static void skip_reserved(const char *word, const char *why)
{
	ksft_test_result_skip("%s_reserved: %s\n", word, why);
}
#endif

static void test_mmio(const char *word, void *addr, unsigned long pfn, bool want)
{
	ksft_test_result(read_from(word, addr) &&
			 check_answers("mmio", pfn, want, NR_MMIO(want)), "%s_mmio\n",
			 word);
}

static void unmap(void *addr)
{
	if (addr != MAP_FAILED)
		munmap(addr, NR_PAGES * page_size());
}

/* Find two consecutive page frames: common, but in either order. */
static void test_ram(void)
{
	unsigned long pfn = 0;
	size_t tries;
	char *addr;

	for (tries = 0; tries < 1024; tries++) {
		addr = mem_map(2 * page_size());
		addr[tries % 2 * page_size()] = 1;
		addr[(tries + 1) % 2 * page_size()] = 1;
		pfn = page_pfn(addr);
		if (page_pfn(addr + page_size()) == pfn + 1)
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

	/* With the memmap on the device nobody owns the info block. */
	if (!dax_create(ns, "dev", "4K", &dax))
		ksft_exit_fail_msg("no dax device\n");

	snprintf(path, sizeof(path), "/dev/%s", dax.name);
	addr = mem_map_file(path, 0, 0, NR_PAGES);
	test_mmio("dax", addr, dax.data.pfn, !pat);
	test_reserved("dax", dax.data.pfn, false);
	unmap(addr);

	addr = mem_map_file("/dev/mem", 0, dax.reserve.pfn, NR_PAGES);
	test_mmio("info_block", addr, dax.reserve.pfn, !pat);
	test_reserved("info_block", dax.reserve.pfn, true);
	unmap(addr);
}

static void test_bar(void)
{
	const char *why = "no PCI device with p2pmem";
	struct pci_bar bar;
	void *addr;

	if (!pci_find_p2p_bar(NULL, &bar)) {
		ksft_test_result_skip("bar_mmio: %s\n", why);
		skip_reserved("bar", why);
		return;
	}
	addr = mem_map_file(bar.path, 0, 0, NR_PAGES);
	test_mmio("bar", addr, bar.pages.pfn, true);
	test_reserved("bar", bar.pages.pfn, false);
	unmap(addr);
}

static void test_hole(unsigned long pfn)
{
	const char *why = "no address of a hole";
	void *addr;

	if (!pfn) {
		ksft_test_result_skip("hole_mmio: %s\n", why);
		skip_reserved("hole", why);
		ksft_test_result_skip("hole_uncached_mmio: %s\n", why);
		return;
	}

	addr = mem_map_file("/dev/mem", 0, pfn, NR_PAGES);
	test_mmio("hole", addr, pfn, !pat);
	test_reserved("hole", pfn, true);
	unmap(addr);

	addr = mem_map_file("/dev/mem", O_SYNC, pfn, NR_PAGES);
	test_mmio("hole_uncached", addr, pfn, true);
	unmap(addr);
}

int main(int argc, char *argv[])
{
	const char *ns = kvm_begin(argc, argv);
	unsigned long hole = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	if (!set_probes(probes, ARRAY_SIZE(probes)))
		ksft_exit_skip("needs kprobe events and functions to put them on\n");
	pat = !access(PAT, F_OK);

	ksft_set_plan(NR_CASES);
	test_ram();
	test_dax(ns);
	test_bar();
	test_hole(hole / page_size());
	clear_probes();

	ksft_exit(!ksft_get_fail_cnt());
}
