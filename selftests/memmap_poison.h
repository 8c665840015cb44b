/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft offline and hard poison for the memmap selftests: asking for them, what
 * the kernel has counted, and a process that is hit.
 */
#ifndef _SELFTESTS_MEMMAP_POISON_H
#define _SELFTESTS_MEMMAP_POISON_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"
#include "memmap.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define KPF_HWPOISON	19
#define SOFT_FILE	"/sys/devices/system/memory/soft_offline_page"
#define HARD_FILE	"/sys/devices/system/memory/hard_offline_page"
#define INJECT_FILE	"/sys/kernel/debug/hwpoison/corrupt-pfn"
#define UNPOISON_FILE	"/sys/kernel/debug/hwpoison/unpoison-pfn"

/* What became of a process that poisoned a page of its own. */
struct hit {
	int err;	/* of madvise(), 0: it returned 0, or did not return */
	int signals;
	int code;	/* of the last SIGBUS */
	int lsb;
	char *addr;
};

static struct hit *hit;
static sigjmp_buf hit_jump;

/* Pages that HardwareCorrupted counts: negative when the kernel lost count. */
static inline long long poisoned_pages(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	long long kb = -1;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "HardwareCorrupted: %llu",
			   (unsigned long long *)&kb) == 1)
			break;
	if (!file || kb == -1)
		ksft_exit_skip("no HardwareCorrupted: needs CONFIG_MEMORY_FAILURE\n");
	fclose(file);
	return kb / (sysconf(_SC_PAGESIZE) / 1024);
}

/* The files in sysfs want an address, those in debugfs a pfn. */
static inline int poison_by(const char *file, unsigned long pfn)
{
	unsigned long number = pfn;
	char text[32];

	if (!strncmp(file, "/sys/devices/", strlen("/sys/devices/")))
		number *= sysconf(_SC_PAGESIZE);
	snprintf(text, sizeof(text), "%#lx", number);
	return write_text(file, text);
}

static inline bool expect_error(const char *what, int err, int want)
{
	if (err != want)
		ksft_print_msg("%s: %s, not: %s\n", what,
			       err ? strerror(-err) : "works",
			       want ? strerror(-want) : "works");
	return err == want;
}

static inline bool expect_poisoned(const char *what, long long before,
				   long long more)
{
	long long pages = poisoned_pages();

	if (pages != before + more)
		ksft_print_msg("%s: HardwareCorrupted: %lld pages, not %lld\n",
			       what, pages, before + more);
	return pages == before + more;
}

static inline void hit_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	hit->signals++;
	hit->code = info->si_code;
	hit->lsb = info->si_addr_lsb;
	hit->addr = info->si_addr;
	siglongjmp(hit_jump, 1);
}

/*
 * Fork a process that writes to its page at @addr, poisons it, and looks at it
 * once more. It survives if all is handled; *hit says what it saw.
 */
static inline bool hit_child(char *addr)
{
	struct sigaction action = {
		.sa_sigaction = hit_handler, .sa_flags = SA_SIGINFO,
	};
	int status = -1;
	pid_t pid;

	if (!hit)
		hit = mmap(NULL, sizeof(*hit), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(hit, 0, sizeof(*hit));

	pid = fork();
	if (!pid) {
		sigaction(SIGBUS, &action, NULL);
		*addr = 'p';
		if (!sigsetjmp(hit_jump, 1)) {
			if (madvise(addr, sysconf(_SC_PAGESIZE), MADV_HWPOISON))
				hit->err = -errno;
			else
				asm volatile("" : : "r" (*addr) : "memory");
		}
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("poisoned process: status %#x\n", status);
	return pid > 0 && !status;
}

/* Was there one SIGBUS, about the page at @addr of a mapping of 1 << @lsb? */
static inline bool was_hit(const char *what, const char *addr, int lsb)
{
	bool good = !hit->err && hit->signals == 1 &&
		    hit->code == BUS_MCEERR_AR && hit->lsb == lsb &&
		    hit->addr == addr;

	if (!good)
		ksft_print_msg("%s: %s, %d signals, code %d, 1 << %d bytes at %p, not 1 << %d at %p\n",
			       what, strerror(-hit->err), hit->signals,
			       hit->code, hit->lsb, hit->addr, lsb, addr);
	return good;
}

#endif
