/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The smallest virtual machine that can touch memory, for the memmap
 * selftests: one virtual CPU, 32-bit code with flat segments and no paging,
 * its program in a page of its own, and the memory in question above it.
 */
#ifndef _SELFTESTS_MEMMAP_KVM_H
#define _SELFTESTS_MEMMAP_KVM_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap_dax.h"

#define VM_CODE		0x1000UL	/* guest physical addresses */
#define VM_MEMORY	(2UL << 20)
#define VM_ANSWER	8		/* offset in each page */
#define VM_ANSWER_WORD	(VM_ANSWER / sizeof(uint32_t))
#define VM_TDP_MMU	"/sys/module/kvm/parameters/tdp_mmu"

enum { VM_SLOT_CODE, VM_SLOT_MEMORY };

struct vm {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	void *code;
	void *addr;
	size_t size;
	unsigned int flags;	/* of the slot: KVM_MEM_* */
};

/*
 * In each page from esi on up to edx: read the first word, and, when ebx is not
 * 0, write its complement to VM_ANSWER.
 */
static const unsigned char vm_program[] = {
	0x8b, 0x06,				/* 1: mov (%esi),%eax  */
	0x85, 0xdb,				/*    test %ebx,%ebx   */
	0x74, 0x05,				/*    jz 2f            */
	0xf7, 0xd0,				/*    not %eax         */
	0x89, 0x46, VM_ANSWER,			/*    mov %eax,8(%esi) */
	0x81, 0xc6, 0x00, 0x10, 0x00, 0x00,	/* 2: add $4096,%esi   */
	0x39, 0xd6,				/*    cmp %edx,%esi    */
	0x72, 0xeb,				/*    jb 1b            */
	0xf4,					/*    hlt              */
};

static inline bool vm_available(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), version = -1;

	if (kvm >= 0) {
		version = ioctl(kvm, KVM_GET_API_VERSION, 0);
		close(kvm);
	}
	return version == KVM_API_VERSION;
}

/*
 * What a test of KVM and a namespace, the first of its arguments, begins with.
 * Returns the namespace.
 */
static inline const char *begin_vm(int argc, char *argv[])
{
	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (!vm_available())
		ksft_exit_skip("needs KVM\n");
	return require_namespace(argc, argv);
}

/* Not every kernel can switch: then all machines are with what it has. */
static inline void vm_use_tdp_mmu(bool on)
{
	write_text(VM_TDP_MMU, on ? "Y" : "N");
}

/* Give the machine its memory, or change the flags of the slot. */
static inline bool vm_set_memory(struct vm *vm, unsigned int slot,
				 unsigned long gpa, void *addr, size_t size,
				 unsigned int flags)
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

static inline bool vm_log_dirty(struct vm *vm, bool on)
{
	vm->flags = on ? KVM_MEM_LOG_DIRTY_PAGES : 0;
	return vm_set_memory(vm, VM_SLOT_MEMORY, VM_MEMORY, vm->addr, vm->size,
			     vm->flags);
}

static inline void vm_flat(struct kvm_segment *seg, unsigned int type)
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

static inline void vm_close(struct vm *vm)
{
	if (vm->run)
		munmap(vm->run, vm->run_size);
	if (vm->code)
		munmap(vm->code, sysconf(_SC_PAGESIZE));
	close(vm->vcpu);
	close(vm->vm);
	close(vm->kvm);
	memset(vm, 0, sizeof(*vm));
	vm->kvm = -1;
	vm->vm = -1;
	vm->vcpu = -1;
}

/* A machine with @size bytes at @addr for memory. */
static inline bool vm_open(struct vm *vm, void *addr, size_t size)
{
	const int prot = PROT_READ | PROT_WRITE;
	size_t page_size = sysconf(_SC_PAGESIZE);
	struct kvm_sregs sregs;
	void *area;

	memset(vm, 0, sizeof(*vm));
	vm->vm = -1;
	vm->vcpu = -1;
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		goto fail;
	vm->vm = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->vm < 0)
		goto fail;
	vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
	vm->run_size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->vcpu < 0)
		goto fail;
	area = mmap(NULL, vm->run_size, prot, MAP_SHARED, vm->vcpu, 0);
	if (area == MAP_FAILED)
		goto fail;
	vm->run = area;
	area = mmap(NULL, page_size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED)
		goto fail;
	vm->code = area;
	memcpy(vm->code, vm_program, sizeof(vm_program));

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		goto fail;
	vm_flat(&sregs.cs, 11);
	vm_flat(&sregs.ds, 3);
	sregs.es = sregs.ds;
	sregs.ss = sregs.ds;
	sregs.cr0 |= 1;		/* PE */
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs))
		goto fail;

	vm->addr = addr;
	vm->size = size;
	if (vm_set_memory(vm, VM_SLOT_CODE, VM_CODE, vm->code, page_size, 0) &&
	    vm_log_dirty(vm, false))
		return true;
fail:
	ksft_print_msg("virtual machine: %s\n", strerror(errno));
	vm_close(vm);
	return false;
}

/*
 * Have @nr pages of the memory read, or read and written, from the page @first
 * on. Returns 0 when they were, the errno of KVM_RUN, or -1 when the machine
 * stopped for any other reason. What was read from the last page, or its
 * complement when that was written, is in the machine's eax: see vm_eax().
 */
static inline int vm_run_pages(struct vm *vm, size_t first, size_t nr,
			       bool write)
{
	size_t page_size = sysconf(_SC_PAGESIZE);
	struct kvm_regs regs = {
		.rip = VM_CODE,
		.rflags = 2,
		.rsi = VM_MEMORY + first * page_size,
		.rdx = VM_MEMORY + (first + nr) * page_size,
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

/* The same for all of the memory. */
static inline int vm_run(struct vm *vm, bool write)
{
	return vm_run_pages(vm, 0, vm->size / sysconf(_SC_PAGESIZE), write);
}

static inline bool vm_ran(int err)
{
	if (err)
		ksft_print_msg("KVM_RUN: %d (%s)\n", err,
			       err > 0 ? strerror(err) : "no halt");
	return !err;
}

/* Something to be read in each of @nr pages, from @question on, and no answer. */
static inline void vm_ask(uint32_t *addr, size_t nr, uint32_t question)
{
	const size_t words = sysconf(_SC_PAGESIZE) / sizeof(*addr);
	size_t i;

	for (i = 0; i < nr; i++, addr += words) {
		addr[0] = question + i;
		addr[VM_ANSWER_WORD] = 0;
	}
}

/* Has the machine answered just where @written is set, or everywhere? */
static inline bool vm_answered(const uint32_t *addr, size_t nr,
			       uint32_t question, const bool *written)
{
	const size_t words = sysconf(_SC_PAGESIZE) / sizeof(*addr);
	uint32_t want;
	size_t i;

	for (i = 0; i < nr; i++, addr += words) {
		want = !written || written[i] ? ~(question + i) : 0;
		if (addr[0] == question + i && addr[VM_ANSWER_WORD] == want)
			continue;
		ksft_print_msg("page %zu: %#x, answer %#x, should be %#x\n", i,
			       addr[0], addr[VM_ANSWER_WORD], want);
		return false;
	}
	return true;
}

static inline uint32_t vm_eax(struct vm *vm)
{
	struct kvm_regs regs = {};

	ioctl(vm->vcpu, KVM_GET_REGS, &regs);
	return regs.rax;
}

/* Mappings of more than a page in all virtual machines, if the MMU counts them. */
static inline long long vm_large_mappings(void)
{
	long long nr = read_number("/sys/kernel/debug/kvm/pages_2m");

	return nr < 0 ? read_number("/sys/kernel/debug/kvm/largepages") : nr;
}

#endif
