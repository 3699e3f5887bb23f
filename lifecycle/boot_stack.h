/* Two places on the main thread's stack (boot_stack.c). */
#ifndef PHPSAPI_STACK_H
#define PHPSAPI_STACK_H

/* Whether the stack is large enough for two. */
int stack_is_large(void);

/* Runs a function far below the caller's frames. Returns 1 when it has returned, 0 when it has called stack_leave: then the
 * caller's place is free to return from, as far up as it likes. */
int stack_run_below(void (*run)(void));

/* Goes from below to where stack_run_below, or stack_resume, was called last. Returns when stack_resume is called. */
void stack_leave(void);

/* Goes on below. Returns as stack_run_below does. */
int stack_resume(void);

#endif
