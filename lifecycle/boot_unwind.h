/* The functions of C that a thread is in, for the report of its end (boot_unwind.c). */
#ifndef PHPSAPI_BOOT_UNWIND_H
#define PHPSAPI_BOOT_UNWIND_H

/* Looks for the unwinder. It is for a time when the C library may be asked for anything. */
void unwind_prepare(void);

/* Adds the calling thread's functions to the report, from the one that a signal has interrupted on; context is the signal handler's
 * third argument, NULL: no signal has. It gives up after a second. */
void unwind_report(void *context);

/* For the handler of a fault: if the thread is in unwind_report, that goes on without it, and this does not return. */
void unwind_faulted(void);

#endif
