/* The watch over the present request (engine_watch.c). */
#ifndef PHPSAPI_ENGINE_WATCH_H
#define PHPSAPI_ENGINE_WATCH_H

#include <stdint.h>

/* Starts the thread, once, in a process that answers requests. A request is interrupted when it has taken so long, and its client is
 * looked for so often, both in nanoseconds; 0: never. It returns 0 or an errno. */
int watch_start(int64_t timeout, int64_t interval);

/* The present request begins, which was accepted then. client is where its connection's descriptor stands, -1 as soon as there is none
 * any more; NULL: its client is not looked for. id is the request's in FastCGI; 0: it has none. */
void watch_begin(int64_t accepted, int32_t *client, uint16_t id);

/* Its client is not looked for any more. */
void watch_forget_client(void);

/* Its script has ended. */
void watch_end(void);

#endif
