/*
 * PHPSAPIMode pool: a request is answered by a worker of the phpsapi fpm that httpd has started (service.c). What PHP asks of httpd comes
 * on the request's connection, and host.c answers it, as it does in PHPSAPIMode process. lifecycle/httpd_wire.h has the messages.
 *
 * A worker runs other people's scripts, and is not believed: what it names httpd has to have found for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>

#include "apache.h"
#include "engine_host.h"
#include "httpd_wire.h"

enum { MOST_FOUND = 64 };

/* A request that a worker answers. */
struct conversation {
	struct apache_running running;
	struct wire *wire;
	request_rec *found[MOST_FOUND]; /* by virtual(), and not left yet */
	bool runs, reads;               /* the worker waits for virtual(), or for a piece of the body */
	bool has_heard;                 /* the worker has said something */
	bool has_answered;              /* something of the response is httpd's already */
	int result;
};

/* ---- what a worker asks ---- */

static void say_triple(const char *name, const char *value, bool is_number, void *w)
{
	wire_string(w, name);
	wire_string(w, value);
	wire_number(w, is_number);
}

static void answer_read(struct conversation *c, size_t size)
{
	static const char nothing[1];
	char *body = size > 0 && size <= WIRE_MOST_READ ? malloc(size) : NULL;
	size_t len;

	c->reads = true;
	len = body ? host.read_body(body, size) : 0;
	c->reads = false;
	wire_begin(c->wire, WIRE_ANSWER);
	wire_text(c->wire, body ? body : nothing, len);
	free(body);
}

static int put_found(struct conversation *c, request_rec *found)
{
	int i;

	for (i = 0; i < MOST_FOUND; i++) {
		if (!c->found[i]) {
			c->found[i] = found;
			return i;
		}
	}
	return -1;
}

static request_rec **found_at(struct conversation *c, int64_t number)
{
	return number >= 0 && number < MOST_FOUND && c->found[number] ? &c->found[number] : NULL;
}

static void answer_enter(struct conversation *c, const char *path)
{
	void *found = NULL;
	enum engine_httpd_lookup result = path ? host.httpd->enter(path, &found) : ENGINE_HTTPD_NO_LOOKUP;
	int number = result == ENGINE_HTTPD_FOUND ? put_found(c, found) : 0;

	if (number < 0) { /* virtual() within virtual() without an end */
		host.httpd->leave(found);
		result = ENGINE_HTTPD_NO_LOOKUP;
	}
	wire_begin(c->wire, WIRE_ANSWER);
	wire_number(c->wire, result);
	wire_number(c->wire, number);
}

static void answer_run(struct conversation *c, int64_t number)
{
	request_rec **found = found_at(c, number);
	int result = 1;

	if (found) {
		bool ran = c->runs;

		c->runs = true;
		result = host.httpd->run(*found);
		c->runs = ran;
	}
	wire_begin(c->wire, WIRE_ANSWER);
	wire_number(c->wire, result);
}

static void answer_lookup(struct conversation *c, const char *path)
{
	struct wire told = {.fd = -1};
	enum engine_httpd_lookup result = path ? host.httpd->lookup(path, say_triple, &told) : ENGINE_HTTPD_NO_LOOKUP;
	struct wire_message triples = {.at = told.out, .end = told.out + told.out_len};

	wire_begin(c->wire, WIRE_ANSWER);
	wire_number(c->wire, result);
	while (wire_more(&triples)) {
		const char *name = wire_take_string(&triples), *value = wire_take_string(&triples);

		say_triple(name, value, wire_take_number(&triples) != 0, c->wire);
	}
	wire_free(&told);
}

/* Answers a question. */
static void answer(struct conversation *c, struct wire_message *m)
{
	int64_t number;
	const char *name;

	switch (m->kind) {
	case WIRE_LIST:
		number = wire_take_number(m);
		wire_begin(c->wire, WIRE_ANSWER);
		host.httpd->list(number, say_triple, c->wire);
		break;
	case WIRE_GET:
		number = wire_take_number(m);
		name = wire_take_string(m);
		name = name ? host.httpd->get(number, name, wire_take_number(m) != 0) : NULL;
		wire_begin(c->wire, WIRE_ANSWER);
		wire_string(c->wire, name);
		break;
	case WIRE_READ:
		answer_read(c, wire_take_number(m));
		break;
	case WIRE_LOOKUP:
		answer_lookup(c, wire_take_string(m));
		break;
	case WIRE_ENTER:
		answer_enter(c, wire_take_string(m));
		break;
	case WIRE_RUN:
		answer_run(c, wire_take_number(m));
		break;
	default:
		c->wire->broken = true;
		return;
	}
	wire_end(c->wire);
	wire_send(c->wire);
}

/* ---- what a worker says ---- */

static void take_set(struct wire_message *m)
{
	int64_t table = wire_take_number(m);
	const char *name = wire_take_string(m), *value = wire_take_string(m);
	bool top = wire_take_number(m) != 0;

	if (name && value && !m->damaged) {
		host.httpd->set(table, name, value, top);
	}
}

static void take_header(struct wire_message *m)
{
	int64_t change = wire_take_number(m);
	const char *name = wire_take_string(m), *value = wire_take_string(m);

	if (change == ENGINE_HTTPD_REMOVE_ALL || (name && (value || change == ENGINE_HTTPD_REMOVE))) {
		host.httpd->header(change, name, value);
	}
}

static void take_head(struct wire_message *m)
{
	int64_t status = wire_take_number(m);
	const char *line = wire_take_string(m), *type = wire_take_string(m);

	host.httpd->head(status, line, type ? type : "");
}

static void note_memory(request_rec *r, int64_t memory)
{
	if (memory > 0) {
		apr_table_setn(r->notes, "mod_php_memory_usage", apr_psprintf(r->pool, "%" APR_INT64_T_FMT, memory));
	}
}

static void leave(struct conversation *c, int64_t number)
{
	request_rec **found = found_at(c, number);

	if (found) {
		host.httpd->leave(*found);
		*found = NULL;
	}
}

/* Hears a message. false: the client is gone. */
static bool hear(struct conversation *c, struct wire_message *m)
{
	request_rec *r = c->running.r;
	const char *text;
	int64_t number;
	size_t len;

	switch (m->kind) {
	case WIRE_START:
		apache_forget_file(r);
		return true;
	case WIRE_USER:
		r->user = apr_pstrdup(r->pool, wire_take_string(m));
		return true;
	case WIRE_MODIFIED:
		ap_update_mtime(r, r->finfo.mtime);
		ap_set_last_modified(r);
		return true;
	case WIRE_HEADER:
		take_header(m);
		return true;
	case WIRE_HEAD:
		take_head(m);
		return true;
	case WIRE_STATUS:
		host.httpd->status(wire_take_number(m));
		return true;
	case WIRE_OUTPUT:
		c->has_answered = true;
		text = wire_take_text(m, &len);
		return !text || host.write(text, len) == 0;
	case WIRE_FLUSH:
		c->has_answered = true;
		return host.flush() == 0;
	case WIRE_SET:
		take_set(m);
		return true;
	case WIRE_LOG:
		number = wire_take_number(m);
		text = wire_take_string(m);
		host.httpd->log(number, text ? text : "");
		return true;
	case WIRE_LEAVE:
		leave(c, wire_take_number(m));
		return true;
	default:
		answer(c, m);
		return true;
	}
}

enum outcome { ENDED, CLIENT_LEFT, WORKER_LEFT, UNREACHED };

/* Hears what the worker has to say until a message of that kind. */
static enum outcome listen_until(struct conversation *c, uint32_t kind)
{
	struct wire_message m;

	while (wire_receive(c->wire, &m, -1) == 0) {
		c->has_heard = true;
		if (m.kind == kind) {
			c->result = wire_take_number(&m);
			note_memory(c->running.r, wire_take_number(&m));
			if (kind == WIRE_END && wire_take_number(&m) != 0) {
				c->wire->broken = true; /* it is closed */
			}
			return m.damaged ? WORKER_LEFT : ENDED;
		}
		if (!hear(c, &m)) {
			c->wire->broken = true; /* by which the worker is told */
			return CLIENT_LEFT;
		}
	}
	return WORKER_LEFT;
}

static int status_of(int result)
{
	return result == WIRE_OK ? OK : result == WIRE_DECLINED ? DECLINED : ap_is_HTTP_VALID_RESPONSE(result) ? result : HTTP_INTERNAL_SERVER_ERROR;
}

/* ---- a request ---- */

/* The worker is gone: what is not sent yet becomes an answer that says so, and what is sent ends as a broken one. */
static int broken(struct conversation *c, request_rec *r)
{
	apr_bucket_brigade *brigade = c->running.brigade;

	ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "mod_phpsapi: the worker that executed %s has ended within the request", r->filename);
	if (!c->has_answered) {
		apr_table_clear(r->headers_out);
		return HTTP_BAD_GATEWAY;
	}
	r->connection->keepalive = AP_CONN_CLOSE;
	apr_brigade_cleanup(brigade);
	APR_BRIGADE_INSERT_TAIL(brigade, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool, r->connection->bucket_alloc));
	APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(r->connection->bucket_alloc));
	ap_pass_brigade(r->output_filters, brigade);
	return OK;
}

/* Has a worker answer on a connection, and takes what it says until the end. */
static enum outcome converse(struct conversation *c, enum apache_kind kind, struct wire *wire)
{
	c->wire = wire;
	apache_say_request(wire, c->running.r, kind, false);
	return wire_send(wire) == 0 ? listen_until(c, WIRE_END) : WORKER_LEFT;
}

/* Says why no worker can be reached, and the way out. */
static void say_unreached(request_rec *r, const struct apache_pool *pool)
{
	int reason = errno;
	const char *failure = apache_service_failure(r->pool);

	if (failure) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "mod_phpsapi: the phpsapi fpm of httpd does not run: %s", failure);
	} else if (reason == ECONNREFUSED || reason == ENOENT) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, reason, r, "mod_phpsapi: the phpsapi fpm of httpd does not run, and was not started again within %d seconds: nothing listens on %s; httpd's error log says what has become of it",
			APACHE_PATIENCE, pool->socket);
	} else if (reason == EAGAIN) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, reason, r, "mod_phpsapi: all workers of pool %s are busy, and so are the places where requests wait for them; PHPSAPIPool pm.max_children allows more workers", pool->name);
	} else {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, reason, r, "mod_phpsapi: no worker of pool %s can be reached on %s", pool->name, pool->socket);
	}
}

/* Reports whether another worker may have the request: this one is gone, and has not read it. That a kept connection was closed before is usual. One that
 * is new has waited for a worker of a service that has ended. */
static bool may_try_again(const struct conversation *c, const struct apache_link *link, apr_time_t began)
{
	return link->wire.unread && !c->has_heard && (link->is_kept || apr_time_now() - began < apr_time_from_sec(APACHE_PATIENCE));
}

static enum outcome find_worker(struct conversation *c, enum apache_kind kind, struct apache_pool *pool)
{
	apr_time_t began = apr_time_now();

	for (;;) {
		struct apache_link *link = apache_take_link(pool);
		enum outcome outcome;
		bool again;

		if (!link) {
			say_unreached(c->running.r, pool);
			return UNREACHED;
		}
		outcome = converse(c, kind, &link->wire);
		again = outcome == WORKER_LEFT && may_try_again(c, link, began);
		apache_give_back(pool, link);
		if (c->has_heard) {
			apache_service_answers();
		}
		if (!again) {
			return outcome;
		}
	}
}

static int answer_whole(request_rec *r, enum apache_kind kind, struct apache_pool *pool)
{
	struct conversation c = {.running = {.r = r, .outer = apache_running}};
	enum outcome outcome;
	int status = OK, i;

	apache_add_variables(r);
	c.running.brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
	apache_running = &c.running;
	outcome = find_worker(&c, kind, pool);
	for (i = 0; i < MOST_FOUND; i++) {
		leave(&c, i);
	}
	c.running.has_ended = true;
	switch (outcome) {
	case UNREACHED:
		status = HTTP_SERVICE_UNAVAILABLE;
		break;
	case WORKER_LEFT:
		status = broken(&c, r);
		break;
	case CLIENT_LEFT:
		r->connection->aborted = 1;
		break;
	case ENDED:
		status = status_of(c.result);
		if (status == OK) {
			apache_send_end(r, c.running.brigade);
		}
		break;
	}
	apache_running = c.running.outer;
	return status;
}

/* virtual(): the worker that waits for it executes the other file. */
static int answer_within(request_rec *r, enum apache_kind kind, struct conversation *c)
{
	request_rec *outer = c->running.r;
	bool ran = c->runs, read = c->reads;
	enum outcome outcome;

	apache_add_variables(r);
	c->running.r = r;
	c->runs = c->reads = false;
	apache_say_request(c->wire, r, kind, true);
	wire_send(c->wire);
	outcome = listen_until(c, WIRE_INCLUDED);
	c->running.r = outer;
	c->runs = ran;
	c->reads = read;
	if (outcome == CLIENT_LEFT) {
		r->connection->aborted = 1;
	}
	return outcome == ENDED ? status_of(c->result) : HTTP_BAD_GATEWAY;
}

/* A setting that httpd's module has, for the request's directory. */
static bool setting_of(const struct apache_directory *d, const char *name, bool otherwise)
{
	const struct engine_httpd_value *v = apache_value_of(d, name);

	return v ? apache_is_on(v->value) : otherwise;
}

/* Whether the worker waits for the request's end, and is the one to answer it: within virtual(), and if a body is too long, whose ErrorDocument
 * mod_php executes within the script that wanted it. */
static bool is_within(const struct conversation *c)
{
	return c && !c->running.has_ended && (c->runs || (c->reads && c->running.r->status == HTTP_REQUEST_ENTITY_TOO_LARGE));
}

/* What an output filter includes while a script is executed is a request of its own here: its worker does not wait for it. */
int apache_in_pool(request_rec *r, enum apache_kind kind)
{
	struct apache_server *s = ap_get_module_config(r->server->module_config, apache_module);
	struct conversation *c = (struct conversation *)apache_running;
	const struct apache_directory *d = apache_directory_of(r);
	int status = apache_decide(r, kind, setting_of(d, "engine", apache_service.engine), setting_of(d, "xbithack", apache_service.xbithack));

	if (status != OK) {
		return status;
	}
	if (is_within(c)) {
		return answer_within(r, kind, c);
	}
	return answer_whole(r, kind, s->pool);
}
