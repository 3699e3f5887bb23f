/*
 * The processes that scripts fork: by pcntl_fork, by FFI, by whatever calls fork(2). Such a child has no Go runtime, since
 * Go's other threads did not survive the fork: it runs what is left of its request in C, and ends. What is the parent's own
 * it gives up at once, because it may live for hours: a listening socket that it kept would stay bound after the service's
 * end, and the clients in its backlog would wait for ever.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "boot_forks.h"
#include "boot_process.h"

#define MOST 128 /* descriptors that are given up */

static int forked;
static int has_forked;
static int32_t given_up[MOST]; /* -1: none */
static size_t given_up_len;

int forks_seen(void)
{
	int seen = has_forked;

	has_forked = 0;
	return seen;
}

/* A standard descriptor that was closed would become whatever is opened next. */
static void give_up(int fd)
{
	int null = fd < 3 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

	if (null < 0) {
		close(fd);
		return;
	}
	dup2(null, fd);
	close(null);
}

static void in_child(void)
{
	size_t i;

	forked = 1;
	quit_in_child();
	crash_in_child();
	for (i = 0; i < given_up_len; i++) {
		if (given_up[i] >= 0) {
			give_up(given_up[i]);
		}
	}
}

int forks_is_child(int look)
{
	if (!forked && look && getpid() != process_at_exec.pid) {
		in_child();
	}
	return forked;
}

static void in_parent(void)
{
	has_forked = 1;
	quit_after_fork();
}

void forks_watch(void)
{
	static int watching;

	forked = 0;
	if (!watching) {
		watching = pthread_atfork(quit_before_fork, in_parent, in_child) == 0;
	}
}

int32_t *boot_given_up_in_forks(size_t n)
{
	int32_t *cells = given_up + given_up_len;
	size_t i;

	if (n > MOST - given_up_len) {
		abort();
	}
	for (i = 0; i < n; i++) {
		cells[i] = -1;
	}
	given_up_len += n;
	return cells;
}
