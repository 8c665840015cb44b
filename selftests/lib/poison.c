// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "file.h"
#include "mem.h"
#include "poison.h"
#include "test.h"

/* What happened to a process that poisoned a page of its own. */
static struct {
	int err;	/* -errno of madvise(), 0: success, or did not return */
	int signals;
	int code;	/* of the last SIGBUS */
	int lsb;
	char *addr;
} *hit;

static sigjmp_buf hit_jump;

long long poison_count(void)
{
	long long kb = file_field("/proc/meminfo", "HardwareCorrupted");

	if (kb == -1)
		ksft_exit_skip("no HardwareCorrupted: needs CONFIG_MEMORY_FAILURE\n");
	return kb / (long long)(page_size() / 1024);
}

int poison_write(const char *file, unsigned long pfn)
{
	unsigned long number = pfn;
	char text[32];

	if (!strncmp(file, "/sys/devices/", strlen("/sys/devices/")))
		number *= page_size();
	snprintf(text, sizeof(text), "%#lx", number);
	return file_write(file, text);
}

bool poison_is_error(const char *what, int err, int want)
{
	if (err != want)
		ksft_print_msg("%s: %s, not: %s\n", what,
			       err ? strerror(-err) : "works",
			       want ? strerror(-want) : "works");
	return err == want;
}

bool poison_is_count(const char *what, long long before, long long more)
{
	long long pages = poison_count();

	if (pages != before + more)
		ksft_print_msg("%s: HardwareCorrupted: %lld pages, not %lld\n",
			       what, pages, before + more);
	return pages == before + more;
}

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	hit->signals++;
	hit->code = info->si_code;
	hit->lsb = info->si_addr_lsb;
	hit->addr = info->si_addr;
	siglongjmp(hit_jump, 1);
}

bool poison_child(char *addr)
{
	struct sigaction action = {
		.sa_sigaction = handler, .sa_flags = SA_SIGINFO,
	};
	int status = -1;
	pid_t pid;

	if (!hit)
		hit = mem_map_shared(sizeof(*hit));
	memset(hit, 0, sizeof(*hit));

	pid = fork();
	if (!pid) {
		sigaction(SIGBUS, &action, NULL);
		*addr = 'p';
		if (!sigsetjmp(hit_jump, 1)) {
			if (madvise(addr, page_size(), MADV_HWPOISON))
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

bool poison_was_hit(const char *what, const char *addr, int lsb)
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
