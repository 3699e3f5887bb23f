/* The timer of max_execution_time in a process that answers request after request (engine_timer.c). */
#ifndef PHPSAPI_ENGINE_TIMER_H
#define PHPSAPI_ENGINE_TIMER_H

#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

/* Once in a process that answers requests, when Go has installed its handlers of signals: a timer may run on from now on. */
void timer_lasts(void);

/* With 1: no script runs until further notice, and a timer that PHP stops may run on. With 0: a script is about to run, and
 * one that was stopped must not fire. */
void timer_rests(int rests);

/* How long the process has waited for something to do, in nanoseconds: no CPU time passes then. */
extern int64_t timer_idle;

/* What PHP is to call by the names of the C library's functions. Until timer_lasts they do what those do. */
int timer_setitimer(__itimer_which_t which, const struct itimerval *value, struct itimerval *old);
int timer_sigaction(int sig, const struct sigaction *given, struct sigaction *old);
int timer_sigprocmask(int how, const sigset_t *given, sigset_t *old);

#endif
