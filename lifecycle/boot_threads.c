/*
 * The threads that the Go runtime started before PHP runs.
 *
 * A handler that PHP's pcntl installed must run on the main thread: on a Go thread it would run on a goroutine's stack,
 * and a SIGCHLD that the main thread blocks to wait for would be lost to a thread that does not. The runtime
 * offers no way to set another thread's mask or to end it, so each is sent a signal, whose handler does it.
 *
 * To end them is better: the process is then what php's own is (pcntl_unshare wants one thread, malloc needs no locks,
 * nobody wakes up). But one of them may hold the runtime's only processor, and Go would wait for it for ever: it is
 * for a main thread that never goes back to Go. Where Go runs on, the threads are closed to signals.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "boot_process.h"
#include "boot_threads.h"

static atomic_int signalled_threads;
static int late; /* whether some have not taken the last signal yet */

static void close_thread(int sig, siginfo_t *info, void *context)
{
	sigfillset(&((ucontext_t *)context)->uc_sigmask); /* the mask that the handler's return restores */
	atomic_fetch_add(&signalled_threads, 1);
}

/* Whether the signal came in code of this executable. Go's threads wait there, in system calls of the runtime's own; a
 * thread that is inside the C library instead, to start another, may hold a lock that nobody would open again. */
static int was_in_executable(const ucontext_t *context)
{
	extern const char __executable_start, etext;
#if defined(__x86_64__)
	uintptr_t at = context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	uintptr_t at = context->uc_mcontext.pc;
#else
	uintptr_t at = 0;
#endif

	return at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
}

static void end_thread(int sig, siginfo_t *info, void *context)
{
	int end = was_in_executable(context);

	atomic_fetch_add(&signalled_threads, 1);
	if (end) {
		syscall(SYS_exit, 0); /* this thread's end; the C library has no part in it */
	}
}

/* signal_other_threads without /proc: the threads' numbers follow the process's, with those of processes that others have
 * started meanwhile between them. */
static int signal_following_numbers(int sig)
{
	int sent = 0, i;

	for (i = 1; i <= 2000; i++) {
		sent += syscall(SYS_tgkill, process_at_exec.pid, process_at_exec.pid + i, sig) == 0;
	}
	/* The kernel tells a process of one thread from others: only there this has no error. */
	if (sig == 0 && sent == 0 && unshare(CLONE_THREAD) != 0 && errno == EINVAL) {
		return 1; /* its number is further away */
	}
	return sent;
}

/* Sends sig (0: none) to each other thread. Returns their number. Without opendir, whose buffer would leave a hole of
 * 32 KB in the heap that PHP is about to fill. */
static int signal_other_threads(int sig)
{
	char buffer[1024] __attribute__((aligned(8)));
	int tasks = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC), sent = 0;
	long len, at;

	if (tasks < 0) {
		return signal_following_numbers(sig);
	}
	while ((len = syscall(SYS_getdents64, tasks, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < len; at += ((struct dirent64 *)(buffer + at))->d_reclen) {
			pid_t tid = atoi(((struct dirent64 *)(buffer + at))->d_name);
			if (tid > 0 && tid != process_at_exec.pid && syscall(SYS_tgkill, process_at_exec.pid, tid, sig) == 0) {
				sent++;
			}
		}
	}
	close(tasks);
	return sent;
}

int count_other_threads(void)
{
	return signal_other_threads(0);
}

/* Has the handler run on every other thread. */
static void handle_on_other_threads(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
	const struct timespec pause = {.tv_nsec = 20 * 1000};
	int sent, tries;

	sigfillset(&action.sa_mask);
	atomic_store(&signalled_threads, 0);
	if (sigaction(THREAD_SIGNAL, &action, NULL) != 0) {
		return;
	}
	sent = signal_other_threads(THREAD_SIGNAL);
	/* The threads have this processor only: they run when it is given up. One that is just being born takes the signal
	 * when it opens its mask: wait, but never for ever. */
	for (tries = 0; atomic_load(&signalled_threads) < sent && tries < 2500; tries++) {
		if (tries < 100) {
			sched_yield();
		} else {
			nanosleep(&pause, NULL);
		}
	}
	late = atomic_load(&signalled_threads) < sent;
}

int threads_are_late(void)
{
	return late;
}

void close_other_threads(void)
{
	handle_on_other_threads(close_thread);
}

/* ---- threads to come ---- */

static atomic_int to_begin, to_close;

struct beginning {
	void *(*start)(void *);
	void *argument;
};

static void close_new_thread(int sig, siginfo_t *info, void *context)
{
	close_thread(sig, info, context);
	if (atomic_fetch_sub(&to_close, 1) == 1) {
		sigaction(THREAD_SIGNAL, &process_at_exec.actions[THREAD_SIGNAL], NULL);
	}
}

/* A thread begins with all signals blocked. The signal that it sends itself is the first that it takes, in the moment in which the
 * runtime opens its mask. */
static void *begin_thread(void *memory)
{
	struct beginning own = *(struct beginning *)memory;

	free(memory);
	syscall(SYS_tgkill, process_at_exec.pid, syscall(SYS_gettid), THREAD_SIGNAL);
	return own.start(own.argument);
}

void close_threads_to_come(int n)
{
	struct sigaction action = {.sa_sigaction = close_new_thread, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	sigfillset(&action.sa_mask);
	atomic_store(&to_begin, n);
	atomic_store(&to_close, n);
	sigaction(THREAD_SIGNAL, &action, NULL);
}

void *(*thread_to_come(void *(*start)(void *), void **argument))(void *)
{
	struct beginning *own;

	if (atomic_load(&to_begin) <= 0 || atomic_fetch_sub(&to_begin, 1) <= 0 || !(own = malloc(sizeof(*own)))) {
		return start;
	}
	own->start = start;
	own->argument = *argument;
	*argument = own;
	return begin_thread;
}

/* What the C library sets when the first thread is started and never takes back: with it malloc, stdio and others lock
 * at every call. The next pthread_create sets it again. */
static void tell_libc_of_single_thread(void)
{
	char *single = dlsym(RTLD_DEFAULT, "__libc_single_threaded");

	if (single) {
		*single = 1;
	}
}

int end_other_threads(void)
{
	int tries, yields;

	/* More than once, because a thread may have been in the C library, or have just started another. */
	for (tries = 0; tries < 5; tries++) {
		handle_on_other_threads(end_thread);
		for (yields = 0; yields < 100; yields++) {
			if (signal_other_threads(0) == 0) {
				tell_libc_of_single_thread();
				return 1;
			}
			sched_yield();
		}
	}
	return 0;
}
