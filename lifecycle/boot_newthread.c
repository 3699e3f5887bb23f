/*
 * How Go's threads are started.
 *
 * Go aborts a process in which a thread cannot be made, and a limit of tasks (systemd's TasksMax, a container's
 * --pids-limit, ulimit -u) may be reached at any time: one pool's script is enough to end the master of all pools. The
 * runtime makes threads by the C library's pthread_create; the program defines this function itself, for its own calls
 * alone, and passes on what the C library answers unless that is EAGAIN. Then
 *
 *   - a server takes a thread of its reserve, which is filled up again when there is room;
 *   - without a reserve the caller waits until there is room. That costs the process a pause, and no request;
 *   - a process that has not begun yet waits for a moment only, and ends with a reason.
 *
 * docs/adr/0009 has the figures.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "boot.h"
#include "boot_forkable.h"
#include "boot_newthread.h"
#include "boot_threads.h"

#define RESERVE 3                 /* threads that a server keeps for bad times */
#define FEW_TASKS 64              /* a limit below which a reserve takes more than it is worth */
#define PATIENCE 1                /* seconds that a process waits for a thread before it has begun */
#define ZYGOTES_PATIENCE 10       /* longer than the time limit of its runtime's start (boot_forkable.c) */
#define HURRY 10                  /* seconds in which it tries more often */
#define HURRY_SLACK 50000UL       /* ns: the timer slack meanwhile */
#define REPEAT 60                 /* seconds from one complaint to the next */

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static create_function *libc_pthread_create;
static int begun;           /* the process waits as long as it takes */
static int without_monitor; /* the next thread is not made */

static struct {
	pthread_mutex_t lock;
	sem_t wanted;
	int wants;      /* how many threads there are to be; 0: no reserve */
	int waiting;    /* how many there are */
	void *(*start)(void *);
	void *arg;
	int taken;      /* start and arg are there for one thread */
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void complain(const char *consequence)
{
	char text[256];
	int len = snprintf(text, sizeof(text),
		"phpsapi: process %d cannot create a thread (EAGAIN): %s; raise pids.max, TasksMax, LimitNPROC or ulimit -u\n",
		getpid(), consequence);

	if (write(STDERR_FILENO, text, len) < 0) {
		return; /* there is nobody to tell */
	}
}

/* A thread of the reserve. It was made with all signals blocked, as Go makes its own. */
static void *wait_in_reserve(void *unused)
{
	void *(*start)(void *);
	void *arg;

	while (sem_wait(&reserve.wanted) != 0) {
	}
	pthread_mutex_lock(&reserve.lock);
	start = reserve.start;
	arg = reserve.arg;
	reserve.taken = 0;
	pthread_mutex_unlock(&reserve.lock);
	return start(arg);
}

/* Makes the threads that the reserve lacks, as far as there is room. Called with the lock held. */
static void fill_reserve(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;

	if (reserve.waiting >= reserve.wants) {
		return;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	while (reserve.waiting < reserve.wants && libc_pthread_create(&thread, &attr, wait_in_reserve, NULL) == 0) {
		reserve.waiting++;
	}
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Has a thread of the reserve call start. Returns 0 if there is none. */
static int take_from_reserve(void *(*start)(void *), void *arg)
{
	int taken = 0;

	pthread_mutex_lock(&reserve.lock);
	if (reserve.waiting > 0 && !reserve.taken) {
		reserve.waiting--;
		reserve.start = start;
		reserve.arg = arg;
		reserve.taken = taken = 1;
		sem_post(&reserve.wanted);
	}
	pthread_mutex_unlock(&reserve.lock);
	return taken;
}

static void refill_reserve(void)
{
	pthread_mutex_lock(&reserve.lock);
	fill_reserve();
	pthread_mutex_unlock(&reserve.lock);
}

/* Returns for how many seconds this process waits before it has begun. Workers that hold the room which the others of
 * them need give it up one after the other. */
static int patience(void)
{
	if (boot_is_zygote()) {
		return ZYGOTES_PATIENCE;
	}
	return boot_is_worker() ? PATIENCE + getpid() % 3 : PATIENCE;
}

/* Waits for room, or ends the process. complained_at is when that was last said; 0: not yet. */
static void wait_for_room(time_t began, time_t *complained_at)
{
	static const struct timespec hurry = {.tv_nsec = 500 * 1000}, pause = {.tv_nsec = 10 * 1000 * 1000};
	time_t now = seconds();
	int slack;

	if (!begun && now - began > patience()) {
		complain("giving up");
		_exit(EXIT_NO_THREADS);
	}
	if (begun && now > began && (*complained_at == 0 || now - *complained_at >= REPEAT)) {
		complain("waiting for room");
		*complained_at = now;
	}
	if (now - began >= HURRY) {
		nanosleep(&pause, NULL);
		return;
	}
	slack = prctl(PR_GET_TIMERSLACK); /* keep_runtime_small has made it large */
	prctl(PR_SET_TIMERSLACK, HURRY_SLACK);
	nanosleep(&hurry, NULL);
	prctl(PR_SET_TIMERSLACK, (unsigned long)slack);
}

/* What the runtime calls. Hidden: libraries call the C library's. */
__attribute__((visibility("hidden"))) int pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	time_t began = 0, complained_at = 0;
	int result;

	if (without_monitor) {
		without_monitor = 0;
		return 0;
	}
	if (forkable_puts_off(&start, &arg)) {
		return 0;
	}
	start = thread_to_come(start, &arg);
	for (;;) {
		result = libc_pthread_create(thread, attr, start, arg);
		if (result == 0 && reserve.wants > 0) {
			refill_reserve();
		}
		if (result != EAGAIN || take_from_reserve(start, arg)) {
			return result == EAGAIN ? 0 : result;
		}
		if (began == 0) {
			began = seconds();
		}
		wait_for_room(began, &complained_at);
	}
}

void newthread_init(void)
{
	libc_pthread_create = (create_function *)dlsym(RTLD_NEXT, "pthread_create");
}

void newthread_without_monitor(void)
{
#ifdef GO_WAS_READ
	without_monitor = 1;
#endif
}

void boot_wait_for_threads(int reserved)
{
	struct rlimit tasks;

	begun = 1;
	if (!reserved || (getrlimit(RLIMIT_NPROC, &tasks) == 0 && tasks.rlim_cur < FEW_TASKS)) {
		return;
	}
	if (reserve.wants == 0 && sem_init(&reserve.wanted, 0, 0) == 0) {
		reserve.wants = RESERVE;
		refill_reserve();
	}
}
