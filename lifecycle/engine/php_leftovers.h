/* What a request changes of its process (php_leftovers.c). */
#ifndef PHPSAPI_LEFTOVERS_H
#define PHPSAPI_LEFTOVERS_H

/* Replaces the functions that can change the process, as many as there are by now. */
void leftovers_watch(void);
void leftovers_watch_more(void); /* if they were replaced: those of extensions that were started since */

/* Whether a script has named a function that is called when headers are sent, since this was set to 0. */
extern int has_header_callback;

/* Puts the process back to what it was before the request that has been shut down. 0: that cannot be done, or a child of the
 * request's is left, and the process should not serve another. */
int leftovers_clear(int has_forked);

/* Takes the process for what it is to be: by what a worker script has done before its first request. */
void leftovers_accept(void);

/* Whether this is a process that a script forked: it has no Go runtime, and the connection is its parent's. */
int is_forked(void);

#endif
