/*
 * The libraries that an engine which is a part of the program opens late: when something of them is called for the first time.
 *
 * For each function that PHP or an extension inside calls of such a library there is a stub with the function's name, as the linker makes
 * them for shared libraries: it jumps to the address in a slot. At first that is late_enter, which opens the library and fills the slot;
 * or a function ahead_NAME of php_ahead.c, which answers until the library is open.
 *
 * packaging/engine makes the tables and the stubs.
 */
#ifndef PHPSAPI_LATE_H
#define PHPSAPI_LATE_H

#include <stdint.h>

struct late_library {
	const char *name; /* what the loader looks for; NULL ends the list */
	const char *file; /* where it was when the program was built, */
	const char *package; /* and in which package of late_system; NULL: unknown */
	/* Calls that were answered before it was open are made now. NULL: done; else why that cannot be. NULL itself: there are none. */
	const char *(*arrived)(void);
};

/* A function or an object of a library, up to one without a name. */
struct late_symbol {
	const char *name;
	int library; /* its place in late_libraries */
};

#pragma GCC visibility push(hidden)

extern const struct late_library late_libraries[];
extern const char late_system[]; /* where the program was built, such as Debian GNU/Linux 12 (bookworm) */
extern const struct late_symbol late_functions[], late_objects[];
extern void *late_function_slots[];
extern void **const late_object_slots[]; /* each is where code reads an object's address */

/* Opens a library and binds what the program refers to in it. NULL: it is open; else the reason why it cannot be used. */
const char *late_open(int library);
/* Opens a library as late_open does. If that fails, late_require does not return. */
void late_require(int library);
/* Names what is called if something of a library is called that cannot be had. It may leave the call by longjmp. If it returns, the process
 * ends with a message and the loader's status. */
void late_when_missing(void (*function)(const char *reason));
/* Opens a library at its first use, if it is where it was when the program was built. NULL: it will be; else as late_open. */
const char *late_promise(int library);
/* Opens all libraries that are used or promised, for processes that are forked from this one. One that cannot be opened is left to the call
 * that needs it. */
void late_open_promised(void);
/* Is to be called after the loader has opened anything: a library may be there now that calls were answered for ahead. */
void late_look(void);
/* PHP has started: what is asked of a library from now on is answered by itself. */
void late_started(void);
int late_is_started(void);

#pragma GCC visibility pop

#endif
