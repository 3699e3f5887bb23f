/*
 * A worker of httpd's module: a request that comes on a connection, from its message to the end of its answer. What PHP asks of httpd
 * meanwhile is httpd_ask.c's.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine_host.h"
#include "engine_load.h"
#include "httpd_view.h"

static struct view first; /* the request that came on the connection */
static struct {
	int result;
	int64_t memory;
} end;

/* How many variables the worker may add to a request, and their values. */
enum { MOST_TOLD = 8 };
static char *told[MOST_TOLD];
static int told_len;

/* ---- a request ---- */

static void *grown(void *memory, size_t *had, size_t want)
{
	if (*had < want) {
		memory = realloc(memory, want);
		if (!memory) {
			abort();
		}
		*had = want;
	}
	return memory;
}

static void take_pairs(struct wire_message *m, struct list *list)
{
	int64_t len = wire_take_number(m);

	list->len = 0;
	list->stale = false;
	free(list->pairs);
	list->pairs = len > 0 && len < m->end - m->at ? calloc(len + MOST_TOLD, sizeof(*list->pairs)) : NULL;
	for (; list->pairs && len > 0 && !m->damaged; len--) {
		struct pair *p = &list->pairs[list->len];

		p->name = wire_take_string(m);
		p->value = wire_take_string(m);
		if (p->name && p->value) {
			list->len++;
		}
	}
}

static void take_values(struct wire_message *m, struct view *v)
{
	int64_t len = wire_take_number(m);

	v->values_len = 0;
	free(v->values);
	v->values = len > 0 && len < m->end - m->at ? calloc(len, sizeof(*v->values)) : NULL;
	for (; v->values && len > 0 && !m->damaged; len--) {
		struct engine_httpd_value *value = &v->values[v->values_len];

		value->name = wire_take_text(m, &value->name_len);
		value->value = wire_take_text(m, &value->value_len);
		value->admin = wire_take_number(m) != 0;
		value->htaccess = wire_take_number(m) != 0;
		if (value->name && value->value) {
			v->values_len++;
		}
	}
}

/* Names of settings. They are told to the engine if they are others than those of the request before. */
static void take_varying(struct wire_message *m)
{
	static char *known;
	static size_t known_len;
	const char *begin = m->at;
	int64_t len = wire_take_number(m), i;
	bool is_known;

	for (i = 0; i < len && !m->damaged; i++) {
		wire_take_string(m);
	}
	is_known = known && known_len == (size_t)(m->at - begin) && memcmp(known, begin, known_len) == 0;
	if (m->damaged || is_known) {
		return;
	}
	free(known);
	known_len = 0;
	known = grown(NULL, &known_len, m->at - begin);
	memcpy(known, begin, known_len);
	m->at = begin;
	for (len = wire_take_number(m); len > 0; len--) {
		const char *name = wire_take_string(m);

		if (name) {
			engine_httpd_varies(name);
		}
	}
}

/* Reads a request into memory of its own: other messages follow it. r is NULL, or gets what is for others. */
static int take(struct wire_message *came, struct view *v, struct httpd_request *others)
{
	struct wire_message m = *came;
	struct engine_request *r = &v->request;
	size_t len;

	v->memory = grown(v->memory, &v->size, came->end - came->at);
	memcpy(v->memory, came->at, came->end - came->at);
	m.at = v->memory;
	m.end = v->memory + (came->end - came->at);
	memset(r, 0, sizeof(*r));
	if (wire_take_number(&m) != WIRE_VERSION) {
		return -1;
	}
	v->how = wire_take_number(&m);
	v->may_have_body = wire_take_number(&m) != 0;
	r->status = wire_take_number(&m);
	r->protocol = wire_take_number(&m);
	r->content_length = wire_take_number(&m);
	v->time = wire_take_number(&m) / 1000000.0;
	r->method = wire_take_string(&m);
	r->query_string = wire_take_string(&m);
	r->uri = v->path = wire_take_text(&m, &r->uri_len);
	r->script = wire_take_text(&m, &len);
	r->script_len = len;
	r->content_type = wire_take_string(&m);
	r->cookie = wire_take_string(&m);
	r->authorization = wire_take_string(&m);
	v->the_request = wire_take_string(&m);
	v->user = wire_take_string(&m);
	v->banner = wire_take_string(&m);
	if (others) {
		take_varying(&m);
		*others = (struct httpd_request){.method = r->method, .uri = r->uri, .query = r->query_string, .script = r->script, .user = v->user,
			.content_length = r->content_length};
		others->host = wire_take_string(&m);
		others->target = wire_take_string(&m);
		others->client = wire_take_string(&m);
	}
	take_values(&m, v);
	take_pairs(&m, &v->environment);
	take_pairs(&m, &v->headers);
	return m.damaged || !r->method || !r->uri || !r->script ? -1 : 0;
}

static void release(struct view *v)
{
	free(v->memory);
	free(v->values);
	free(v->environment.pairs);
	free(v->headers.pairs);
}

static int is_on(const char *setting)
{
	const char *value = engine_setting_text(setting);

	return value && (strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 || atoi(value) != 0);
}

static void answer_hello(void)
{
	wire_begin(&httpd_wire, WIRE_ANSWER);
	wire_number(&httpd_wire, WIRE_VERSION);
	wire_string(&httpd_wire, engine_version());
	wire_number(&httpd_wire, engine_httpd_settings()->engine);
	wire_number(&httpd_wire, engine_httpd_settings()->xbithack);
	wire_number(&httpd_wire, is_on("expose_php"));
	wire_end(&httpd_wire);
	wire_send(&httpd_wire);
}

/* ---- variables ---- */

static struct pair *find_variable(const char *name)
{
	struct list *l = &first.environment;
	size_t i;

	for (i = 0; i < l->len; i++) {
		if (strcasecmp(l->pairs[i].name, name) == 0) {
			return &l->pairs[i];
		}
	}
	return NULL;
}

const char *httpd_variable(const char *name)
{
	const struct pair *p = find_variable(name);

	return p ? p->value : NULL;
}

/* name lives as long as the program. */
void httpd_tell_variable(const char *name, const char *value)
{
	struct list *l = &first.environment;
	struct pair *p = find_variable(name);

	wire_begin(&httpd_wire, WIRE_SET);
	wire_number(&httpd_wire, ENGINE_HTTPD_ENV);
	wire_string(&httpd_wire, name);
	wire_string(&httpd_wire, value ? value : "");
	wire_number(&httpd_wire, false);
	wire_end(&httpd_wire);
	if (!value && p) {
		*p = l->pairs[--l->len];
	}
	if (!value || !l->pairs || told_len == MOST_TOLD) {
		return;
	}
	told[told_len] = strdup(value);
	if (!told[told_len]) {
		abort();
	}
	if (!p) {
		p = &l->pairs[l->len++];
		p->name = name;
	}
	p->value = told[told_len++];
}

static void forget_told(void)
{
	while (told_len > 0) {
		free(told[--told_len]);
	}
}

/* ---- the request of a connection ---- */

int httpd_next(int fd, int patience, struct httpd_request *r)
{
	struct wire_message m = {0};

	forget_told();
	if (httpd_wire.fd != fd || httpd_wire.broken) {
		wire_open(&httpd_wire, fd);
	}
	if (wire_receive(&httpd_wire, &m, patience) == 0 && m.kind == WIRE_HELLO) {
		answer_hello();
	}
	if (m.kind != WIRE_REQUEST || take(&m, &first, r) != 0) {
		httpd_wire.fd = -1; /* it is closed by its owner */
		httpd_wire.broken = true;
		return -1;
	}
	return 0;
}

/* Whether PHP is to answer the request: WIRE_OK, or its result. The settings of the directory have been applied. */
static int check(const struct view *v)
{
	const struct engine_httpd_settings *settings = engine_httpd_settings();

	if (v->how == WIRE_MAY_BE && !settings->xbithack) {
		return WIRE_DECLINED;
	}
	return settings->engine ? WIRE_OK : WIRE_DECLINED;
}

static void say(enum wire_kind kind)
{
	wire_begin(&httpd_wire, kind);
	wire_end(&httpd_wire);
}

static int begin(struct view *v)
{
	say(WIRE_START);
	if (engine_httpd_startup(&v->request) != 0) {
		return -1;
	}
	wire_begin(&httpd_wire, WIRE_USER);
	wire_string(&httpd_wire, v->request.auth_user);
	wire_end(&httpd_wire);
	return 0;
}

/* Reports whether httpd's note of the memory is to be set: not if an error has ended the script, or its source was shown. */
static int execute(const struct view *v, enum engine_httpd_script how)
{
	if (engine_httpd_settings()->last_modified) {
		say(WIRE_MODIFIED);
	}
	if (v->how == WIRE_SOURCE) {
		engine_httpd_execute(v->request.script, ENGINE_HTTPD_HIGHLIGHTED);
		return 0;
	}
	return engine_httpd_execute(v->request.script, how);
}

void httpd_answer(struct httpd_result *result)
{
	struct view *v = &first;
	int shows_memory = 0;

	*result = (struct httpd_result){.status = 200};
	httpd_ends = result;
	httpd_now = v;
	v->outer = NULL;
	if (v->may_have_body || v->values_len > 0) { /* their paths count from the worker's own directory */
		engine_web_go_home();
	}
	engine_httpd_apply(v->values, v->values_len);
	end.result = check(v);
	if (end.result == WIRE_OK) {
		if (begin(v) == 0) {
			shows_memory = execute(v, ENGINE_HTTPD_PRIMARY);
			result->memory = v->request.memory;
			if (v->may_have_body) {
				engine_web_go_home();
			}
		}
		engine_httpd_shutdown();
		result->last |= v->request.last || v->request.stale;
	} else {
		engine_httpd_take_back();
		result->status = end.result == WIRE_DECLINED ? 0 : end.result;
	}
	end.memory = shows_memory ? result->memory : 0;
	httpd_now = NULL;
	httpd_ends = NULL;
}

int httpd_done(bool closing)
{
	int result;

	wire_begin(&httpd_wire, WIRE_END);
	wire_number(&httpd_wire, end.result);
	wire_number(&httpd_wire, end.memory);
	wire_number(&httpd_wire, closing);
	wire_end(&httpd_wire);
	result = wire_send(&httpd_wire);
	if (result != 0 || closing || httpd_wire.in_at < httpd_wire.in_len) { /* nothing comes before the next request is asked for */
		httpd_wire.fd = -1;
		httpd_wire.broken = true;
		return -1;
	}
	return 0;
}

/* A request within the present one: a script that virtual() leads to. */
static void include(struct wire_message *m)
{
	struct view inner = {.outer = httpd_now};
	int result = WIRE_DECLINED, shows_memory = 0;

	if (take(m, &inner, NULL) != 0) {
		httpd_wire.broken = true;
	} else {
		httpd_now = &inner;
		engine_httpd_apply(inner.values, inner.values_len);
		result = check(&inner);
		if (result == WIRE_OK) {
			shows_memory = execute(&inner, ENGINE_HTTPD_INCLUDED);
		} else {
			engine_httpd_take_these_back(inner.values, inner.values_len);
		}
		httpd_now = inner.outer;
	}
	wire_begin(&httpd_wire, WIRE_INCLUDED);
	wire_number(&httpd_wire, result);
	wire_number(&httpd_wire, shows_memory ? first.request.memory : 0);
	wire_end(&httpd_wire);
	wire_send(&httpd_wire);
	release(&inner);
}

void httpd_take_over(void)
{
	httpd_include = include;
	host.write = httpd_write;
	host.flush = httpd_flush;
	host.read_body = httpd_read_body;
}
