/* The worker that this process is, or will fork (boot_worker.c). */
#ifndef PHPSAPI_WORKER_H
#define PHPSAPI_WORKER_H

#include <stddef.h>

#define WORKER_FDS 64

struct worker {
	const char *module; /* the name of PHP's module */
	int monitored; /* the Go runtime has its monitor */
	int forked;    /* this process is one */
	int forkable;  /* it has, or had, its zygote's Go runtime */
	char *payload;
	size_t payload_len;
	int fds[WORKER_FDS];
	size_t fds_len;
};

extern struct worker worker;

#endif
