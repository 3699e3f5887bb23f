/* What a zygote's worker has of its zygote (boot_zygote.c). */
#include "boot.h"
#include "boot_worker.h"

struct worker worker;

int boot_is_worker(void)
{
	return worker.forked;
}

const char *boot_worker_payload(size_t *len)
{
	*len = worker.payload_len;
	return worker.payload;
}

int boot_worker_fd(size_t i)
{
	return i < worker.fds_len ? worker.fds[i] : -1;
}

int boot_is_zygote(void)
{
	return worker.forkable && !worker.forked;
}

const char *boot_worker_module(void)
{
	return worker.module;
}
