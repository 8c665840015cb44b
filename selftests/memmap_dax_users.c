// SPDX-License-Identifier: GPL-2.0
/*
 * Those who take references to user pages, with DAX for user pages: another
 * process, a futex, asynchronous I/O, a long-term pin. They work, or say why
 * not, and give back what they have taken.
 *
 *	memmap_dax_users DEVDAX FSDAX DISK
 *
 * The first two are namespaces, DISK is a block device of 1 MiB or more; what
 * is in them gets lost.
 */
#define _GNU_SOURCE
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kselftest.h"
#include "memmap.h"
#include "memmap_dax_buffer.h"

#define NR_CASES	(2 * 9)
#define IO_SIZE		(64UL << 10)
#define COPY_SIZE	(3 * 4096 + 100)	/* pages, and not at their border */
#define COPY_OFFSET	4050
#define WAIT_MS		(20 * 1000)

#ifdef PIN_V7
#define GUP_FILE		"/sys/kernel/debug/gup_test"
#define GUP_CONFIG		"CONFIG_GUP_TEST"

/* As in mm/gup_test.h, which is no header for user space. */
#else
#define GUP_FILE		"/sys/kernel/debug/gup_benchmark"
#define GUP_CONFIG		"CONFIG_GUP_BENCHMARK"

/* mm/gup_benchmark.c has no header */
#endif
struct gup_test {
	__u64 get_delta_usec;
	__u64 put_delta_usec;
	__u64 addr;
	__u64 size;
	__u32 nr_pages_per_call;
	__u32 flags;
#ifdef PIN_V7
	__u32 test_flags;
	__u32 which_pages[8];
#else
	__u64 expansion[10];
#endif
};

#ifdef PIN_V7
#define PIN_LONGTERM_BENCHMARK	_IOWR('g', 3, struct gup_test)
#else
#define PIN_LONGTERM_BENCHMARK	_IOWR('g', 5, struct gup_test)
#endif

static void fill(char *addr, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		addr[i] = (i * 31 + seed) >> 3;
}

/* A child that has the buffer mapped, and waits until @done is closed. */
static pid_t fork_holder(int *done)
{
	int ends[2];
	pid_t pid;
	char c;

	if (pipe(ends))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	pid = fork();
	if (!pid) {
		close(ends[1]);
		_exit(read(ends[0], &c, 1));
	}
	close(ends[0]);
	*done = ends[1];
	return pid;
}

static ssize_t copy(pid_t pid, void *local, void *remote, bool write)
{
	struct iovec here = { local, COPY_SIZE };
	struct iovec there = { remote, COPY_SIZE };

	return write ? process_vm_writev(pid, &here, 1, &there, 1, 0) :
		       process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* One end or the other of a copy between processes is in DAX, or both are. */
static void test_process_vm(const struct buffer *buffer)
{
	static char ram[BUFFER_SIZE / 4];
	char *from = buffer->addr + COPY_OFFSET;
	char *to = from + BUFFER_SIZE / 2;
	bool good;
	pid_t pid;
	int done;

	fill(buffer->addr, BUFFER_SIZE / 2, 1);
	fill(ram, sizeof(ram), 2);
	pid = fork_holder(&done);

	good = copy(pid, ram, from, false) == COPY_SIZE &&
	       !memcmp(ram, from, COPY_SIZE);
	fill(ram, sizeof(ram), 3);
	good = good && copy(pid, ram, to, true) == COPY_SIZE &&
	       !memcmp(ram, to, COPY_SIZE);
	buffer_result(buffer, "vm_remote", good);

	/* The child's own copy of @ram has what was there before it was born. */
	fill(ram, sizeof(ram), 2);
	good = copy(pid, to, ram, false) == COPY_SIZE &&
	       !memcmp(ram, to, COPY_SIZE);
	good = good && copy(pid, to, from, true) == COPY_SIZE &&
	       !memcmp(to, from, COPY_SIZE);
	buffer_result(buffer, "vm_local", good);

	close(done);
	waitpid(pid, NULL, 0);
}

static long futex(void *addr, int op, int val, long val2, void *addr2, int val3)
{
	return syscall(SYS_futex, addr, op, val, val2, addr2, val3);
}

/* Ask again until @nr have been woken, or moved: the child may not sleep yet. */
static bool futex_until(void *addr, int op, int val, long val2, void *addr2)
{
	long long end = now_ms() + WAIT_MS;

	while (futex(addr, op, val, val2, addr2, 0) != 1) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

/*
 * A child waits at an address of its own, so that it is the page that has to
 * be the same. First it is woken where it waits, then it is moved to another
 * page before: a wake-up for the first would be lost.
 */
static void test_futex(const struct buffer *buffer)
{
	const struct timespec limit = { .tv_sec = WAIT_MS / 1000 };
	char *word = buffer->addr + 4096 + 64, *other = word + 4096;
	int status = -1;
	char *addr;
	bool good;
	pid_t pid;

	memset(buffer->addr, 0, BUFFER_SIZE);
	pid = fork();
	if (!pid) {
		addr = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
			    MAP_SHARED, buffer->fd, 0);
		word = addr + (word - buffer->addr);
		if (addr == MAP_FAILED || addr == buffer->addr ||
		    futex(word, FUTEX_WAIT, 0, (long)&limit, NULL, 0) ||
		    futex(word, FUTEX_WAIT, 0, (long)&limit, NULL, 0))
			_exit(1);
		_exit(0);
	}

	good = futex_until(word, FUTEX_WAKE, 1, 0, NULL);
	buffer_result(buffer, "futex_wake", good);

	good = futex_until(word, FUTEX_CMP_REQUEUE, 0, 1, other);
	good = good && !futex(word, FUTEX_WAKE, 1, 0, NULL, 0) &&
	       futex(other, FUTEX_WAKE, 1, 0, NULL, 0) == 1;
	if (!good)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	buffer_result(buffer, "futex_requeue", good && !status);
}

/* Is what was written from and read to DAX on the disk? */
static bool is_on_disk(int disk, const char *from, const char *to)
{
	char *ram = aligned_alloc(4096, IO_SIZE);
	bool good;

	good = ram && pread(disk, ram, IO_SIZE, 0) == IO_SIZE &&
	       !memcmp(ram, from, IO_SIZE) && !memcmp(to, from, IO_SIZE);
	free(ram);
	return good;
}

static bool run_aio(aio_context_t context, int disk, int op, char *addr)
{
	struct iocb request = {
		.aio_fildes = disk, .aio_lio_opcode = op,
		.aio_buf = (uintptr_t)addr, .aio_nbytes = IO_SIZE,
	};
	struct iocb *requests = &request;
	struct io_event event;

	return syscall(SYS_io_submit, context, 1, &requests) == 1 &&
	       syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1 &&
	       event.res == (long long)IO_SIZE;
}

static void test_aio(const struct buffer *buffer, int disk)
{
	char *from = buffer->addr, *to = from + BUFFER_SIZE / 2;
	aio_context_t context = 0;
	bool good;

	fill(from, IO_SIZE, 4);
	good = !syscall(SYS_io_setup, 1, &context) &&
	       run_aio(context, disk, IOCB_CMD_PWRITE, from) &&
	       run_aio(context, disk, IOCB_CMD_PREAD, to);
	syscall(SYS_io_destroy, context);
	buffer_result(buffer, "aio", good && is_on_disk(disk, from, to));
}

struct uring {
	int fd;
	struct io_uring_params params;
	struct io_uring_sqe *sqe;
	char *ring;
};

static bool open_uring(struct uring *uring)
{
	memset(uring, 0, sizeof(*uring));
	uring->fd = syscall(SYS_io_uring_setup, 1, &uring->params);
	if (uring->fd < 0 ||
	    !(uring->params.features & IORING_FEAT_SINGLE_MMAP))
		return false;
	uring->sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  uring->fd, IORING_OFF_SQES);
	uring->ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			   uring->fd, IORING_OFF_SQ_RING);
	return uring->sqe != MAP_FAILED && uring->ring != MAP_FAILED;
}

/* One request at a time: it is done when this returns. */
static bool run_uring(struct uring *uring, int disk, int op, char *addr)
{
	const struct io_sqring_offsets *sq = &uring->params.sq_off;
	const struct io_cqring_offsets *cq = &uring->params.cq_off;
	unsigned int *tail = (unsigned int *)(uring->ring + sq->tail);
	unsigned int *head = (unsigned int *)(uring->ring + cq->head);
	unsigned int mask = *(unsigned int *)(uring->ring + cq->ring_mask);
	struct io_uring_cqe *cqe;

	memset(uring->sqe, 0, sizeof(*uring->sqe));
	uring->sqe->opcode = op;
	uring->sqe->fd = disk;
	uring->sqe->addr = (uintptr_t)addr;
	uring->sqe->len = IO_SIZE;
	*(unsigned int *)(uring->ring + sq->array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, uring->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return false;
	cqe = (struct io_uring_cqe *)(uring->ring + cq->cqes) + (*head & mask);
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return cqe->res == (int)IO_SIZE;
}

static void test_uring(const struct buffer *buffer, int disk)
{
	char *from = buffer->addr, *to = from + BUFFER_SIZE / 2;
	struct iovec fixed = { from, IO_SIZE };
	struct uring uring;
	int err, want;
	bool good;

	fill(from, IO_SIZE, 5);
	good = open_uring(&uring) &&
	       run_uring(&uring, disk, IORING_OP_WRITE, from) &&
	       run_uring(&uring, disk, IORING_OP_READ, to);
	buffer_result(buffer, "uring", good && is_on_disk(disk, from, to));

#ifdef PIN_V7
	/* It pins its buffers for long, and wants no file system behind them. */
	want = buffer->lsb == 12 ? EOPNOTSUPP : 0;
#else
	/* It pins its buffers for long, and wants no file behind them. */
	want = EOPNOTSUPP;
#endif
	err = syscall(SYS_io_uring_register, uring.fd, IORING_REGISTER_BUFFERS,
		      &fixed, 1) ? errno : 0;
	if (err != want)
		ksft_print_msg("uring_fixed: %s\n", strerror(err));
	if (!err)
		syscall(SYS_io_uring_register, uring.fd,
			IORING_UNREGISTER_BUFFERS, NULL, 0);
	buffer_result(buffer, "uring_fixed", err == want);
	munmap(uring.sqe, 4096);
	munmap(uring.ring, 4096);
	close(uring.fd);
}

/* A file system must be able to take its blocks back; a device keeps its own. */
static void test_longterm(const struct buffer *buffer)
{
	struct gup_test gup = {
		.addr = (uintptr_t)buffer->addr, .size = BUFFER_SIZE,
		.nr_pages_per_call = BUFFER_PAGES, .flags = 1,
	};
	int fd = open(GUP_FILE, O_RDWR | O_CLOEXEC);
	unsigned long want = buffer->lsb == 12 ? 0 : BUFFER_SIZE;

	if (fd < 0) {
		ksft_test_result_skip("%s_longterm: needs " GUP_CONFIG "\n",
				      buffer->place);
		return;
	}
	if (ioctl(fd, PIN_LONGTERM_BENCHMARK, &gup))
		gup.size = 0;
	close(fd);
	if (gup.size != want)
		ksft_print_msg("longterm: %llu bytes were pinned, not %lu\n",
			       (unsigned long long)gup.size, want);
	buffer_result(buffer, "longterm", gup.size == want);
}

static void test_buffer(struct buffer *buffer, int disk)
{
	test_process_vm(buffer);
	test_futex(buffer);
	test_aio(buffer, disk);
	test_uring(buffer, disk);
	test_longterm(buffer);
	ksft_test_result(unmap_buffer(buffer), "%s_release\n", buffer->place);
}

int main(int argc, char **argv)
{
	const char *const ndctl[] = { "ndctl", "--version", NULL };
	struct buffer device = { .place = "dev" }, file = { .place = "file" };
	int disk;

	ksft_print_header();
	memmap_require();
	memmap_require_disposable();
	if (argc != 4 || run_command(NDCTL_SECONDS, ndctl))
		ksft_exit_skip("needs ndctl, two namespaces and a disk\n");
	disk = open(argv[3], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		ksft_exit_skip("%s: %s\n", argv[3], strerror(errno));

	ksft_set_plan(NR_CASES);
	map_device(&device, argv[1]);
	test_buffer(&device, disk);
	map_file(&file, argv[2]);
	test_buffer(&file, disk);
	ksft_exit(!ksft_get_fail_cnt());
}
