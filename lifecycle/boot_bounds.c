/*
 * The bounds of the main thread's stack.
 *
 * Go asks the C library for them when it starts, which reads all of /proc/self/maps for that: in a worker, with PHP's extensions and
 * their libraries, six hundred lines. A worker has the stack of its zygote, which finds the bounds before it forks. As with
 * pthread_create (boot_newthread.c), the program defines what the runtime calls.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "boot_bounds.h"

typedef int getattr_function(pthread_t, pthread_attr_t *);

static struct {
	int found;
	pthread_t thread;
	void *low;
	size_t size;
} bounds;

static int ask_libc(pthread_t thread, pthread_attr_t *attr)
{
	getattr_function *libc = (getattr_function *)dlsym(RTLD_NEXT, "pthread_getattr_np");

	return libc ? libc(thread, attr) : ENOSYS;
}

/* What the runtime calls. Hidden: libraries call the C library's. */
__attribute__((visibility("hidden"))) int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	if (bounds.found && pthread_equal(thread, bounds.thread)) {
		int result = pthread_attr_init(attr);
		return result == 0 ? pthread_attr_setstack(attr, bounds.low, bounds.size) : result;
	}
	return ask_libc(thread, attr);
}

void bounds_find(void)
{
	pthread_attr_t attr;

	if (bounds.found || ask_libc(pthread_self(), &attr) != 0) {
		return;
	}
	bounds.thread = pthread_self();
	bounds.found = pthread_attr_getstack(&attr, &bounds.low, &bounds.size) == 0;
	pthread_attr_destroy(&attr);
}
