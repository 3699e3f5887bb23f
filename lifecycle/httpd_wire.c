/* The messages between httpd and a worker: how they are written and read. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "httpd_wire.h"

/* Of a worker's output as much waits before it is sent, and a piece is no larger: httpd has all of a message in memory. */
enum { ENOUGH = 32 << 10, LARGEST_PIECE = 128 << 10, HEAD = 8, ABSENT = -1, LARGEST = 16 << 20 };

void wire_open(struct wire *w, int fd)
{
	w->fd = fd;
	w->broken = w->unread = false;
	w->out_len = w->begun = w->in_at = w->in_len = 0;
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0) {
		close(w->fd);
	}
	w->fd = -1;
	w->broken = true;
}

void wire_free(struct wire *w)
{
	wire_close(w);
	free(w->out);
	free(w->in);
	memset(w, 0, sizeof(*w));
	w->fd = -1;
}

/* ---- writing ---- */

static char *room(struct wire *w, size_t len)
{
	if (w->out_size - w->out_len < len) {
		size_t size = w->out_size ? w->out_size : 4096;
		char *memory;

		while (size - w->out_len < len) {
			size *= 2;
		}
		memory = realloc(w->out, size);
		if (!memory) {
			abort();
		}
		w->out = memory;
		w->out_size = size;
	}
	w->out_len += len;
	return w->out + w->out_len - len;
}

void wire_begin(struct wire *w, enum wire_kind kind)
{
	uint32_t k = kind;

	w->begun = w->out_len;
	memcpy(room(w, HEAD) + 4, &k, sizeof(k));
}

void wire_number(struct wire *w, int64_t number)
{
	memcpy(room(w, sizeof(number)), &number, sizeof(number));
}

void wire_text(struct wire *w, const char *text, size_t len)
{
	char *to;

	wire_number(w, len);
	to = room(w, len + 1);
	memcpy(to, text, len);
	to[len] = '\0';
}

void wire_string(struct wire *w, const char *text)
{
	if (text) {
		wire_text(w, text, strlen(text));
	} else {
		wire_number(w, ABSENT);
	}
}

void wire_end(struct wire *w)
{
	uint32_t len = w->out_len - w->begun - HEAD;

	memcpy(w->out + w->begun, &len, sizeof(len));
}

static int send_all(struct wire *w, struct iovec *pieces, int n)
{
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = n};

	while (message.msg_iovlen > 0) {
		ssize_t sent = w->fd < 0 || w->broken ? -1 : sendmsg(w->fd, &message, MSG_NOSIGNAL);

		if (sent < 0) {
			if (w->fd >= 0 && !w->broken && errno == EINTR) {
				continue;
			}
			w->broken = w->unread = true;
			return -1;
		}
		while (message.msg_iovlen > 0 && (size_t)sent >= message.msg_iov->iov_len) {
			sent -= message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen > 0) {
			message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + sent;
			message.msg_iov->iov_len -= sent;
		}
	}
	return 0;
}

int wire_send(struct wire *w)
{
	struct iovec piece = {w->out, w->out_len};
	int result = w->out_len > 0 ? send_all(w, &piece, 1) : w->broken ? -1 : 0;

	w->out_len = 0;
	return result;
}

int wire_output(struct wire *w, const char *text, size_t len)
{
	int64_t length = len;
	uint32_t size = sizeof(length) + len + 1;

	if (w->broken) {
		return -1;
	}
	if (w->out_len + len < ENOUGH) {
		wire_begin(w, WIRE_OUTPUT);
		wire_text(w, text, len);
		wire_end(w);
		return 0;
	}
	while (len > LARGEST_PIECE) {
		if (wire_output(w, text, LARGEST_PIECE) != 0) {
			return -1;
		}
		text += LARGEST_PIECE;
		len -= LARGEST_PIECE;
	}
	length = len;
	size = sizeof(length) + len + 1;
	wire_begin(w, WIRE_OUTPUT);
	memcpy(w->out + w->begun, &size, sizeof(size));
	wire_number(w, length);
	struct iovec pieces[] = {{w->out, w->out_len}, {(char *)text, len}, {"", 1}};
	w->out_len = 0;
	return send_all(w, pieces, 3);
}

/* ---- reading ---- */

static int wait_for(struct wire *w, int patience)
{
	struct pollfd polled = {.fd = w->fd, .events = POLLIN};
	int n;

	do {
		n = poll(&polled, 1, patience);
	} while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -1;
}

/* Reads until there are as many bytes as that. */
static int fill(struct wire *w, size_t want, int patience)
{
	if (w->in_at > 0 && w->in_at == w->in_len) {
		w->in_at = w->in_len = 0;
	}
	if (w->in_size < w->in_at + want) {
		size_t size = w->in_size ? w->in_size : 32 << 10;

		memmove(w->in, w->in + w->in_at, w->in_len - w->in_at);
		w->in_len -= w->in_at;
		w->in_at = 0;
		while (size < want) {
			size *= 2;
		}
		if (size > w->in_size) {
			char *memory = realloc(w->in, size);

			if (!memory) {
				abort();
			}
			w->in = memory;
			w->in_size = size;
		}
	}
	while (w->in_len - w->in_at < want) {
		ssize_t n;

		if (w->fd < 0 || w->broken) {
			w->broken = true;
			return -1;
		}
		n = recv(w->fd, w->in + w->in_len, w->in_size - w->in_len, patience >= 0 ? MSG_DONTWAIT : 0);
		if (n < 0 && (errno == EINTR || (errno == EAGAIN && patience >= 0 && wait_for(w, patience) == 0))) {
			continue;
		}
		if (n <= 0) {
			w->broken = true;
			w->unread = n < 0 && errno == ECONNRESET && w->in_len == w->in_at;
			return -1;
		}
		w->in_len += n;
	}
	return 0;
}

int wire_receive(struct wire *w, struct wire_message *m, int patience)
{
	uint32_t len;

	if (w->in_size == 0 || w->in_len - w->in_at < HEAD) {
		if (fill(w, HEAD, patience) != 0) {
			return -1;
		}
	}
	memcpy(&len, w->in + w->in_at, sizeof(len));
	if (len > LARGEST || fill(w, HEAD + len, patience) != 0) {
		w->broken = true;
		return -1;
	}
	memcpy(&m->kind, w->in + w->in_at + 4, sizeof(m->kind));
	m->at = w->in + w->in_at + HEAD;
	m->end = m->at + len;
	m->damaged = false;
	w->in_at += HEAD + len;
	return 0;
}

int64_t wire_take_number(struct wire_message *m)
{
	int64_t number = 0;

	if (m->end - m->at < (ptrdiff_t)sizeof(number)) {
		m->damaged = true;
		m->at = m->end;
		return 0;
	}
	memcpy(&number, m->at, sizeof(number));
	m->at += sizeof(number);
	return number;
}

const char *wire_take_text(struct wire_message *m, size_t *len)
{
	int64_t size = wire_take_number(m);
	const char *text = m->at;

	*len = 0;
	if (m->damaged || size == ABSENT) {
		return NULL;
	}
	if (size < 0 || size >= m->end - m->at || text[size] != '\0') {
		m->damaged = true;
		m->at = m->end;
		return NULL;
	}
	m->at += size + 1;
	*len = size;
	return text;
}

const char *wire_take_string(struct wire_message *m)
{
	size_t len;

	return wire_take_text(m, &len);
}

bool wire_more(const struct wire_message *m)
{
	return !m->damaged && m->at < m->end;
}
