/*
 * The timer of max_execution_time, in a process that answers request after request.
 *
 * PHP starts the timer (ITIMER_PROF, which counts the CPU time of the process) two times in a request and stops it once, and has
 * the handler of its signal installed: five system calls. libphp calls the C library by name, and the executable's functions are
 * found first, which are those below; in httpd's process they are entered for it (sapi/apache/replace.c). They let the timer run on from request to request, a little longer than was asked for:
 *
 *     requests    start 30 s ... stop   start 30 s ... stop   start 30 s ... stop
 *     kernel      start 30.01 s ------------------------------>
 *
 * A script may have the timer of a request that began before it, as long as the process has been busy for no more than that
 * little since; by then the timer has at least as long to go as was asked for. So a script gets the time that it would have from
 * PHP, never less, and at most WINDOW more. How busy the process was is told by the clock, which needs no system call: CPU time
 * does not pass faster. A timer that fires all the same, for a request with a longer limit, is started again for the rest.
 *
 * Everything else that uses these functions gets what the C library does.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "engine_timer.h"

#define EXPORTED __attribute__((visibility("default")))
#define SECOND 1000000000LL
#define WINDOW (SECOND / 100)

int64_t timer_idle;

static int lasts; /* whether the timer may run on at all */
static int rests; /* whether no script runs */

/* The times are the process's CPU time, as far as the clock tells it. */
static volatile int running;        /* the kernel's timer was started here, and has not fired */
static volatile int64_t started_at; /* when, */
static volatile int64_t fires_at;   /* and when it fires */
static volatile int wanted;         /* PHP has started a timer and not stopped it */
static volatile int64_t due_at;     /* when it is to fire */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec - timer_idle;
}

static int set(int which, const struct itimerval *value, struct itimerval *old)
{
	return syscall(SYS_setitimer, which, value, old);
}

static int run(int64_t ns)
{
	struct itimerval value = {.it_value = {ns / SECOND, (ns % SECOND + 999) / 1000}};

	if (value.it_value.tv_usec >= 1000000) {
		value.it_value = (struct timeval){value.it_value.tv_sec + 1, 0};
	}
	return set(ITIMER_PROF, &value, NULL);
}

static int stop(void)
{
	static const struct itimerval none;

	wanted = running = 0;
	return set(ITIMER_PROF, &none, NULL);
}

static int start(int64_t ns)
{
	int64_t at = now();

	due_at = at + ns;
	wanted = 1;
	if (running && at - started_at <= WINDOW && fires_at <= due_at + WINDOW) {
		return 0;
	}
	running = 0;
	if (run(ns + WINDOW) != 0) {
		return -1;
	}
	started_at = at;
	fires_at = due_at + WINDOW;
	running = 1;
	return 0;
}

int timer_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old)
{
	if (!lasts || which != ITIMER_PROF || !value || old || value->it_interval.tv_sec || value->it_interval.tv_usec ||
		value->it_value.tv_usec) {
		if (which == ITIMER_PROF && value) {
			wanted = running = 0;
		}
		return set(which, value, old);
	}
	if (value->it_value.tv_sec > 0) {
		return start(value->it_value.tv_sec * SECOND);
	}
	if (rests && wanted && running) {
		wanted = 0;
		return 0;
	}
	return stop();
}

void timer_rests(int yes)
{
	rests = yes;
	if (!yes && running && !wanted) {
		stop();
	}
}

/* Whether the kernel's timer, which has fired, is the one that PHP waits for. */
static int is_due(void)
{
	int64_t at = fires_at, rest = due_at - at;

	if (!running) {
		return 1;
	}
	running = 0;
	if (!wanted) {
		return 0;
	}
	if (rest <= 0) {
		wanted = 0;
		return 1;
	}
	if (run(rest) == 0) {
		fires_at = at + rest;
		running = 1;
	}
	return 0;
}

/* ---- the signal ---- */

static struct sigaction action; /* what is done when the timer fires */
static int installed;           /* on_timer does it */
static int open;                /* the signal is not blocked */

static int (*next(const char *name))(void)
{
	return (int (*)(void))dlsym(RTLD_NEXT, name);
}

static void on_timer(int sig, siginfo_t *info, void *context)
{
	int error = errno, due = info->si_code != SI_KERNEL || !lasts || is_due();

	errno = error;
	if (due && action.sa_flags & SA_SIGINFO) {
		action.sa_sigaction(sig, info, context);
	} else if (due) {
		action.sa_handler(sig);
	}
}

/* What the kernel reads of a set of signals; the C library leaves the rest as it is. */
static int is_same_set(const sigset_t *a, const sigset_t *b)
{
	return memcmp(a, b, _NSIG / 8) == 0;
}

static int is_same(const struct sigaction *a, const struct sigaction *b)
{
	return a->sa_sigaction == b->sa_sigaction && a->sa_flags == b->sa_flags && is_same_set(&a->sa_mask, &b->sa_mask);
}

int timer_sigaction(int sig, const struct sigaction *given, struct sigaction *old)
{
	static int (*original)(int sig, const struct sigaction *given, struct sigaction *old);
	struct sigaction ours, was = action;
	int handled = given && given->sa_handler != SIG_DFL && given->sa_handler != SIG_IGN && !(given->sa_flags & SA_RESETHAND),
		was_installed = installed, result;

	if (!original) {
		original = (int (*)(int, const struct sigaction *, struct sigaction *))next("sigaction");
	}
	if (!lasts || sig != SIGPROF) {
		return original(sig, given, old);
	}
	if (handled && installed && !old && is_same(given, &action)) {
		return 0;
	}
	if (handled) {
		ours = *given;
		ours.sa_flags |= SA_SIGINFO;
		ours.sa_sigaction = on_timer;
		action = *given;
	}
	result = original(sig, handled ? &ours : given, old);
	if (result == 0 && given) {
		installed = handled;
	}
	if (result == 0 && old && was_installed) {
		*old = was;
	}
	return result;
}

int timer_sigprocmask(int how, const sigset_t *given, sigset_t *old)
{
	static int (*original)(int how, const sigset_t *given, sigset_t *old);
	sigset_t only;
	int opens, result;

	if (!original) {
		original = (int (*)(int, const sigset_t *, sigset_t *))next("sigprocmask");
	}
	if (!lasts || !given) {
		return original(how, given, old);
	}
	sigemptyset(&only);
	sigaddset(&only, SIGPROF);
	opens = how == SIG_UNBLOCK && is_same_set(given, &only);
	if (opens && open && !old) {
		return 0;
	}
	result = original(how, given, old);
	open = result == 0 && (opens || (how == SIG_UNBLOCK && open));
	return result;
}

/* ---- by the C library's names ---- */

EXPORTED int setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old)
{
	return timer_setitimer(which, value, old);
}

EXPORTED int sigaction(int sig, const struct sigaction *given, struct sigaction *old)
{
	return timer_sigaction(sig, given, old);
}

EXPORTED int sigprocmask(int how, const sigset_t *given, sigset_t *old)
{
	return timer_sigprocmask(how, given, old);
}

/* ---- the process ---- */

/* A timer is not its children's. */
static void in_child(void)
{
	lasts = wanted = running = 0;
}

void timer_lasts(void)
{
	static int watching;

	lasts = 1;
	wanted = running = installed = open = 0;
	if (!watching) {
		watching = pthread_atfork(NULL, NULL, in_child) == 0;
	}
}
