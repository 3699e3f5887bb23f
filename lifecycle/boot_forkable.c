/*
 * A Go runtime that can be forked: a zygote starts it once, and its workers continue with it.
 *
 * A process that is forked has one thread. The runtime must not know of others, neither of those that are gone nor of what they were
 * about to do. Of its threads there are three kinds:
 *
 *   the monitor, and the thread that makes others    are put off: pthread_create says that they were made, and the worker makes
 *                                                    them when it has something to do. To the runtime they are threads that
 *                                                    have not run yet
 *   those that run goroutines                        are ended by the runtime itself, each by a goroutine that locks its thread
 *                                                    and returns (LockOSThread's documentation). The last of them asks for another
 *                                                    one in its place, of the thread that makes others: that is put off with it
 *   the main thread                                  forks, in C, by order of the main goroutine
 *
 * The zygote looks whether that has come about, and forks a child that tries the runtime, before it forks workers.
 *
 * docs/adr/0019 has the reasons. lifecycle/forkable.go is Go's part.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "boot_control.h"
#include "boot_forkable.h"
#include "boot_process.h"
#include "boot_threads.h"
#include "boot_worker.h"

#define MOST_FDS 1024 /* descriptors that are looked at */
/* Seconds that the runtime's start and the trial may take. PHP starts again if they do, and all that is less than the parent waits. */
#define GO_TIME 3
#define TRIAL_TIME 3
#define FEW_TASKS 8192 /* a user's limit of tasks that his workers' threads may reach */

/* What runtime/cgo gives a thread that it makes (ThreadStart). */
struct thread {
	const uintptr_t *g;
	const void *tls;
	void (*function)(void);
};

static struct {
	int begun;
	int due; /* they are to be made in this process */
	int without_monitor;
	int other_threads; /* that were there before Go's */
	int pollers;       /* as count_pollers */
	void (*give_up)(const char *why);
	timer_t limit;
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

/* Counts the descriptors for epoll. Only of one of these epoll_ctl says that it does not have another. */
static int count_pollers(void)
{
	int fd, n = 0;

	for (fd = 0; fd < MOST_FDS; fd++) {
		n += epoll_ctl(fd, EPOLL_CTL_DEL, control_fd(), NULL) != 0 && errno == ENOENT;
	}
	return n;
}

void forkable_begin(void (*give_up)(const char *why))
{
	put_off.begun = 1;
	put_off.give_up = give_up;
	put_off.other_threads = count_other_threads();
	put_off.pollers = count_pollers();
}

static void give_up(int sig)
{
	put_off.give_up("Go's runtime is late");
}

/* Gives the runtime some time. It has no thread that could make another one, and would wait for ever for what needs one. */
static void limit_time(void)
{
	struct itimerspec time = {.it_value.tv_sec = GO_TIME};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = THREAD_SIGNAL};
	struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_ONSTACK};

	event._sigev_un._tid = process_at_exec.pid; /* the main thread */
	if (timer_create(CLOCK_MONOTONIC, &event, &put_off.limit) == 0) {
		sigfillset(&action.sa_mask);
		sigaction(THREAD_SIGNAL, &action, NULL);
		timer_settime(put_off.limit, 0, &time, NULL);
	}
}

void boot_end_time_limit(void)
{
	timer_delete(put_off.limit);
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
		limit_time(); /* the runtime has its handlers by now */
	}
	if (shape != put_off.shape || put_off.len == 2) {
		note(start, thread);
		return 0;
	}
	put_off.threads[put_off.len].start = *start;
	put_off.threads[put_off.len++].thread = *thread;
	return 1;
}

/* What a thread that runs goroutines is about. */
enum { ENDED, SLEEPS, AWAKE, UNKNOWN };

/* A thread sleeps if it does nothing but wait to be woken. One that pauses is about to do something. */
static int state_of(pid_t thread)
{
	char path[64], text[16] = "";
	int fd, known;

	if (thread == 0) {
		return AWAKE; /* it has not begun */
	}
	if (syscall(SYS_tgkill, process_at_exec.pid, thread, 0) != 0) {
		return ENDED;
	}
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)thread);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	known = fd >= 0 && read(fd, text, sizeof(text) - 1) > 0;
	if (fd >= 0) {
		close(fd);
	}
	if (!known) {
		return UNKNOWN; /* there is no /proc, or it has ended meanwhile */
	}
	return atoi(text) == SYS_futex ? SLEEPS : AWAKE; /* it may be "running" */
}

int boot_sleeping_threads(void)
{
	static const struct timespec pause = {.tv_nsec = 50 * 1000};
	int tries;

	for (tries = 0; tries < 20000; tries++) { /* a second or more */
		int threads = 0, awake = 0, unknown = 0, i;

		for (i = 0; i < atomic_load(&running.len); i++) {
			int state = state_of(atomic_load(&running.threads[i]));
			threads += state != ENDED;
			awake += state == AWAKE;
			unknown += state == UNKNOWN;
		}
		if (awake == 0 && (unknown == 0 || tries > 200)) {
			return threads;
		}
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* Says what makes the runtime one that cannot be forked; NULL: nothing. */
static const char *objection(void)
{
	if (put_off.len != sizeof(put_off.threads) / sizeof(put_off.threads[0])) {
		return "Go's runtime has not started the two threads of its own";
	}
	if (count_other_threads() != put_off.other_threads) {
		return "a thread of Go's runtime is left";
	}
	if (count_pollers() != put_off.pollers) { /* workers would share one */
		return "Go's runtime has started its poller";
	}
	return NULL;
}

const char *boot_try_fork(int *is_child)
{
	static const struct timespec pause = {.tv_nsec = 100 * 1000};
	const char *why = objection();
	pid_t pid, ended = 0;
	int status = 0, tries;

	if (why) {
		return why;
	}
	pid = fork();
	if (pid < 0) {
		return "it cannot fork";
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		process_at_exec.pid = getpid();
		control_close();
		forkable_make_up(worker.monitored);
		boot_make_threads();
		*is_child = 1;
		return NULL;
	}
	for (tries = 0; tries < TRIAL_TIME * 10000 && (ended = waitpid(pid, &status, WNOHANG)) == 0; tries++) {
		nanosleep(&pause, NULL);
	}
	if (ended == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return "Go's runtime hangs in a forked process";
	}
	return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : "Go's runtime fails in a forked process";
}

/* A user's limit does not count for root, who the process may be until it has become its pool's user. */
static int has_few_tasks(void)
{
	struct rlimit tasks;

	return getrlimit(RLIMIT_NPROC, &tasks) == 0 && tasks.rlim_cur < FEW_TASKS;
}

void forkable_make_up(int monitored)
{
	put_off.begun = 0;
	put_off.due = 1;
	put_off.without_monitor = !monitored;
	process_at_exec.narrowed = 0;
	if (has_few_tasks()) {
		boot_make_threads();
	}
}

void boot_make_threads(void)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t number;
	size_t i;
	int slack;

	if (!put_off.due) {
		return;
	}
	put_off.due = 0;
	slack = prctl(PR_GET_TIMERSLACK);
	close_threads_to_come(put_off.without_monitor ? 2 : 3); /* with the one that the last to end has ordered */
	prctl(PR_SET_TIMERSLACK, RUNTIME_SLACK); /* the monitor inherits it */
	/* As runtime/cgo does it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	for (i = put_off.without_monitor; i < put_off.len; i++) {
		pthread_create(&number, &attributes, put_off.threads[i].start, put_off.threads[i].thread);
	}
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
}
