/*
 * The answer to a request that takes too long. Its worker is ended by SIGTERM in the middle of it, and PHP answers no more. If nothing of a
 * FastCGI response was sent, the handler of the signal (boot_crash.c) sends a whole one, so that the web server has a status, and not a
 * connection that is closed, after which it may ask the next server for the same. A response of which a part was sent is not ended: a web
 * server would take END_REQUEST for the end of all of it.
 *
 * The thread that writes responses and the handler, which may be on another, take the descriptor from each other. The one that has it
 * writes, and the other does not.
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "boot.h"
#include "boot_overdue.h"

#define SECOND 1000000000LL
#define FAREWELL (SECOND / 5) /* for the client to close the connection: what it sends meanwhile would reset it */

#define ANSWER \
	"Status: 504 Gateway Timeout\r\n" \
	"Content-type: text/plain; charset=utf-8\r\n" \
	"\r\n" \
	"The request has taken too long.\n"

/* FastCGI's records: version, type, the request's id, the length of what follows, that of what fills up, and a byte that is not used. */
#define HEADER 8
#define STDOUT 6
#define END_REQUEST 3
#define END_LENGTH 8
#define LENGTH (sizeof(ANSWER) - 1)
#define PADDING ((8 - LENGTH % 8) % 8)

static struct boot_overdue request = {.fd = -1};

struct boot_overdue *boot_overdue_request(void)
{
	return &request;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static unsigned char *add_header(unsigned char *to, unsigned char type, size_t length, size_t padding)
{
	const unsigned char header[HEADER] = {1, type, request.id >> 8, request.id & 0xff, length >> 8, length & 0xff, padding, 0};

	memcpy(to, header, HEADER);
	return to + HEADER;
}

static void await_close(int fd)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char unread[4096];
	int64_t until = now() + FAREWELL, left;

	while ((left = until - now()) > 0 && poll(&polled, 1, left / 1000000 + 1) > 0 && recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0) {
	}
}

void overdue_answer(void)
{
	unsigned char message[HEADER + LENGTH + PADDING + HEADER + END_LENGTH] = {0}, *end;
	int fd = __atomic_exchange_n(&request.fd, -1, __ATOMIC_SEQ_CST);

	if (fd < 0 || now() < request.due) {
		return;
	}
	end = add_header(message, STDOUT, LENGTH, PADDING);
	memcpy(end, ANSWER, LENGTH);
	add_header(end + LENGTH + PADDING, END_REQUEST, END_LENGTH, 0);
	if (send(fd, message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(message)) {
		return;
	}
	__atomic_store_n(request.sent, request.answered, __ATOMIC_RELEASE);
	shutdown(fd, SHUT_WR); /* a connection that is kept, too: nobody is there for another request */
	await_close(fd);
}
