/* The threads of the Go runtime (boot_threads.c). Both functions are for the main thread. */
#ifndef PHPSAPI_THREADS_H
#define PHPSAPI_THREADS_H

#include <signal.h>

/* What tells Go's threads so. They must not be started with it blocked. */
#define THREAD_SIGNAL SIGRTMAX

/* Closes every other thread to signals. */
void close_other_threads(void);

/* Ends every other thread, and reports whether there is none left. No Go code may run afterwards. */
int end_other_threads(void);

/* Reports whether a thread has yet to take the signal: without its handler the signal would end the process. */
int threads_are_late(void);

#endif
