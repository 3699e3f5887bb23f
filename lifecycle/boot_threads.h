/* The threads of the Go runtime (boot_threads.c). All but thread_to_come are for the main thread. */
#ifndef PHPSAPI_THREADS_H
#define PHPSAPI_THREADS_H

#include <signal.h>

/* What tells Go's threads so. They must not be started with it blocked. */
#define THREAD_SIGNAL SIGRTMAX

/* Returns how many other threads there are, as far as that is known. */
int count_other_threads(void);

/* Closes every other thread to signals. */
void close_other_threads(void);

/* Ends every other thread, and reports whether there is none left. No Go code may run afterwards. */
int end_other_threads(void);

/* Reports whether a thread has yet to take the signal: without its handler the signal would end the process. */
int threads_are_late(void);

/* Closes the next n threads to signals when they are born, without waiting for them. */
void close_threads_to_come(int n);
/* For pthread_create: what a thread runs, which closes it if it is one of those, and with what. */
void *(*thread_to_come(void *(*start)(void *), void **argument))(void *);

#endif
