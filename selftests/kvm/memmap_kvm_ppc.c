// SPDX-License-Identifier: GPL-2.0
/*
 * KVM HV, on POWER, must drop the references that it takes when the guest is
 * first to touch a page: to the zero page, and to device memory.
 *
 * usage: memmap_kvm_ppc UUID SIZE
 *
 * Needs KVM HV, which a PAPR guest has when it may run nested guests, and a
 * device DAX without a label, see memmap_devdax. Its data is lost.
 */
#include <linux/kvm.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "dax.h"
#include "test.h"

#define VM_CODE		0UL		/* guest physical addresses */
#define VM_MEMORY	(16UL << 20)
#define VM_ANSWER	8		/* offset in each page */
#define VM_DONE		0xff00		/* a hypercall that no kernel knows */
#define VM_MSR		0x8000000000001001UL	/* 64-bit, machine checks, LE */
#define VM_SECONDS	60		/* for all runs */
#define NR_PAGES	32UL
#define NR_CASES	8

enum { VM_SLOT_CODE, VM_SLOT_MEMORY };

struct vm {
	int kvm, vm, vcpu;
	struct kvm_run *run;
};

/*
 * For each page from r4 up to r5, in steps of r6: read the first word and, if
 * r7 is not 0, write its complement to VM_ANSWER.
 */
static const unsigned int vm_program[] = {
	0xe9040000,	/* 1: ld    r8,0(r4) */
	0x2c270000,	/*    cmpdi r7,0     */
	0x4182000c,	/*    beq   2f       */
	0x7d0840f8,	/*    not   r8,r8    */
	0xf9040000 | VM_ANSWER,	/* std r8,8(r4) */
	0x7c843214,	/* 2: add   r4,r4,r6 */
	0x7c242840,	/*    cmpld r4,r5    */
	0x4180ffe4,	/*    blt   1b       */
	0x44000022,	/*    sc    1        */
};

static bool vm_set_memory(struct vm *vm, unsigned int slot, unsigned long gpa,
			  void *addr, size_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)addr,
	};

	return !ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void *map_small(size_t size)
{
	void *addr = mem_map(size);

	madvise(addr, size, MADV_NOHUGEPAGE);
	return addr;
}

/* A KVM HV machine, with no memory but its code. */
static bool vm_open(struct vm *vm)
{
	struct kvm_enable_cap papr = { .cap = KVM_CAP_PPC_PAPR };
	void *area;
	int size;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return false;
	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, KVM_VM_PPC_HV);
	if (vm->vm < 0)
		return false;
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->vcpu < 0 || ioctl(vm->vcpu, KVM_ENABLE_CAP, &papr))
		return false;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (area == MAP_FAILED)
		return false;
	vm->run = area;

	area = map_small(page_size());
	memcpy(area, vm_program, sizeof(vm_program));
	return vm_set_memory(vm, VM_SLOT_CODE, VM_CODE, area, page_size());
}

static void vm_close(struct vm *vm)
{
	munmap(vm->run, ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	close(vm->vcpu);
	close(vm->vm);
	close(vm->kvm);
}

/* Have a new machine read NR_PAGES at @addr, and write them if @write. */
static bool vm_run(void *addr, bool write)
{
	struct kvm_regs regs = {
		.pc = VM_CODE,
		.msr = VM_MSR,
		.gpr[3] = VM_DONE,
		.gpr[4] = VM_MEMORY,
		.gpr[5] = VM_MEMORY + NR_PAGES * page_size(),
		.gpr[6] = page_size(),
		.gpr[7] = write,
	};
	struct vm vm;
	bool done;
	int ret;

	if (!vm_open(&vm) || ioctl(vm.vcpu, KVM_SET_REGS, &regs) ||
	    !vm_set_memory(&vm, VM_SLOT_MEMORY, VM_MEMORY, addr,
			   NR_PAGES * page_size()))
		ksft_exit_fail_msg("virtual machine: %s\n", strerror(errno));
	do {
		ret = ioctl(vm.vcpu, KVM_RUN, 0);
	} while (ret < 0 && errno == EINTR);

	/* KVM_RUN may also return RESUME_HOST, which is > 0. */
	done = ret >= 0 && vm.run->exit_reason == KVM_EXIT_PAPR_HCALL &&
	       vm.run->papr_hcall.nr == VM_DONE;
	if (!done) {
		ksft_print_msg("KVM_RUN: %d (%s), exit %u\n", ret,
			       strerror(ret < 0 ? errno : 0), vm.run->exit_reason);
		ioctl(vm.vcpu, KVM_GET_REGS, &regs);
		ksft_print_msg("pc %#llx msr %#llx r4 %#llx\n",
			       (unsigned long long)regs.pc,
			       (unsigned long long)regs.msr,
			       (unsigned long long)regs.gpr[4]);
	}
	vm_close(&vm);
	return done;
}

/* The machine reads untouched memory: each page is the zero page. */
static void test_zero_page(void)
{
	char *addr = map_small((NR_PAGES + 1) * page_size());
	int before, after;
	unsigned long pfn;
	bool done;

	asm volatile("" : : "r" (*(volatile char *)addr));
	pfn = page_pfn(addr);
	before = page_get(pfn).refcount;
	done = vm_run(addr + page_size(), false);
	done &= page_pfn(addr + NR_PAGES * page_size()) == pfn;
	ksft_test_result(done, "zero_page_read\n");
	after = page_get(pfn).refcount;
	ksft_print_msg("zero page: %d references, %d before\n", after, before);
	ksft_test_result(done && after == before, "zero_page_released\n");
	munmap(addr, (NR_PAGES + 1) * page_size());
}

/* Control: the machine is first to touch ordinary memory. */
static void test_ram(void)
{
	char *addr = map_small(NR_PAGES * page_size());
	unsigned long pfn, wrong = 0;
	char *page;
	bool done;

	done = vm_run(addr, true);
	for (page = addr; page < addr + NR_PAGES * page_size(); page += page_size()) {
		pfn = page_pfn(page);
		wrong += page_get(pfn).refcount != 1 ||
			 *(uint64_t *)(page + VM_ANSWER) != ~0UL;
	}
	if (wrong)
		ksft_print_msg("RAM: %lu of %lu pages are not as they should be\n",
			       wrong, NR_PAGES);
	ksft_test_result(done, "ram_written\n");
	ksft_test_result(!wrong, "ram_released\n");
	munmap(addr, NR_PAGES * page_size());
}

static void test_dax(const struct dax *dax)
{
	const struct pages used = { dax->data.pfn, NR_PAGES };
	const size_t size = NR_PAGES * page_size();
	size_t step = page_size() / sizeof(uint64_t), i;
	unsigned long wrong = 0;
	__u64 *addr;
	bool done;

	addr = dax_map(dax, size, 0);
	done = vm_run(addr, true);
	for (i = 0; i < NR_PAGES; i++)
		wrong += addr[i * step + VM_ANSWER / sizeof(*addr)] != ~addr[i * step];
	if (wrong)
		ksft_print_msg("%lu of %lu answers are wrong\n", wrong, NR_PAGES);
	ksft_test_result(done && !wrong, "dax_written\n");
	ksft_test_result(page_pfn(addr) == used.pfn, "dax_mapped\n");
	munmap(addr, size);
	ksft_test_result(page_check("after the machine", &used, DEVICE_MASK,
				    DEVICE_PAGE, dax->nid), "dax_released\n");
	ksft_test_result(dax_bind(dax, false), "dax_unbind\n");
}

int main(int argc, char **argv)
{
	struct dax dax = {};
	struct vm vm;

	ksft_print_header();
	test_require();
	if (!vm_open(&vm))
		ksft_exit_skip("needs KVM HV: %s\n", strerror(errno));
	vm_close(&vm);
	alarm(VM_SECONDS);

	if (argc != 3 || !dax_adopt(argv[1], argv[2], &dax))
		ksft_exit_skip("usage: memmap_kvm_ppc UUID SIZE of a device DAX\n");

	ksft_set_plan(NR_CASES);
	test_zero_page();
	test_ram();
	test_dax(&dax);
	ksft_exit(!ksft_get_fail_cnt());
}
