/* The bounds of the main thread's stack (boot_bounds.c). */
#ifndef PHPSAPI_BOUNDS_H
#define PHPSAPI_BOUNDS_H

/* Finds the bounds for the processes that this one is about to fork. Called in the main thread. */
void bounds_find(void);

#endif
