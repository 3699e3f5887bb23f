/* A Go runtime that can be forked (boot_forkable.c). */
#ifndef PHPSAPI_FORKABLE_H
#define PHPSAPI_FORKABLE_H

/* Whether this program's runtime can be made so. */
int forkable_is_possible(void);

/* Has the threads that the runtime starts for its own ends made later. Called before Go runs. give_up ends it all if that takes too
 * long, in a signal's handler. */
void forkable_begin(void (*give_up)(const char *why));

/* For pthread_create: whether a thread that the runtime has asked for is one of those. Of another one what it runs is changed. */
int forkable_puts_off(void *(**start)(void *), void **thread);

/* Has them made, in a process that was forked, by boot_make_threads; the monitor only if it is to be there. If a user may have few
 * tasks they are made at once. */
void forkable_make_up(int monitored);

#endif
