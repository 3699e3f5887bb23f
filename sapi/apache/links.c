/* The connections to workers: each process keeps some to each pool, for the requests that follow. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_thread_mutex.h>
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

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), tries;

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path)) {
		return fd;
	}
	strcpy(address.sun_path, path);
	/* While all workers are busy connections wait in the backlog, and beyond it here. */
	for (tries = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0; tries++) {
		if ((errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED && errno != ENOENT) || tries >= 600) {
			close(fd);
			return -1;
		}
		apr_sleep(tries < 100 ? 10000 : 100000);
	}
	return fd;
}

/* A connection that is kept, and whose other end is there. */
static struct apache_link *take_idle(struct apache_pool *pool)
{
	struct apache_link *link;

	for (;;) {
		struct pollfd polled;

		lock(pool);
		link = pool->idle;
		if (link) {
			pool->idle = link->next;
			pool->idle_len--;
		}
		unlock(pool);
		if (!link) {
			return NULL;
		}
		polled = (struct pollfd){.fd = link->wire.fd, .events = POLLIN};
		if (poll(&polled, 1, 0) == 0) {
			return link;
		}
		wire_free(&link->wire);
		free(link);
	}
}

struct apache_link *apache_take_link(struct apache_pool *pool)
{
	struct apache_link *link = take_idle(pool);
	int fd;

	if (link) {
		return link;
	}
	fd = connect_to(pool->socket);
	link = fd >= 0 ? calloc(1, sizeof(*link)) : NULL;
	if (link) {
		wire_open(&link->wire, fd);
	} else if (fd >= 0) {
		close(fd);
	}
	return link;
}

void apache_give_back(struct apache_pool *pool, struct apache_link *link)
{
	bool kept = false;

	if (!link->wire.broken) {
		lock(pool);
		if (pool->idle_len < apache_service.most_idle) {
			link->next = pool->idle;
			pool->idle = link;
			pool->idle_len++;
			kept = true;
		}
		unlock(pool);
	}
	if (!kept) {
		wire_free(&link->wire);
		free(link);
	}
}
