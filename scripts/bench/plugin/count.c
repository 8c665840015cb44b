// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin (TCG, one CPU) that counts the instructions of one task of a Linux
 * guest, between marks: what it executes from the entry of a function to its return,
 * and how often it calls it. Neither interrupts nor other tasks are in it, so two
 * guests have the same numbers.
 *
 *	-plugin count.so,symbols=FILE,out=FILE
 *
 * A line of symbols is START END WHAT NAME, the addresses in hexadecimal. WHAT is
 *	function	to be counted; several may have one name
 *	since		the time from its return on
 *	until		to the entry of this one, is counted as that of NAME, too
 *	without		it, and what it calls, counts as nothing: the scheduler
 *	interrupt	an entry of one, or a table of them
 *	exception	an entry that belongs to the task, like a page fault
 *	switch		__switch_to_asm()
 *
 * A mark is an instruction of user space, "nopl" with the displacement "cost": the
 * first one begins a step, the next one ends it. For each step there are, in out,
 *	step N INSTRUCTIONS
 * and, for each name, in the order of symbols
 *	NAME CALLS INSTRUCTIONS
 * When it has lost track of the task, QEMU ends with an error.
 *
 * The kernel must not have retpolines (CPU_MITIGATIONS is off here): behind the ret of a
 * thunk no callee is seen, and a call with a prefix (2e e8) does not count as one.
 * Softirqs that local_bh_enable() runs are in the counts. An instruction that faults
 * counts twice.
 */
#include <qemu-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAMES	128
#define MAX_SYMBOLS	512
#define MAX_DEPTH	256	/* calls that have not returned */
#define SLOT		8	/* at least, in a table of entries */
#define MAX_INSN	15	/* bytes */

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum what { FUNCTION, SINCE, UNTIL, WITHOUT, INTERRUPT, EXCEPTION, SWITCH, NR_WHAT };

static const char *const words[] = {
	"function", "since", "until", "without", "interrupt", "exception", "switch"
};

static struct counter {
	char name[64];
	uint64_t calls, insns, start;
	unsigned int depth;	/* it may recurse */
} counters[MAX_NAMES];
static unsigned int nr_counters;

static struct symbol {
	uint64_t start, end;
	enum what what;
	struct counter *counter;
} symbols[MAX_SYMBOLS];
static unsigned int nr_symbols;

/* A block of instructions: only its last one may jump. */
struct block {
	uint64_t pc, end;
	const struct symbol *symbol;	/* it is an entry of */
	bool call, ret, iret;
};

static FILE *out;
static uint64_t seen;		/* machine_insns() when the last block began */
static uint64_t task;		/* that runs: where its stack pointer is kept */

/* The step, if there is one. */
static bool stepping, counting;
static unsigned int steps;
static uint64_t mine, own;	/* the task, and its instructions so far */
static uint64_t levels;		/* a bit for each level of entry, set for an interrupt */
static const struct block *last, *before;	/* last one of the task; the same without interrupts */
static unsigned int depth, hidden;
static bool too_deep;

/* A call returns to @ret; @jumped: entered by a jump, returns together with the call below. */
static struct call {
	uint64_t ret;
	bool jumped;
	const struct symbol *symbol;	/* NULL: not counted */
} calls[MAX_DEPTH];

/* What differs between versions of QEMU's interface: 2 and 3 came with QEMU 9.0. */
#if QEMU_PLUGIN_VERSION < 3
static uint64_t insns;

static void count_insn(struct qemu_plugin_insn *insn)
{
	qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &insns, 1);
}

/* The instructions that the whole machine has executed. */
static uint64_t machine_insns(void)
{
	return insns;
}

static void copy_code(struct qemu_plugin_insn *insn, uint8_t *code, size_t size)
{
	memcpy(code, qemu_plugin_insn_data(insn), size);
}
#else
static qemu_plugin_u64 insns;

static void count_insn(struct qemu_plugin_insn *insn)
{
	if (!insns.score)
		insns = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64, insns, 1);
}

static uint64_t machine_insns(void)
{
	return qemu_plugin_u64_get(insns, 0);
}

static void copy_code(struct qemu_plugin_insn *insn, uint8_t *code, size_t size)
{
	qemu_plugin_insn_data(insn, code, size);
}
#endif

static void enter(const struct symbol *symbol)
{
	struct counter *counter = symbol->counter;

	if (symbol->what == WITHOUT)
		hidden++;
	if (symbol->what == FUNCTION) {
		counter->calls++;
		if (!counter->depth++)
			counter->start = own;
	}
	if (symbol->what == UNTIL && counter->depth) {
		counter->depth = 0;
		counter->insns += own - counter->start;
	}
}

static void leave(const struct symbol *symbol)
{
	struct counter *counter = symbol->counter;

	if (symbol->what == WITHOUT)
		hidden--;
	if (symbol->what == FUNCTION && !--counter->depth)
		counter->insns += own - counter->start;
	if (symbol->what == SINCE) {
		counter->calls++;
		counter->depth = 1;
		counter->start = own;
	}
}

/* The block before this one has called or jumped to a function, or returned from it. */
static void follow(const struct block *block)
{
	const struct symbol *symbol = block->symbol && block->symbol->what <= WITHOUT ? block->symbol : NULL;
	const bool call = before && before->call;
	unsigned int to = depth;

	if (before && before->ret) {
		while (to && calls[to - 1].ret != block->pc)
			to--;
		while (to && calls[to - 1].jumped)
			to--;
		while (to && depth >= to) {
			depth--;
			if (calls[depth].symbol)
				leave(calls[depth].symbol);
		}
	} else if ((call || symbol) && depth == MAX_DEPTH) {
		too_deep = true;
	} else if (call || symbol) {
		calls[depth].ret = call ? before->end : depth ? calls[depth - 1].ret : 0;
		calls[depth].jumped = !call;
		calls[depth++].symbol = symbol;
		if (symbol)
			enter(symbol);
	}
	before = block;
}

static void on_block(unsigned int cpu, void *data)
{
	const struct block *block = data;
	const uint64_t now = machine_insns();

	(void)cpu;
	if (counting)	/* the block before this one */
		own += now - seen;
	seen = now;
	counting = false;
	if (!stepping || task != mine)
		return;

	if (last && last->iret)
		levels >>= 1;
	last = block;
	if (block->symbol && block->symbol->what == INTERRUPT)
		levels = levels << 1 | 1;
	if (block->symbol && block->symbol->what == EXCEPTION)
		levels <<= 1;
	if (levels)
		return;

	follow(block);
	counting = !hidden;
}

static void on_switch(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t addr, void *data)
{
	(void)cpu, (void)info, (void)data;
	task = addr;
}

static void on_mark(unsigned int cpu, void *data)
{
	unsigned int i;

	(void)cpu, (void)data;
	stepping = !stepping;
	if (stepping) {
		for (i = 0; i < nr_counters; i++)
			counters[i].calls = counters[i].insns = counters[i].depth = 0;
		mine = task;
		own = levels = depth = hidden = 0;
		too_deep = false;
		last = before = NULL;
		return;
	}
	if (too_deep || hidden || levels || task != mine) {
		fprintf(stderr, "count: lost track of the task%s\n", too_deep ? ": too many calls" : "");
		_exit(1);
	}
	own += machine_insns() - seen;
	counting = false;
	fprintf(out, "step %u %llu\n", ++steps, (unsigned long long)own);
	for (i = 0; i < nr_counters; i++)
		fprintf(out, "%s %llu %llu\n", counters[i].name, (unsigned long long)counters[i].calls,
			(unsigned long long)counters[i].insns);
	fflush(out);
}

/* The symbol that a block at @pc is an entry of. */
static const struct symbol *entry_of(uint64_t pc)
{
	unsigned int i;

	for (i = 0; i < nr_symbols; i++)
		if (pc >= symbols[i].start && pc < symbols[i].end &&
		    (pc == symbols[i].start || (symbols[i].what == INTERRUPT && !(pc % SLOT))))
			return &symbols[i];
	return NULL;
}

/* In 64-bit code. */
static bool is_call(const uint8_t *code, size_t size)
{
	size_t rex = (code[0] & 0xf0) == 0x40;

	return code[0] == 0xe8 || (size > rex + 1 && code[rex] == 0xff && (code[rex + 1] & 0x38) == 0x10);
}

static bool is_ret(const uint8_t *code)
{
	return code[0] == 0xc3 || code[0] == 0xc2 || (code[0] == 0xf3 && code[1] == 0xc3);
}

/* The load of the next task's stack pointer. */
static bool is_switch(const uint8_t *code, uint64_t pc)
{
	unsigned int i;

	for (i = 0; i < nr_symbols; i++)
		if (symbols[i].what == SWITCH && pc >= symbols[i].start && pc < symbols[i].end)
			return code[0] == 0x48 && code[1] == 0x8b && (code[2] & 0x3f) == 0x26;	/* mov x(%rsi),%rsp */
	return false;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const size_t nr = qemu_plugin_tb_n_insns(tb);
	struct block *block = calloc(1, sizeof(*block));	/* as long as QEMU may run it */
	struct qemu_plugin_insn *insn;
	uint8_t code[MAX_INSN] = {0};
	size_t i, size = 0;

	(void)id;
	for (i = 0; i < nr; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		size = qemu_plugin_insn_size(insn);
		copy_code(insn, code, size);
		block->end = qemu_plugin_insn_vaddr(insn) + size;
		block->call = is_call(code, size);
		block->ret = is_ret(code);
		block->iret = size == 2 && code[0] == 0x48 && code[1] == 0xcf;
		count_insn(insn);
		if (size == 7 && !memcmp(code, "\x0f\x1f\x80" "cost", 7))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
		if (size >= 4 && is_switch(code, block->end - size))
			qemu_plugin_register_vcpu_mem_cb(insn, on_switch, QEMU_PLUGIN_CB_NO_REGS,
							 QEMU_PLUGIN_MEM_RW, NULL);	/* R is W in QEMU 7.2 */
	}
	block->pc = qemu_plugin_tb_vaddr(tb);
	block->symbol = entry_of(block->pc);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, block);
}

static struct counter *counter_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_counters; i++)
		if (!strcmp(counters[i].name, name))
			return &counters[i];
	if (nr_counters == MAX_NAMES)
		return NULL;
	snprintf(counters[nr_counters].name, sizeof(counters[0].name), "%s", name);
	return &counters[nr_counters++];
}

static bool read_symbols(const char *path)
{
	unsigned long long start, end;
	char what[16], name[64];
	FILE *file = fopen(path, "re");
	struct symbol *symbol;

	while (file && fscanf(file, "%llx %llx %15s %63s", &start, &end, what, name) == 4) {
		if (nr_symbols == MAX_SYMBOLS)
			return false;
		symbol = &symbols[nr_symbols++];
		*symbol = (struct symbol){ .start = start, .end = end };
		while (symbol->what < NR_WHAT && strcmp(words[symbol->what], what))
			symbol->what++;
		if (symbol->what <= UNTIL)
			symbol->counter = counter_of(name);
		if (symbol->what == NR_WHAT || (symbol->what <= UNTIL && !symbol->counter))
			return false;
	}
	return file && feof(file) && !fclose(file) && nr_symbols;
}

/* Returns 0, or -1 when a file, the machine or an argument is not as it has to be. */
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	const char *from = NULL, *to = NULL;
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "symbols=", 8))
			from = argv[i] + 8;
		if (!strncmp(argv[i], "out=", 4))
			to = argv[i] + 4;
	}
	if (strcmp(info->target_name, "x86_64") || info->system.max_vcpus != 1 || !from || !to ||
	    !read_symbols(from) || !(out = fopen(to, "we"))) {
		fprintf(stderr, "count: usage: symbols=FILE,out=FILE, on x86_64 with one CPU\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
