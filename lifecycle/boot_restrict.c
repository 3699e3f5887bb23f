/*
 * How a worker gives up rights for good: no_new_privs, Landlock, seccomp.
 *
 * Each belongs to a thread, which those that it starts inherit it from. Go's runtime has started some when the worker has become
 * what it is to be, and a library may have. seccomp can be told to take all of them at once. Landlock could not until Linux 7.0,
 * so here each other thread is sent a signal, whose handler does it, until the kernel lists no thread that has not done it.
 *
 * The signal is the one by which the C library has all threads change their user (nptl's SIGSETXID): it is the only one that no
 * thread blocks for long, Go's included. Its action is the C library's again afterwards. Nobody changes the user meanwhile: that
 * is for the calling thread to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "boot_restrict.h"

#define EVERY_THREADS_SIGNAL 33 /* the C library's SIGSETXID */
#define MOST_THREADS 1024
#define PATIENCE 10 /* seconds for a thread to take the signal */

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

static struct {
	int ruleset;
	atomic_int done;               /* how many threads have done it */
	atomic_int tids[MOST_THREADS]; /* which */
	atomic_int failed;             /* an errno */
} all;

static int restrict_thread(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		(all.ruleset >= 0 && syscall(SYS_landlock_restrict_self, all.ruleset, 0) != 0)) {
		return errno;
	}
	return 0;
}

static int has_done(int tid)
{
	int i, n = atomic_load(&all.done);

	for (i = 0; i < n && i < MOST_THREADS; i++) {
		if (atomic_load(&all.tids[i]) == tid) {
			return 1;
		}
	}
	return 0;
}

/* Runs on each other thread. A thread may be told twice. */
static void take_signal(int sig)
{
	int before = errno, tid = syscall(SYS_gettid), error, i;

	(void)sig;
	if (!has_done(tid)) {
		error = restrict_thread();
		if (error) {
			atomic_store(&all.failed, error);
		}
		i = atomic_fetch_add(&all.done, 1);
		if (i < MOST_THREADS) {
			atomic_store(&all.tids[i], tid);
		} else {
			atomic_store(&all.failed, EAGAIN);
		}
	}
	errno = before;
}

/* The kernel's struct sigaction: the C library's functions refuse its own signals. */
struct kernel_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static int kernel_sigaction(int sig, const struct kernel_action *action, struct kernel_action *before)
{
	return syscall(SYS_rt_sigaction, sig, action, before, sizeof(action->mask));
}

/* Makes take_signal the action of the signal. What returns from a handler is the C library's own, wherever it has one. */
static int catch_signal(struct kernel_action *before)
{
	struct sigaction probe = {.sa_handler = SIG_DFL}, was;
	struct kernel_action action;

	if (sigaction(SIGURG, &probe, &was) != 0 || kernel_sigaction(SIGURG, NULL, &action) != 0 || sigaction(SIGURG, &was, NULL) != 0) {
		return errno;
	}
	action.handler = take_signal;
	action.flags |= SA_ONSTACK | SA_RESTART;
	action.mask = ~(uint64_t)0;
	return kernel_sigaction(EVERY_THREADS_SIGNAL, &action, before) == 0 ? 0 : errno;
}

/* Tells each thread that has not done it yet. Returns how many there are. */
static int tell_others(int tasks, pid_t pid, int self)
{
	char buffer[1024] __attribute__((aligned(8)));
	int waiting = 0;
	long len, at;

	lseek(tasks, 0, SEEK_SET);
	while ((len = syscall(SYS_getdents64, tasks, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < len; at += ((struct dirent64 *)(buffer + at))->d_reclen) {
			int tid = atoi(((struct dirent64 *)(buffer + at))->d_name);

			if (tid <= 0 || tid == self || has_done(tid)) {
				continue;
			}
			/* EAGAIN: the user has as many signals under way as it may. It is told again. */
			if (syscall(SYS_tgkill, pid, tid, EVERY_THREADS_SIGNAL) == 0 || errno != ESRCH) {
				waiting++;
			}
		}
	}
	return len < 0 ? -1 : waiting;
}

/* Has all other threads do it. A list may lack a thread that was started while it was made, by one that is gone: the second that
 * has none to tell is the last. */
static int restrict_others(int tasks)
{
	struct timespec began, now, pause = {.tv_nsec = 50 * 1000};
	int lists_without = 0, self = syscall(SYS_gettid), waiting;

	clock_gettime(CLOCK_MONOTONIC, &began);
	while (lists_without < 2) {
		waiting = tell_others(tasks, getpid(), self);
		if (waiting < 0) {
			return errno;
		}
		if (waiting == 0) {
			lists_without++;
			continue;
		}
		lists_without = 0;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - began.tv_sec > PATIENCE) {
			return ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
	return atomic_load(&all.failed);
}

static int filter_all(const void *filter, size_t size)
{
	struct sock_fprog program = {.len = size / sizeof(struct sock_filter), .filter = (struct sock_filter *)filter};
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);

	if (result > 0) { /* a thread that has another filter */
		return ESRCH;
	}
	return result == 0 ? 0 : errno;
}

int boot_restrict(int ruleset, const void *filter, size_t size, const char **what)
{
	struct kernel_action before;
	int tasks, error;

	all.ruleset = ruleset;
	*what = "/proc/self/task";
	tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tasks < 0) {
		return errno;
	}
	*what = ruleset >= 0 ? "landlock_restrict_self" : "prctl(PR_SET_NO_NEW_PRIVS)";
	error = catch_signal(&before);
	if (!error) {
		error = restrict_others(tasks);
	}
	if (!error) { /* else a thread may still take it */
		kernel_sigaction(EVERY_THREADS_SIGNAL, &before, NULL);
		error = restrict_thread();
	}
	close(tasks);
	if (!error && size > 0) {
		*what = "seccomp";
		error = filter_all(filter, size);
	}
	return error;
}

int boot_restrict_by_digits(int ruleset, char *filter, const char **what)
{
	static const char digits[] = "0123456789abcdef";
	size_t n, size = strlen(filter) / 2;
	int error;

	for (n = 0; n < size; n++) {
		const char *high = strchr(digits, filter[2 * n]), *low = strchr(digits, filter[2 * n + 1]);

		if (!high || !low) {
			*what = "the filter";
			return EINVAL;
		}
		filter[n] = (char)((high - digits) << 4 | (low - digits));
	}
	error = boot_restrict(ruleset, filter, size, what);
	if (ruleset >= 0) {
		close(ruleset);
	}
	return error;
}
