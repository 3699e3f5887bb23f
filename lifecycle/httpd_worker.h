/* A worker that answers the requests of httpd's module (httpd_worker.c). */
#ifndef PHPSAPI_HTTPD_WORKER_H
#define PHPSAPI_HTTPD_WORKER_H

#include <stdbool.h>
#include <stdint.h>

/* What of a request others than PHP want to know. */
struct httpd_request {
	const char *method, *uri, *query, *script, *host, *target, *client, *user;
	int64_t content_length;
};

/* What is known when PHP is done with it. */
struct httpd_result {
	int status;
	int64_t memory;
	bool last;   /* this process must not serve another */
	bool stale;
};

/* Once, before the first request. */
void httpd_take_over(void);

/* Reads a request that comes on a connection. 0, or -1: there is none, or it is none of httpd's module of this release. */
int httpd_next(int fd, int patience, struct httpd_request *r);

/* A variable of the request that was read, as httpd has it; NULL: it has none of that name. It is valid until the next is read. */
const char *httpd_variable(const char *name);

/* Gives the script and httpd a variable in place of that; NULL takes it from the script, and empties httpd's. Before httpd_answer. */
void httpd_tell_variable(const char *name, const char *value);

/* Takes the request through PHP. The end of its answer is not sent before httpd_done. */
void httpd_answer(struct httpd_result *result);

/* Ends the answer. closing says that the connection is closed after it. 0, or -1: the connection is of no more use. */
int httpd_done(bool closing);

#endif
