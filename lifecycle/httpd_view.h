/* A request that a worker has from httpd's module, and what httpd is asked about it (httpd_ask.c). */
#ifndef PHPSAPI_HTTPD_VIEW_H
#define PHPSAPI_HTTPD_VIEW_H

#include "engine.h"
#include "httpd_wire.h"
#include "httpd_worker.h"

struct pair {
	const char *name, *value;
};

struct list {
	struct pair *pairs;
	size_t len;
	bool stale; /* httpd's may be another by now */
};

/* A request: the one that came on the connection, or one within it, by virtual(). */
struct view {
	struct view *outer;
	char *memory;
	size_t size;
	enum wire_how how;
	int may_have_body; /* 0: httpd is not asked for one */
	const char *path, *the_request, *user, *banner;
	double time;
	struct list environment, headers;
	struct engine_httpd_value *values;
	size_t values_len;
	struct engine_request request;
};

extern struct wire httpd_wire;           /* the connection of the present request */
extern struct view *httpd_now;           /* the present request; NULL between requests */
extern struct httpd_result *httpd_ends;  /* what becomes known of it */
extern void (*httpd_include)(struct wire_message *m); /* takes a request within it, which httpd sends in place of an answer */

extern const struct engine_httpd httpd_over_wire;

int httpd_write(const char *text, size_t len);
int httpd_flush(void);
size_t httpd_read_body(char *to, size_t size);

#endif
