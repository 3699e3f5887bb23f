/* What Go asks of the process (boot_*.c). */
#ifndef PHPSAPI_BOOT_H
#define PHPSAPI_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

/* ---- boot_process.c, boot_atexec.c: what the process was given at exec ---- */

/* Gives the main thread the signal state and limits that exec left, and closes all other threads to signals, so that
 * PHP finds the process as php's own main would. Called once, before PHP runs. */
void boot_take_process(void);

/* Gives the calling thread the processors and the timer slack that exec left: a runtime that only calls PHP is kept
 * small, and the children it starts must not inherit that. */
void boot_restore_scheduling(void);

/* Says that the Go runtime is up: from now on C may call Go. */
void boot_go_is_ready(void);

/* ---- boot_newthread.c: how Go's threads are started ---- */

/* Says that the process has begun: where a thread cannot be made it waits for room as long as it takes, and does not
 * end. With reserved it keeps a few threads for such times. */
void boot_wait_for_threads(int reserved);

/* Makes the threads of the runtime that were put off, if they are due (boot_forkable.c). */
void boot_make_threads(void);

/* Memory of argv[i] as the kernel shows it; NULL past the end. */
char *boot_argv(int i);
/* The path that the process was executed by; NULL if the kernel does not say. */
const char *boot_executable(void);

/* ---- boot_template.c ---- */

/* Goes on with the worker script in a worker that was forked within it. Returns when the script has ended. */
void boot_resume_script(void);

/* ---- boot_forks.c ---- */

/* Gives n places for descriptors that a process which a script forks closes at once; -1: none. */
int32_t *boot_given_up_in_forks(size_t n);

/* ---- boot_quit.c ---- */

/* Makes a signal add to an eventfd, the same for all signals, in place of its default. 0 or an errno. */
int boot_catch_signal(int sig, int eventfd);

/* ---- boot_crash.c ---- */

/* Has this process write to memory what PHP was doing, if it crashes, is ended by SIGTERM, or calls C's exit. length is 0 until then. */
void boot_report_crashes(char *room, size_t size, uint64_t *length);
/* Does beforehand what is slow in boot_report_crashes, in a process that forks those that call it. */
void boot_prepare_crash_reports(void);

/* ---- boot_overdue.c ---- */

/* The present request, if SIGTERM is to answer it because it takes too long. */
struct boot_overdue {
	int32_t fd;  /* of the client's connection; -1: nobody may be answered. The thread that takes it from here has it for itself. */
	uint16_t id; /* the request's, in FastCGI */
	int64_t due; /* before that moment of CLOCK_MONOTONIC, in ns, SIGTERM means another thing */
	uint64_t *sent, answered; /* where it is noted that the client has this answer, and how */
};
struct boot_overdue *boot_overdue_request(void);

/* ---- boot_zygote.c, boot_forkable.c: a zygote whose workers have its Go runtime ---- */

/* Reports whether this process is one. */
int boot_is_zygote(void);
/* Waits until Go's other threads sleep. Returns how many there are; -1: one does not sleep. */
int boot_sleeping_threads(void);
/* The runtime has had some time until then, before the zygote continues without it. */
void boot_end_time_limit(void);
/* Forks a child, which is to try the runtime and to exit with status 0, and waits for it. Returns what makes the runtime one that
 * cannot be forked; NULL: nothing does, or *is_child is 1 and this is the child. */
const char *boot_try_fork(int *is_child);
/* Forks workers by order of the zygote's parent. Returns in each of them. There must be no other thread. */
void boot_fork_workers(void);
/* Executes the zygote again, for workers with runtimes of their own. Its parent is told why. */
_Noreturn void boot_fork_without_go(const char *why);

/* ---- boot_worker.c: a worker's share of what its zygote was told ---- */

/* Whether this process is a zygote's worker. */
int boot_is_worker(void);
/* The text the worker was forked with, and its descriptors. */
const char *boot_worker_payload(size_t *len);
int boot_worker_fd(size_t i); /* -1 past the last */
/* What PHP's module is called in the zygote. */
const char *boot_worker_module(void);

#endif
