/* What a zygote's worker has of its zygote (zygote.c). */
#include "engine.h"
#include "worker.h"

struct worker worker;

int engine_is_worker(void)
{
	return worker.forked;
}

const char *engine_worker_payload(size_t *len)
{
	*len = worker.payload_len;
	return worker.payload;
}

int engine_worker_fd(size_t i)
{
	return i < worker.fds_len ? worker.fds[i] : -1;
}
