/*
 * A Go runtime that can be forked: a zygote starts it once, and its workers go on with it.
 *
 * A process that is forked has one thread. The runtime must not know of others, neither of those that are gone nor of what they were
 * about to do. Of its threads there are three kinds:
 *
 *   the monitor, and the thread that makes others    are put off: pthread_create says that they were made, and makes them in the
 *                                                    worker. To the runtime they are threads that have not run yet
 *   those that run goroutines                        are ended by the runtime itself, each by a goroutine that locks its thread
 *                                                    and returns (LockOSThread's documentation). The last of them asks for another
 *                                                    one in its place, of the thread that makes others: that is put off with it
 *   the main thread                                  forks, in C, by order of the main goroutine
 *
 * docs/adr/0015 has the reasons. lifecycle/forkable.go is Go's part.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "boot_forkable.h"
#include "boot_process.h"
#include "boot_threads.h"

/* What runtime/cgo gives a thread that it makes (ThreadStart). */
struct thread {
	const uintptr_t *g;
	const void *tls;
	void (*function)(void);
};

static struct {
	int begun;
	uint64_t shape; /* of the first thread, the monitor; 0: it was not asked for yet */
	struct {
		void *(*start)(void *);
		void *thread;
	} threads[2]; /* the monitor first */
	size_t len;
} put_off;

#define MOST_RUNNING 200

/* The threads that run goroutines. */
static struct {
	atomic_int threads[MOST_RUNNING]; /* their numbers; 0: it has not begun yet */
	atomic_int len;
} running;

/* What one of them begins with. */
struct beginning {
	void *(*start)(void *);
	void *thread;
	int slot;
};

int forkable_is_possible(void)
{
#ifdef GO_WAS_READ
	return 1;
#else
	return 0;
#endif
}

void forkable_begin(void)
{
	put_off.begun = 1;
}

/* Tells which of the first words of a new thread's m are set, one bit for each. */
static uint64_t shape_of(const struct thread *thread)
{
	const uintptr_t *m = (const uintptr_t *)thread->g[6]; /* "offset known to liblink" */
	uint64_t shape = 0;
	int i;

	for (i = 0; i < 48; i++) {
		shape |= (uint64_t)(m[i] != 0) << i;
	}
	return shape;
}

static void *run(void *memory)
{
	struct beginning own = *(struct beginning *)memory;

	free(memory);
	atomic_store(&running.threads[own.slot], (int)syscall(SYS_gettid));
	return own.start(own.thread);
}

/* Has a thread that runs goroutines tell its number. */
static void note(void *(**start)(void *), void **thread)
{
	struct beginning *own = malloc(sizeof(*own));
	int slot = atomic_fetch_add(&running.len, 1);

	if (!own || slot >= MOST_RUNNING) {
		abort(); /* as the runtime does if there is no memory for a thread */
	}
	*own = (struct beginning){*start, *thread, slot};
	*start = run;
	*thread = own;
}

/* The thread that makes others is like the monitor: it has a function to run and no processor. Those that run goroutines have a
 * processor. */
int forkable_puts_off(void *(**start)(void *), void **thread)
{
	uint64_t shape;

	if (!put_off.begun) {
		return 0;
	}
	shape = shape_of(*thread);
	if (put_off.shape == 0) {
		put_off.shape = shape;
	}
	if (shape != put_off.shape || put_off.len == 2) {
		note(start, thread);
		return 0;
	}
	put_off.threads[put_off.len].start = *start;
	put_off.threads[put_off.len++].thread = *thread;
	return 1;
}

/* Whether a thread does anything else than wait to be woken. One that pauses is about to do something. */
static int is_awake(pid_t thread)
{
	char path[64], text[16] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		text[0] = '\0'; /* it has ended, or the kernel does not tell */
	}
	if (fd >= 0) {
		close(fd);
	}
	return atoi(text) != SYS_futex; /* it may be "running" */
}

/* Counts the threads that run goroutines, and those of them that are awake. */
static int count(int *awake)
{
	int n = 0, i;

	*awake = 0;
	for (i = 0; i < atomic_load(&running.len); i++) {
		pid_t thread = atomic_load(&running.threads[i]);
		if (thread == 0) { /* it has not begun */
			n++;
			++*awake;
		} else if (syscall(SYS_tgkill, process_at_exec.pid, thread, 0) == 0) {
			n++;
			*awake += is_awake(thread);
		}
	}
	return n;
}

int boot_sleeping_threads(void)
{
	static const struct timespec pause = {.tv_nsec = 50 * 1000};
	int n, awake, tries;

	for (tries = 0; (n = count(&awake)) > 0 && awake > 0 && tries < 200; tries++) {
		nanosleep(&pause, NULL);
	}
	return n;
}

void forkable_make_up(int monitored)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t number;
	size_t i;
	int slack = prctl(PR_GET_TIMERSLACK);

	put_off.begun = 0;
	process_at_exec.narrowed = 0;
	close_threads_to_come(monitored ? 3 : 2); /* with the one that the last to end has ordered */
	prctl(PR_SET_TIMERSLACK, RUNTIME_SLACK); /* the monitor inherits it */
	/* As runtime/cgo does it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (i = monitored ? 0 : 1; i < put_off.len; i++) {
		pthread_create(&number, &attributes, put_off.threads[i].start, put_off.threads[i].thread);
	}
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
}
