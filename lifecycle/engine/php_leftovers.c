/*
 * What a request changes of its process, and PHP does not take back: timers, signals, limits, priority, mask, user. The next
 * request is somebody else's: it must not be killed by an alarm of the one before, nor be out of reach of SIGTERM. What can
 * be put back is; for the rest the process must be replaced.
 *
 * An ordinary request costs nothing: the functions that can change any of it are replaced by ones that note the process as
 * it is, the first time in a request, and then call PHP's.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "php_leftovers.h"
#include "php_module.h"

static struct state {
	struct sigaction actions[NSIG];
	sigset_t mask;
	struct rlimit limits[RLIM_NLIMITS];
	int nice;
	mode_t umask;
	pid_t group, session;
	uid_t users[3];
	gid_t groups[3];
} before;
static int watched;
static int noted;
static int beyond_repair; /* what was done cannot be taken back */

static void note_identity(struct state *s)
{
	s->group = getpgrp();
	s->session = getsid(0);
	getresuid(&s->users[0], &s->users[1], &s->users[2]);
	getresgid(&s->groups[0], &s->groups[1], &s->groups[2]);
}

static void note(void)
{
	int i;

	if (noted) {
		return;
	}
	noted = 1;
	for (i = 1; i < NSIG; i++) {
		sigaction(i, NULL, &before.actions[i]);
	}
	sigprocmask(SIG_BLOCK, NULL, &before.mask);
	for (i = 0; i < RLIM_NLIMITS; i++) {
		getrlimit(i, &before.limits[i]);
	}
	before.nice = getpriority(PRIO_PROCESS, 0);
	before.umask = umask(0);
	umask(before.umask);
	note_identity(&before);
}

/* ---- the functions ---- */

/* Those after which the process can be put back, mostly. */
#define CHANGING(X) \
	X(pcntl_alarm) \
	X(pcntl_signal) \
	X(pcntl_sigprocmask) \
	X(pcntl_setpriority) \
	X(posix_initgroups) \
	X(posix_setegid) \
	X(posix_seteuid) \
	X(posix_setgid) \
	X(posix_setpgid) \
	X(posix_setrlimit) \
	X(posix_setsid) \
	X(posix_setuid) \
	X(proc_nice)

/* Those after which it cannot. */
#define BREAKING(X) \
	X(chroot) \
	X(pcntl_async_signals) \
	X(pcntl_unshare)

/* Static methods of the class FFI: by what they return, everything can be changed. */
#define FOREIGN(X) \
	X(cdef) \
	X(load) \
	X(scope)

#define X(name) \
	static zif_handler original_##name; \
	static PHP_FUNCTION(watched_##name) \
	{ \
		note(); \
		original_##name(INTERNAL_FUNCTION_PARAM_PASSTHRU); \
	}
CHANGING(X)
FOREIGN(X)
#undef X

/* Its callback runs when headers are sent, which is after the script as a rule. */
static zif_handler original_header_register_callback;

int has_header_callback;

static PHP_FUNCTION(watched_header_register_callback)
{
	has_header_callback = 1;
	original_header_register_callback(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

#define X(name) \
	static zif_handler original_##name; \
	static PHP_FUNCTION(watched_##name) \
	{ \
		beyond_repair |= ZEND_NUM_ARGS() > 0; \
		original_##name(INTERNAL_FUNCTION_PARAM_PASSTHRU); \
	}
BREAKING(X)
#undef X

static void watch(HashTable *functions, const char *name, zif_handler watched, zif_handler *original)
{
	zval *found = zend_hash_str_find(functions, name, strlen(name));
	zend_internal_function *function = found ? Z_PTR_P(found) : NULL;

	if (function && function->type == ZEND_INTERNAL_FUNCTION && function->handler != watched) {
		*original = function->handler;
		function->handler = watched;
	}
}

void leftovers_watch(void)
{
	zval *ffi = zend_hash_str_find(CG(class_table), "ffi", strlen("ffi"));

	watched = 1;
	watch(CG(function_table), "header_register_callback", ZEND_FN(watched_header_register_callback), &original_header_register_callback);
#define X(name) watch(CG(function_table), #name, ZEND_FN(watched_##name), &original_##name);
	CHANGING(X)
	BREAKING(X)
#undef X
	if (ffi) {
#define X(name) watch(&((zend_class_entry *)Z_PTR_P(ffi))->function_table, #name, ZEND_FN(watched_##name), &original_##name);
		FOREIGN(X)
#undef X
	}
}

void leftovers_watch_more(void)
{
	if (watched) {
		leftovers_watch();
	}
}

/* ---- the request's end ---- */

static void stop_timers(void)
{
	static const struct itimerval none;

	setitimer(ITIMER_REAL, &none, NULL);
	setitimer(ITIMER_VIRTUAL, &none, NULL);
	setitimer(ITIMER_PROF, &none, NULL);
}

/* Takes the signals that wait, because the script blocked them. They are its own, and the default would be the process's
 * end; those by which the master ends a worker are not. */
static void drop_waiting_signals(void)
{
	static const struct timespec none;
	sigset_t dropped;

	sigfillset(&dropped);
	sigdelset(&dropped, SIGTERM);
	sigdelset(&dropped, SIGQUIT);
	while (sigtimedwait(&dropped, NULL, &none) > 0) {
	}
}

static void put_back_signals(void)
{
	struct sigaction now;
	int sig;

	drop_waiting_signals();
	for (sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &now) == 0 && (now.sa_handler != before.actions[sig].sa_handler ||
				now.sa_flags != before.actions[sig].sa_flags)) {
			sigaction(sig, &before.actions[sig], NULL);
		}
	}
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
}

static int put_back_limits(void)
{
	struct rlimit now;
	int i, done = 1;

	for (i = 0; i < RLIM_NLIMITS; i++) {
		if (getrlimit(i, &now) == 0 && memcmp(&now, &before.limits[i], sizeof(now)) != 0) {
			done &= setrlimit(i, &before.limits[i]) == 0;
		}
	}
	if (getpriority(PRIO_PROCESS, 0) != before.nice) {
		done &= setpriority(PRIO_PROCESS, 0, before.nice) == 0;
	}
	return done;
}

static int is_who_it_was(void)
{
	struct state now;

	note_identity(&now);
	return now.group == before.group && now.session == before.session &&
		memcmp(now.users, before.users, sizeof(now.users)) == 0 && memcmp(now.groups, before.groups, sizeof(now.groups)) == 0;
}

static int put_back(void)
{
	if (!noted) {
		return 1;
	}
	noted = 0;
	stop_timers();
	put_back_signals();
	umask(before.umask);
	return put_back_limits() & is_who_it_was();
}

int engine_may_have_forked(void)
{
	return noted || !watched;
}

int is_forked(void)
{
	return host->is_forked(engine_may_have_forked());
}

/* Whether children of the request's, or of one before, still run. Those that have ended are buried: proc_open() leaves
 * them behind, if nobody calls proc_close(). */
static int has_children(int has_forked)
{
	static int some;
	pid_t pid;

	some |= has_forked;
	if (!some) {
		return 0;
	}
	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0 || (pid < 0 && errno == EINTR));
	some = pid == 0;
	return some;
}

int leftovers_clear(int has_forked)
{
	int clean = put_back() && !beyond_repair;

	beyond_repair = 0;
	/* Another request's pcntl_wait() would take the child for its own. */
	return !(has_children(has_forked) && original_pcntl_alarm) && clean;
}

void leftovers_accept(void)
{
	noted = 0;
	beyond_repair = 0;
}
