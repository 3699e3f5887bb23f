/*
 * A thread that watches the present request, while PHP runs on the main one: for how long it takes, and whether its client is there
 * still. It interrupts PHP (engine/web_interrupt.c). The thread is started only if a pool wants one or the other.
 *
 * A request costs no system call: it says when it was accepted, and the thread looks when that request would be due, or its client. A
 * request that begins later is due later. The thread sleeps for good only if it has found no request, and then the next one wakes it:
 *
 *     requests    1 ... 2 ... 3 ... 4               5 (wakes the thread) ...
 *     thread      sleeps until 1 is due: 4 runs     sleeps until 4 is due: none runs, sleeps
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine_load.h"
#include "engine_watch.h"

#define SECOND 1000000000LL

/* FastCGI's records: a header, of which the second byte is the type, then the request's id, the length of what follows, and that of what fills up. */
#define FASTCGI_HEADER 8
#define FASTCGI_ABORT_REQUEST 2
#define FASTCGI_STDIN 5

static int64_t timeout, interval;

/* Of the present request: when it was accepted, 0: there is none; where its client's descriptor stands; its id in FastCGI, 0: it has none. */
static int64_t present;
static int32_t *present_client;
static uint16_t present_id;

static int asleep; /* the thread is, until it is woken */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static void pause_until(int64_t at)
{
	struct timespec t = {at / SECOND, at % SECOND};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {
	}
}

/* Waits until a request runs. */
static int64_t next_request(void)
{
	int64_t accepted;

	for (;;) {
		__atomic_store_n(&asleep, 1, __ATOMIC_SEQ_CST);
		accepted = __atomic_load_n(&present, __ATOMIC_SEQ_CST);
		if (accepted) {
			__atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
			return accepted;
		}
		syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
	}
}

static int is_unix(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* Whether the web server has taken back the request, by FastCGI's ABORT_REQUEST. Before that may come what PHP has not read of the body's end. */
static int is_aborted(int fd, uint16_t id)
{
	unsigned char ahead[256], *at = ahead;
	ssize_t left = id ? recv(fd, ahead, sizeof(ahead), MSG_PEEK | MSG_DONTWAIT) : 0, record;

	while (left >= FASTCGI_HEADER && (at[2] << 8 | at[3]) == id) {
		if (at[1] != FASTCGI_STDIN) {
			return at[1] == FASTCGI_ABORT_REQUEST;
		}
		record = FASTCGI_HEADER + (at[4] << 8 | at[5]) + at[6];
		left -= record;
		at += left > 0 ? record : 0;
	}
	return 0;
}

/* Whether the client of the request that was accepted then has closed its connection, or has taken the request back. Of a TCP connection nobody can tell that from one
 * whose client sends no more but would read: as web servers do, it is taken for closed. A number that was closed meanwhile, and is
 * another file's now, is the present request's client no more. */
static int has_left(int64_t accepted)
{
	int32_t *place = __atomic_load_n(&present_client, __ATOMIC_SEQ_CST);
	int fd = place ? __atomic_load_n(place, __ATOMIC_SEQ_CST) : -1, left;
	uint16_t id = __atomic_load_n(&present_id, __ATOMIC_SEQ_CST);
	struct pollfd polled = {.fd = fd, .events = POLLRDHUP | POLLIN};

	if (fd < 0 || poll(&polled, 1, 0) <= 0 || polled.revents & POLLNVAL) {
		return 0;
	}
	left = polled.revents & (POLLHUP | POLLERR) || (polled.revents & POLLRDHUP && !is_unix(fd)) || is_aborted(fd, id);
	return left && __atomic_load_n(&present_client, __ATOMIC_SEQ_CST) == place && __atomic_load_n(place, __ATOMIC_SEQ_CST) == fd &&
		__atomic_load_n(&present, __ATOMIC_SEQ_CST) == accepted;
}

static void *watch(void *unused)
{
	int64_t timed_out = 0, left = 0; /* the requests that have been interrupted */

	for (;;) {
		int64_t accepted = next_request(), at = now(), wake = INT64_MAX;

		if (timeout && timed_out != accepted && at >= accepted + timeout) {
			timed_out = accepted;
			engine_web_interrupt(accepted, ENGINE_TIMED_OUT);
		}
		if (timeout) { /* of this request, or at the earliest of the next one */
			wake = (timed_out == accepted ? at : accepted) + timeout;
		}
		if (interval && left != accepted && at >= accepted + interval && has_left(accepted)) {
			left = accepted;
			engine_web_interrupt(accepted, ENGINE_CLIENT_LEFT);
		}
		if (interval && at + interval < wake) {
			wake = at + interval;
		}
		pause_until(wake);
	}
	return NULL;
}

int watch_start(int64_t after, int64_t every)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int error;

	timeout = after;
	interval = every;
	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256 << 10);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are PHP's; the C library leaves out its own */
	error = pthread_create(&thread, &attributes, watch, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

void watch_begin(int64_t accepted, int32_t *client, uint16_t id)
{
	__atomic_store_n(&present_id, id, __ATOMIC_SEQ_CST);
	__atomic_store_n(&present_client, client, __ATOMIC_SEQ_CST);
	__atomic_store_n(&present, accepted, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

void watch_forget_client(void)
{
	__atomic_store_n(&present_client, NULL, __ATOMIC_SEQ_CST);
}

void watch_end(void)
{
	__atomic_store_n(&present, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&present_client, NULL, __ATOMIC_SEQ_CST);
}
