/* Samples of PHP's stack, taken on another thread (engine_sample.c). */
#ifndef PHPSAPI_ENGINE_SAMPLE_H
#define PHPSAPI_ENGINE_SAMPLE_H

#include <stdint.h>

#include "engine.h"

/* Sleeps until a time of CLOCK_MONOTONIC in nanoseconds. */
void sample_sleep(int64_t until);

/* Says that the thread is about to sleep until it is woken. Then it looks once more whether there is something to do, and if not it sleeps, but not longer than until that
 * time. */
void sample_doze(void);
void sample_asleep(int64_t until);

/* Wakes the thread, if it dozes. Another thread calls it when there is something to do. */
void sample_wake(void);

/* Before and after all samples. 0: the stack cannot be read, for lack of descriptors say. */
int sample_begin(void);
void sample_end(void);

/* Reads PHP's stack while PHP runs. It is for one thread, which must have called engine_stack_ask before. 0: PHP has called a function, or returned from one, meanwhile,
 * or has begun to write its stack down. */
int sample_read(struct engine_sample *s);

/* Reads len bytes at an address that may be bad, unless PHP itself has copied them there. 0: they cannot be read. */
int sample_text(char *to, uint64_t at, uint64_t len, int copied);

#endif
