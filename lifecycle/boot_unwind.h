/* The functions of C that a thread is in, for the report of its end (boot_unwind.c). */
#ifndef PHPSAPI_BOOT_UNWIND_H
#define PHPSAPI_BOOT_UNWIND_H

#include <stdint.h>

/* Looks for the unwinder. It is for a time when the C library may be asked for anything. */
void unwind_prepare(void);

/* Adds the calling thread's functions to the report, from the one on that is at an address: where a signal has interrupted it, or where
 * the reporter's caller continues; 0: all. It gives up after a second. */
void unwind_report(uintptr_t from);

/* Returns where a signal has interrupted the thread; context is the signal handler's third argument. */
uintptr_t unwind_interrupted(void *context);

/* For the handler of a fault: if the thread is in unwind_report, that continues without it, and this does not return. */
void unwind_faulted(void);

#endif
