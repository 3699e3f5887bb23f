/*
 * What httpd's module (sapi/apache/pool.c) and a worker (httpd_worker.c) say to each other about a request, on a unix socket that is
 * kept. Both are on one machine, so numbers are as it has them.
 *
 *    httpd                                 worker
 *      HELLO              ------------->    once, when the service has started
 *                         <-------------   ANSWER
 *      REQUEST            ------------->
 *                         <-------------   START
 *                         <-------------   HEADER, HEAD, OUTPUT, SET, LOG ...   which have no answer
 *                         <-------------   LIST, GET, READ, LOOKUP, ENTER       which have one
 *      ANSWER             ------------->
 *                         <-------------   RUN          virtual(): httpd answers a request of its own meanwhile,
 *      INCLUDE            ------------->                if another script does that, the worker is told so
 *                         <-------------   ... INCLUDED
 *      ANSWER             ------------->
 *                         <-------------   END
 *
 * A message is the length of what follows, its kind, and numbers and texts. The worker's messages wait in its buffer until one has an
 * answer, the script wants to flush, or the buffer is full.
 */
#ifndef PHPSAPI_HTTPD_WIRE_H
#define PHPSAPI_HTTPD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Module and program may be of different releases, and must not talk then. */
#define WIRE_VERSION 2

enum wire_kind {
	WIRE_REQUEST = 0x70680001, /* struct wire_request tells what it has */
	WIRE_INCLUDE,              /* as REQUEST */
	WIRE_ANSWER,
	WIRE_HELLO, /* answer: PHP's version, and php.ini's engine, xbithack and expose_php */

	WIRE_START,    /* PHP takes the request */
	WIRE_USER,     /* who the client says to be; NULL: nobody */
	WIRE_MODIFIED, /* the response is as old as its script */
	WIRE_HEADER,   /* which change, name, value */
	WIRE_HEAD,     /* status, status line, type */
	WIRE_STATUS,   /* status */
	WIRE_OUTPUT,   /* a piece of the response's body; it is httpd's as it was PHP's */
	WIRE_FLUSH,
	WIRE_SET,      /* which table, name, value, whether of the top */
	WIRE_LOG,      /* priority, text */
	WIRE_LEAVE,    /* the number of what ENTER found, and is not needed any more */
	WIRE_END,      /* result, peak of the memory or 0, whether the connection is closed now */

	WIRE_LIST,     /* which; answer: triples of name, value and whether it is a number */
	WIRE_GET,      /* which table, name, whether of the top; answer: the value */
	WIRE_READ,     /* how much of the body; answer: that much, or less if it ends */
	WIRE_LOOKUP,   /* path; answer: a result, and triples */
	WIRE_ENTER,    /* path; answer: a result, and the number of what was found */
	WIRE_RUN,      /* that number; answer: a result */
	WIRE_INCLUDED, /* result, peak of the memory or 0 */
};

/* How much of a body READ may ask for. */
enum { WIRE_MOST_READ = 1 << 20 };

/* Results of END and INCLUDED; others are HTTP's statuses. */
enum { WIRE_OK = 0, WIRE_DECLINED = -1 };

/* How the file of a request is executed: the kinds of apache.h. */
enum wire_how { WIRE_SCRIPT = 1, WIRE_SOURCE, WIRE_MAY_BE };

/* One end of a connection. */
struct wire {
	int fd;      /* -1: there is none, or the other end is gone */
	bool broken;
	bool unread; /* the other end is gone, and has not read all of what was sent last */
	char *out;
	size_t out_len, out_size, begun; /* begun: where the message that is being written begins */
	char *in;
	size_t in_at, in_len, in_size;
};

/* A message that has come. It is valid until the next is read. */
struct wire_message {
	uint32_t kind;
	const char *at, *end;
	bool damaged;
};

void wire_open(struct wire *w, int fd); /* keeps the memory that w has, which is zero at first */
void wire_close(struct wire *w);
void wire_free(struct wire *w);

/* Writing. */
void wire_begin(struct wire *w, enum wire_kind kind);
void wire_number(struct wire *w, int64_t number);
void wire_text(struct wire *w, const char *text, size_t len);
void wire_string(struct wire *w, const char *text); /* NULL too */
void wire_end(struct wire *w);
int wire_send(struct wire *w);                      /* all that waits: 0, or -1: the other end is gone, and unread is set */
int wire_output(struct wire *w, const char *text, size_t len); /* OUTPUT, which is sent if there is much */

/* Reading. patience is how long a message may take to come, in milliseconds; -1: for ever. 0, or -1. */
int wire_receive(struct wire *w, struct wire_message *m, int patience);
int64_t wire_take_number(struct wire_message *m);
const char *wire_take_text(struct wire_message *m, size_t *len); /* a NUL follows; NULL: it is absent */
const char *wire_take_string(struct wire_message *m);
bool wire_more(const struct wire_message *m);

#endif
