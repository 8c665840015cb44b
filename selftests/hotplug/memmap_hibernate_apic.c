// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel that could not verify its APIC timer is resumed from hibernation by
 * one that uses the timer, and left an interrupt of it pending.
 *
 *	memmap_hibernate_apic DISK KERNEL INITRD
 *
 * DISK is as in lib/hibernate.h, but the kernel must not be booted with
 * resume=DISK; KERNEL and INITRD are disks with the running kernel and its
 * initramfs. It needs one CPU, no CONFIG_X86_PM_TIMER, and tp_printk and
 * no_console_suspend on the command line. The second kernel, booted by kexec,
 * is told a TSC frequency that is too low: calibrate_APIC_clock() relies on it,
 * and verifies the result with jiffies. It hibernates, and the next boot, which
 * knows the right frequency, resumes it. If that one fails the verification, too,
 * as on a busy host, it boots again.
 */
#include <linux/perf_event.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "file.h"
#include "hibernate.h"
#include "kexec.h"
#include "test.h"
#include "trace.h"

/* In kHz: slower than any 64-bit CPU, and than the TSC of QEMU. */
#define SLOW_TSC	"tsc_early_khz=300000"
#define TICK_NS		50000
#define NR_WORDS	32	/* of the stack, in a message */
#define NOT_VERIFIED	"APIC timer disabled due to verification failure"
#define SPURIOUS	"Spurious LAPIC timer interrupt"

/* Ends in the second kernel, unless something has failed before. */
static void test_first(const char *kernel, const char *initrd)
{
	ksft_set_plan(2);
	ksft_test_result(!kexec_load(kernel, initrd, SLOW_TSC, 0), "loaded\n");
	if (!ksft_get_fail_cnt())
		kexec_boot();
	ksft_test_result(false, "second_kernel\n");
}

/* The kernel that loads the image begins a report: all results come after resume. */
static void test_second(void)
{
	bool not_verified = file_count_log(NOT_VERIFIED) == 1;
	unsigned int before = file_count_log(SPURIOUS);
	bool resumed = hibernate_prepare() && !hibernate();

	ksft_set_plan(3);
	ksft_test_result(not_verified, "not_verified\n");
	ksft_test_result(resumed, "resumed\n");
	ksft_test_result(test_is("spurious interrupts", file_count_log(SPURIOUS) - before, 1),
			 "spurious\n");
}

/* A timer that goes on while other tasks are frozen: one that samples the CPU. */
static bool start_ticks(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = TICK_NS,
	};

	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0) >= 0;
}

/* Have a long message on the console where interrupts are off: time for a tick. */
static void trace_syscore(void)
{
	char event[1024] = "p:slow syscore_suspend";
	int i, err, len = strlen(event);

	for (i = 0; i < NR_WORDS; i++)
		len += snprintf(event + len, sizeof(event) - len, " w%d=$stack%d", i, i);
	trace_mount();
	err = file_write(TRACE "/kprobe_events", event);
	if (!err)
		err = file_write(TRACE "/events/kprobes/slow/enable", "1");
	if (err)
		ksft_exit_fail_msg("kprobe_events: %s\n", strerror(-err));
}

/* Returns only if there is no image, or it can't be resumed. */
static void resume(const char *disk)
{
	char dev[32];
	struct stat st;
	int err;

	if (file_count_log(NOT_VERIFIED)) {
		err = file_write("/dev/kmsg", "memmap: boot again: " NOT_VERIFIED);
		if (err)
			ksft_exit_fail_msg("/dev/kmsg: %s\n", strerror(-err));
		reboot(RB_AUTOBOOT);
	}
	if (stat(disk, &st))
		ksft_exit_fail_msg("%s: %s\n", disk, strerror(errno));
	snprintf(dev, sizeof(dev), "%u:%u", major(st.st_rdev), minor(st.st_rdev));
	trace_syscore();
	if (!start_ticks())
		ksft_exit_fail_msg("perf_event_open: %s\n", strerror(errno));
	err = file_write("/sys/power/resume", dev);
	ksft_exit_fail_msg("the image was not resumed: %s\n", err ? strerror(-err) : "no error");
}

int main(int argc, char **argv)
{
	test_begin();
	if (argc != 4)
		ksft_exit_skip("usage: memmap_hibernate_apic DISK KERNEL INITRD\n");
	hibernate_use(argv[1]);
	if (access("/sys/kernel/kexec_loaded", R_OK))
		ksft_exit_skip("needs CONFIG_KEXEC_FILE\n");
	if (hibernate_is_second_boot())
		resume(argv[1]);
	if (kexec_is_second())
		test_second();
	else
		test_first(argv[2], argv[3]);
	ksft_exit(!ksft_get_fail_cnt());
}
