/*
 * Two places on the main thread's stack, so that a process can come from the middle of a PHP script to where its program
 * begins, start the Go runtime there, and go back into the script. The runtime has the upper place, PHP the lower one.
 *
 * Both are on the stack that the kernel gave the process, because Go's runtime and PHP know its bounds and check them: when C
 * below calls Go, the runtime continues below C's frames, and that must be within what it takes for its thread's stack.
 */
#undef _FORTIFY_SOURCE /* its longjmp refuses to go down */
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "boot_stack.h"

#define UPPER (1536UL * 1024) /* bytes for the Go runtime, and what it calls of C */
#define MARGIN (256UL * 1024) /* left at the stack's end */
#define USUAL (8UL << 20)     /* of a stack without a limit */

static jmp_buf above, below;
static void (*function)(void);
static int returned;

static void enter(void)
{
	function();
	returned = 1;
	_longjmp(above, 1);
}

static size_t stack_size(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : USUAL;
}

int stack_is_large(void)
{
	return stack_size() >= 2 * UPPER;
}

int stack_run_below(void (*run)(void))
{
	static ucontext_t lower;
	size_t size = stack_size();
	uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095;

	function = run;
	returned = 0;
	if (_setjmp(above) == 0) {
		getcontext(&lower);
		lower.uc_stack.ss_size = size - UPPER - MARGIN - 128 * 1024; /* what the kernel and the callers have of it is above here */
		lower.uc_stack.ss_sp = (void *)(here - UPPER - lower.uc_stack.ss_size);
		lower.uc_link = NULL;
		makecontext(&lower, enter, 0);
		setcontext(&lower);
	}
	return returned;
}

void stack_leave(void)
{
	if (_setjmp(below) == 0) {
		_longjmp(above, 1);
	}
}

int stack_resume(void)
{
	if (_setjmp(above) == 0) {
		_longjmp(below, 1);
	}
	return returned;
}
