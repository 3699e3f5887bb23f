/*
 * What PHP asks of httpd in a worker: it goes over the connection that its request came on (httpd_wire.h). It is C's alone, because the
 * process may be one that a script forked, and because each step is shorter than the way to Go.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "boot_forks.h"
#include "engine_load.h"
#include "httpd_view.h"

struct wire httpd_wire = {.fd = -1};
struct view *httpd_now;
struct httpd_result *httpd_ends;
void (*httpd_include)(struct wire_message *m);

/* ---- what httpd is asked ---- */

static bool may_ask(void)
{
	return httpd_now && !httpd_wire.broken && !forks_is_child(engine_may_have_forked());
}

/* Sends a question and reads its answer. */
static bool ask(struct wire_message *answer)
{
	wire_end(&httpd_wire);
	if (wire_send(&httpd_wire) != 0) {
		return false;
	}
	while (wire_receive(&httpd_wire, answer, -1) == 0) {
		if (answer->kind == WIRE_ANSWER) {
			return true;
		}
		if (answer->kind != WIRE_INCLUDE) {
			httpd_wire.broken = true;
			return false;
		}
		httpd_include(answer);
	}
	return false;
}

static void use_triples(struct wire_message *m, engine_httpd_use *use, void *to)
{
	while (wire_more(m)) {
		const char *name = wire_take_string(m), *value = wire_take_string(m);
		bool is_number = wire_take_number(m) != 0;

		if (!m->damaged && name) {
			use(name, value ? value : "", is_number, to);
		}
	}
}

static void httpd_list(enum engine_httpd_list which, engine_httpd_use *use, void *to)
{
	struct list *known = httpd_now && which == ENGINE_HTTPD_ENVIRONMENT ? &httpd_now->environment
		: httpd_now && which == ENGINE_HTTPD_REQUEST_HEADERS ? &httpd_now->headers : NULL;
	struct wire_message answer;
	size_t i;

	if (known && !known->stale) {
		for (i = 0; i < known->len; i++) {
			use(known->pairs[i].name, known->pairs[i].value, false, to);
		}
	} else if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_LIST);
		wire_number(&httpd_wire, which);
		if (ask(&answer)) {
			use_triples(&answer, use, to);
		}
	}
}

static const char *httpd_get(enum engine_httpd_table table, const char *name, bool top)
{
	static char *kept; /* the answer lives until the next */
	struct wire_message answer;
	const char *value;
	size_t i;

	if (httpd_now && table == ENGINE_HTTPD_ENV && !top && !httpd_now->environment.stale) {
		for (i = 0; i < httpd_now->environment.len; i++) {
			if (strcasecmp(httpd_now->environment.pairs[i].name, name) == 0) {
				return httpd_now->environment.pairs[i].value;
			}
		}
		return NULL;
	}
	if (!may_ask()) {
		return NULL;
	}
	wire_begin(&httpd_wire, WIRE_GET);
	wire_number(&httpd_wire, table);
	wire_string(&httpd_wire, name);
	wire_number(&httpd_wire, top);
	value = ask(&answer) ? wire_take_string(&answer) : NULL;
	free(kept);
	kept = value ? strdup(value) : NULL;
	return kept;
}

static void httpd_set(enum engine_httpd_table table, const char *name, const char *value, bool top)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_SET);
		wire_number(&httpd_wire, table);
		wire_string(&httpd_wire, name);
		wire_string(&httpd_wire, value);
		wire_number(&httpd_wire, top);
		wire_end(&httpd_wire);
		httpd_now->environment.stale |= table == ENGINE_HTTPD_ENV;
	}
}

static const char *httpd_banner(void) { return httpd_now ? httpd_now->banner : NULL; }
static const char *httpd_path(void) { return httpd_now && httpd_now->path ? httpd_now->path : ""; }
static const char *httpd_the_request(void) { return httpd_now && httpd_now->the_request ? httpd_now->the_request : ""; }
static const char *httpd_user(void) { return httpd_now ? httpd_now->user : NULL; }
static double httpd_time(void) { return httpd_now ? httpd_now->time : 0; }

static void httpd_header(enum engine_httpd_change change, const char *name, const char *value)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_HEADER);
		wire_number(&httpd_wire, change);
		wire_string(&httpd_wire, name);
		wire_string(&httpd_wire, value);
		wire_end(&httpd_wire);
	}
}

static void httpd_head(int status, const char *line, const char *content_type)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_HEAD);
		wire_number(&httpd_wire, status);
		wire_string(&httpd_wire, line);
		wire_string(&httpd_wire, content_type);
		wire_end(&httpd_wire);
		if (httpd_ends) {
			httpd_ends->status = status;
		}
	}
}

static void httpd_status(int status)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_STATUS);
		wire_number(&httpd_wire, status);
		wire_end(&httpd_wire);
	}
}

static enum engine_httpd_lookup httpd_lookup(const char *path, engine_httpd_use *use, void *to)
{
	struct wire_message answer;
	enum engine_httpd_lookup result;

	if (!may_ask()) {
		return ENGINE_HTTPD_NO_LOOKUP;
	}
	wire_begin(&httpd_wire, WIRE_LOOKUP);
	wire_string(&httpd_wire, path);
	if (!ask(&answer)) {
		return ENGINE_HTTPD_NO_LOOKUP;
	}
	result = wire_take_number(&answer);
	use_triples(&answer, use, to);
	return result;
}

/* What httpd has found is a number here. */
static enum engine_httpd_lookup httpd_enter(const char *path, void **request)
{
	struct wire_message answer;
	enum engine_httpd_lookup result;

	if (!may_ask()) {
		return ENGINE_HTTPD_NO_LOOKUP;
	}
	wire_begin(&httpd_wire, WIRE_ENTER);
	wire_string(&httpd_wire, path);
	if (!ask(&answer)) {
		return ENGINE_HTTPD_NO_LOOKUP;
	}
	result = wire_take_number(&answer);
	*request = (void *)(intptr_t)wire_take_number(&answer);
	return result;
}

static int httpd_run(void *request)
{
	struct wire_message answer;

	if (!may_ask()) {
		return 1;
	}
	httpd_now->environment.stale = httpd_now->headers.stale = true;
	wire_begin(&httpd_wire, WIRE_RUN);
	wire_number(&httpd_wire, (intptr_t)request);
	return ask(&answer) ? wire_take_number(&answer) : 1;
}

static void httpd_leave(void *request)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_LEAVE);
		wire_number(&httpd_wire, (intptr_t)request);
		wire_end(&httpd_wire);
	}
}

static int httpd_log(int priority, const char *message)
{
	if (may_ask()) {
		wire_begin(&httpd_wire, WIRE_LOG);
		wire_number(&httpd_wire, priority);
		wire_string(&httpd_wire, message);
		wire_end(&httpd_wire);
	}
	return httpd_now != NULL;
}

static void httpd_end_child(void)
{
	if (httpd_ends) {
		httpd_ends->last = true;
	}
}

const struct engine_httpd httpd_over_wire = {
	.is_apart = true,
	.list = httpd_list,
	.get = httpd_get,
	.set = httpd_set,
	.banner = httpd_banner,
	.path = httpd_path,
	.the_request = httpd_the_request,
	.user = httpd_user,
	.time = httpd_time,
	.header = httpd_header,
	.head = httpd_head,
	.status = httpd_status,
	.lookup = httpd_lookup,
	.enter = httpd_enter,
	.run = httpd_run,
	.leave = httpd_leave,
	.log = httpd_log,
	.end_child = httpd_end_child,
};

/* ---- bodies ---- */

/* In a process that a script forked, output goes nowhere, and nobody is gone. */
int httpd_write(const char *text, size_t len)
{
	if (!httpd_now || forks_is_child(engine_may_have_forked())) {
		return 0;
	}
	return wire_output(&httpd_wire, text, len);
}

int httpd_flush(void)
{
	if (!httpd_now || forks_is_child(engine_may_have_forked())) {
		return 0;
	}
	wire_begin(&httpd_wire, WIRE_FLUSH);
	wire_end(&httpd_wire);
	return wire_send(&httpd_wire);
}

size_t httpd_read_body(char *to, size_t size)
{
	struct wire_message answer;
	size_t read = 0;

	while (read < size && may_ask() && httpd_now->may_have_body) {
		size_t want = size - read < WIRE_MOST_READ ? size - read : WIRE_MOST_READ, len = 0;
		const char *text;

		wire_begin(&httpd_wire, WIRE_READ);
		wire_number(&httpd_wire, want);
		text = ask(&answer) ? wire_take_text(&answer, &len) : NULL;
		if (!text || len > want) {
			break;
		}
		memcpy(to + read, text, len);
		read += len;
		if (len < want) {
			break;
		}
	}
	return read;
}
