// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>

#include "file.h"
#include "kvm.h"
#include "mem.h"
#include "ns.h"
#include "test.h"

#define CODE		0x1000UL	/* guest physical addresses */
#define MEMORY		(2UL << 20)
#define TDP_MMU		"/sys/module/kvm/parameters/tdp_mmu"
#define ANSWER		8		/* offset in each page */
#define ANSWER_WORD	(ANSWER / sizeof(uint32_t))

/*
 * In each page from esi on up to edx: read the first word, and, when ebx is not
 * 0, write its complement to ANSWER.
 */
static const unsigned char program[] = {
	0x8b, 0x06,				/* 1: mov (%esi),%eax  */
	0x85, 0xdb,				/*    test %ebx,%ebx   */
	0x74, 0x05,				/*    jz 2f            */
	0xf7, 0xd0,				/*    not %eax         */
	0x89, 0x46, ANSWER,			/*    mov %eax,8(%esi) */
	0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,	/* 2: add $4096,%esi   */
	0x39, 0xd6,				/*    cmp %edx,%esi    */
	0x72, 0xeb,				/*    jb 1b            */
	0xf4,					/*    hlt              */
};

bool kvm_is_there(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), version = -1;

	if (kvm >= 0) {
		version = ioctl(kvm, KVM_GET_API_VERSION, 0);
		close(kvm);
	}
	return version == KVM_API_VERSION;
}

const char *kvm_begin(int argc, char *argv[])
{
	test_begin();
	if (!kvm_is_there())
		ksft_exit_skip("needs KVM\n");
	return ns_require_arg(argc, argv);
}

bool kvm_use_tdp_mmu(bool on)
{
	char is[8] = "";

	file_write(TDP_MMU, on ? "Y" : "N");
	file_read(TDP_MMU, is, sizeof(is));
	if (is[0] == (on ? 'Y' : 'N'))
		return true;
	ksft_print_msg("KVM's tdp_mmu stays %s\n", is);
	return false;
}

/* Set up a memory slot, or change its flags. */
static bool set_memory(struct vm *vm, unsigned int slot, unsigned long gpa,
		       void *addr, size_t size, unsigned int flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)addr,
	};

	if (!ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region))
		return true;
	ksft_print_msg("memory slot %u: %s\n", slot, strerror(errno));
	return false;
}

bool kvm_log_dirty(struct vm *vm, bool on)
{
	return set_memory(vm, KVM_SLOT_MEMORY, MEMORY, vm->addr, vm->size,
			  on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

static void set_flat(struct kvm_segment *seg, unsigned int type)
{
	seg->base = 0;
	seg->limit = ~0U;
	seg->type = type;
	seg->s = 1;
	seg->dpl = 0;
	seg->present = 1;
	seg->db = 1;
	seg->l = 0;
	seg->g = 1;
}

/* Protected mode, without paging. */
static bool set_registers(struct vm *vm)
{
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		return false;
	set_flat(&sregs.cs, 11);
	set_flat(&sregs.ds, 3);
	sregs.es = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.cr0 |= 1;		/* PE */
	return !ioctl(vm->vcpu, KVM_SET_SREGS, &sregs);
}

void kvm_close(struct vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->code)
		munmap(vm->code, page_size());
	close(vm->vcpu);
	close(vm->vm);
	close(vm->kvm);
	memset(vm, 0, sizeof(*vm));
	vm->kvm = -1;
	vm->vm = -1;
	vm->vcpu = -1;
}

/* A machine with one CPU, and no memory yet. */
static bool open_machine(struct vm *vm)
{
	void *area;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		return false;
	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->vm < 0)
		return false;
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->vcpu < 0)
		return false;
	area = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (area == MAP_FAILED)
		return false;
	vm->run = area;
	return true;
}

bool kvm_open(struct vm *vm, void *addr, size_t size)
{
	memset(vm, 0, sizeof(*vm));
	vm->vm = -1;
	vm->vcpu = -1;
	vm->addr = addr;
	vm->size = size;
	vm->code = mem_map(page_size());
	memcpy(vm->code, program, sizeof(program));
	if (open_machine(vm) && set_registers(vm) &&
	    set_memory(vm, KVM_SLOT_CODE, CODE, vm->code, page_size(), 0) &&
	    kvm_log_dirty(vm, false))
		return true;
	ksft_print_msg("virtual machine: %s\n", strerror(errno));
	kvm_close(vm);
	return false;
}

int kvm_run_pages(struct vm *vm, size_t first, size_t nr, bool write)
{
	struct kvm_regs regs = {
		.rip = CODE,
		.rflags = 2,
		.rsi = MEMORY + first * page_size(),
		.rdx = MEMORY + (first + nr) * page_size(),
		.rbx = write,
	};
	int ret;

	if (ioctl(vm->vcpu, KVM_SET_REGS, &regs))
		return errno;
	do {
		ret = ioctl(vm->vcpu, KVM_RUN, 0);
	} while (ret && errno == EINTR);
	if (ret)
		return errno;
	if (vm->run->exit_reason == KVM_EXIT_HLT)
		return 0;
	ioctl(vm->vcpu, KVM_GET_REGS, &regs);
	ksft_print_msg("virtual machine: exit %u at eip %#llx esi %#llx\n",
		       vm->run->exit_reason, regs.rip, regs.rsi);
	return -1;
}

uint32_t kvm_eax(struct vm *vm)
{
	struct kvm_regs regs = {};

	ioctl(vm->vcpu, KVM_GET_REGS, &regs);
	return regs.rax;
}

int kvm_run(struct vm *vm, bool write)
{
	return kvm_run_pages(vm, 0, vm->size / page_size(), write);
}

bool kvm_ran(int err)
{
	if (err)
		ksft_print_msg("KVM_RUN: %d (%s)\n", err,
			       err > 0 ? strerror(err) : "no halt");
	return !err;
}

void kvm_put_questions(uint32_t *addr, size_t nr, uint32_t question)
{
	const size_t words = page_size() / sizeof(*addr);
	size_t i;

	for (i = 0; i < nr; i++, addr += words) {
		addr[0] = question + i;
		addr[ANSWER_WORD] = 0;
	}
}

static bool answered(const uint32_t *addr, size_t nr, uint32_t question)
{
	const size_t words = page_size() / sizeof(*addr);
	uint32_t want;
	size_t i;

	for (i = 0; i < nr; i++, addr += words) {
		want = ~(question + i);
		if (addr[0] == question + i && addr[ANSWER_WORD] == want)
			continue;
		ksft_print_msg("page %zu: %#x, answer %#x, should be %#x\n", i,
			       addr[0], addr[ANSWER_WORD], want);
		return false;
	}
	return true;
}

bool kvm_ask(struct vm *vm, uint32_t *addr, uint32_t question)
{
	const size_t nr = vm->size / page_size();

	kvm_put_questions(addr, nr, question);
	return kvm_ran(kvm_run(vm, true)) && answered(addr, nr, question);
}

long long kvm_large_mappings(void)
{
	long long nr = file_number("/sys/kernel/debug/kvm/pages_2m");

	return nr < 0 ? file_number("/sys/kernel/debug/kvm/largepages") : nr;
}
