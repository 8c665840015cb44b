/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The smallest virtual machine that can touch memory: one virtual CPU, 32-bit
 * code with flat segments and no paging, its program in a page of its own, and
 * the memory in question above it.
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
 * What a test of KVM and a namespace, the first of its arguments, begins with.
 * Returns the namespace.
 */
const char *kvm_begin(int argc, char *argv[]);

/*
 * Not every kernel can switch: then all machines are with what it has, which is
 * printed. Returns whether it is what was asked for.
 */
bool kvm_use_tdp_mmu(bool on);

/* A machine with @size bytes at @addr for memory. */
bool kvm_open(struct vm *vm, void *addr, size_t size);
void kvm_close(struct vm *vm);

bool kvm_log_dirty(struct vm *vm, bool on);

/*
 * Have @nr pages of the memory read, or read and written, from the page @first
 * on. Returns 0 when they were, the errno of KVM_RUN, or -1 when the machine
 * stopped for any other reason. What was read from the last page, or its
 * complement when that was written, is in the machine's eax: see kvm_eax().
 */
int kvm_run_pages(struct vm *vm, size_t first, size_t nr, bool write);
uint32_t kvm_eax(struct vm *vm);

/* The same for all of the memory. */
int kvm_run(struct vm *vm, bool write);

/* Is @err, what these return, 0? */
bool kvm_ran(int err);

/*
 * Have all of the memory, which is at @addr here, read and written: each page
 * has a question, from @question on, and is answered by its complement.
 */
bool kvm_ask(struct vm *vm, uint32_t *addr, uint32_t question);

/* Put the questions there, and no answers. */
void kvm_put_questions(uint32_t *addr, size_t nr, uint32_t question);

/* Mappings of more than a page in all virtual machines, if the MMU counts them. */
long long kvm_large_mappings(void);

#endif
