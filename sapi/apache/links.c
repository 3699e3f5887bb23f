/* The connections to workers: each process keeps some to each pool, for the requests that follow. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_time.h>

#include "apache.h"

static void lock(struct apache_pool *pool)
{
	if (pool->lock) {
		apr_thread_mutex_lock(pool->lock);
	}
}

static void unlock(struct apache_pool *pool)
{
	if (pool->lock) {
		apr_thread_mutex_unlock(pool->lock);
	}
}

/* Reports whether it is worth while to try again to connect, which has failed by errno. While all workers are busy connections wait in the
 * backlog, and beyond it here. A service that has ended is started again in a moment, unless it is known to fail. */
static bool is_worth_waiting(apr_time_t waited)
{
	switch (errno) {
	case EINTR:
		return true;
	case EAGAIN:
		return waited < apr_time_from_sec(60);
	case ECONNREFUSED:
	case ENOENT:
		return waited < apr_time_from_sec(APACHE_PATIENCE) && !apache_service_fails();
	default:
		return false;
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	apr_time_t began = 0, waited = 0;

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		return fd;
	}
	strcpy(address.sun_path, path);
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (!is_worth_waiting(waited)) {
			int reason = errno;

			close(fd);
			errno = reason;
			return -1;
		}
		began = began ? began : apr_time_now();
		apr_sleep(waited < apr_time_from_sec(1) ? 10000 : 100000);
		waited = apr_time_now() - began;
	}
	return fd;
}

/* How long a request waits for a connection that is in use. */
enum { PATIENCE = 1000 }; /* microseconds */

/* Waits for a connection that another thread has, if as many requests are with workers as there are processors: one more would wait there,
 * on a connection of its own, which costs more than such a request takes if it is short. If those are long, they may wait for something
 * else than a processor, and nothing is lost by one more. */
static void wait_for_idle(struct apache_pool *pool)
{
	apr_time_t now, until;

	if (!pool->freed || pool->idle || pool->busy < apache_service.processors) {
		return;
	}
	now = apr_time_now();
	until = now + PATIENCE;
	pool->waiting++;
	while (!pool->idle && pool->busy >= apache_service.processors && now < until) {
		apr_thread_cond_timedwait(pool->freed, pool->lock, until - now);
		now = apr_time_now();
	}
	pool->waiting--;
}

static struct apache_link *take_idle(struct apache_pool *pool)
{
	struct apache_link *link;

	lock(pool);
	wait_for_idle(pool);
	link = pool->idle;
	if (link) {
		pool->idle = link->next;
		pool->idle_len--;
	}
	pool->busy++;
	unlock(pool);
	return link;
}

/* Lets another have the place of a request that has ended. link: its connection, if that is kept. */
static void free_place(struct apache_pool *pool, struct apache_link *link)
{
	lock(pool);
	pool->busy--;
	if (link && pool->idle_len < apache_service.most_idle) {
		link->next = pool->idle;
		pool->idle = link;
		pool->idle_len++;
		link = NULL;
	}
	if (pool->waiting > 0) {
		apr_thread_cond_signal(pool->freed);
	}
	unlock(pool);
	if (link) {
		wire_free(&link->wire);
		free(link);
	}
}

struct apache_link *apache_take_link(struct apache_pool *pool)
{
	struct apache_link *link = take_idle(pool);
	int fd;

	if (link) {
		link->is_kept = true;
		return link;
	}
	fd = connect_to(pool->socket);
	link = fd >= 0 ? calloc(1, sizeof(*link)) : NULL;
	if (link) {
		wire_open(&link->wire, fd);
		return link;
	}
	if (fd >= 0) {
		close(fd);
	}
	free_place(pool, NULL);
	return NULL;
}

void apache_give_back(struct apache_pool *pool, struct apache_link *link)
{
	if (link->wire.broken || link->wire.in_at < link->wire.in_len) { /* what a worker says before it is asked is not believed */
		wire_free(&link->wire);
		free(link);
		link = NULL;
	}
	free_place(pool, link);
}
