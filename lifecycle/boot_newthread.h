/* How threads are started (boot_newthread.c). */
#ifndef PHPSAPI_NEWTHREAD_H
#define PHPSAPI_NEWTHREAD_H

/* The exit status of a process that could not get the threads that it needs to begin: EX_TEMPFAIL of sysexits.h. */
#define EXIT_NO_THREADS 75

/* Finds the C library's pthread_create. Called before Go runs. */
void newthread_init(void);

/* Leaves out the Go runtime's monitor. Called before Go runs, in a worker. */
void newthread_without_monitor(void);

#endif
