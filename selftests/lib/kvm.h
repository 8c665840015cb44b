/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The smallest virtual machine that can touch memory: one virtual CPU, 32-bit
 * code with flat segments and no paging, its program in a page of its own, and
 * the memory to test above it.
 */
#ifndef _MEMMAP_KVM_H
#define _MEMMAP_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

enum { KVM_SLOT_CODE, KVM_SLOT_MEMORY };

struct vm {
	int kvm, vm, vcpu;
	struct kvm_run *run;
	size_t run_size;
	void *code;
	void *addr;
	size_t size;
};

bool kvm_is_there(void);

/*
 * Start a test of KVM and of a namespace, its first argument. Returns the
 * namespace.
 */
const char *kvm_begin(int argc, char *argv[]);

/*
 * Set KVM's parameter tdp_mmu. Not every kernel can change it: then prints its
 * value. Returns true if it is @on.
 */
bool kvm_use_tdp_mmu(bool on);

/* Create a machine whose memory is @size bytes at @addr. */
bool kvm_open(struct vm *vm, void *addr, size_t size);
void kvm_close(struct vm *vm);

bool kvm_log_dirty(struct vm *vm, bool on);

/*
 * Have the machine read, or read and write, @nr pages of its memory from page
 * @first on. Returns 0 on success, the errno of KVM_RUN, or -1 if the machine
 * stopped for another reason. kvm_eax() is the word read from the last page, or
 * its complement after a write.
 */
int kvm_run_pages(struct vm *vm, size_t first, size_t nr, bool write);
uint32_t kvm_eax(struct vm *vm);

/* The same for all of its memory. */
int kvm_run(struct vm *vm, bool write);

/* True if @err, which these return, is 0. */
bool kvm_ran(int err);

/*
 * Have the machine read and write all of its memory, mapped at @addr: the first
 * word of page i is @question + i, and the machine must answer its complement.
 */
bool kvm_ask(struct vm *vm, uint32_t *addr, uint32_t question);

/* Write the questions, and zero the answers. */
void kvm_put_questions(uint32_t *addr, size_t nr, uint32_t question);

/* Large mappings in all virtual machines, if the MMU counts them. */
long long kvm_large_mappings(void);

#endif
