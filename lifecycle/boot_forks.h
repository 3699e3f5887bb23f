/* The processes that scripts fork (boot_forks.c). */
#ifndef PHPSAPI_FORKS_H
#define PHPSAPI_FORKS_H

#include "boot.h"

/* Once in the process that runs scripts, whatever its zygote watched: from now on it is known who is its child. */
void forks_watch(void);

/* Whether this is a process that a script forked: it has no Go runtime, and the connection is its parent's. look compares
 * the process's number, too: FFI can make a child by a bare system call, of which fork(2)'s handlers do not hear, and a
 * command line's forks are not watched. */
int forks_is_child(int look);

/* Whether the process has forked since the last call. */
int forks_seen(void);

/* boot_quit.c: the handlers that write to the eventfd are the parent's alone. */
void quit_before_fork(void);
void quit_after_fork(void);
void quit_in_child(void);

/* boot_crash.c: nor does it report its end. */
void crash_in_child(void);

#endif
