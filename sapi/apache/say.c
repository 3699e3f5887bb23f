/* A request as a worker is told of it: lifecycle/httpd_wire.h has the message, and httpd_worker.c reads it. */
#include <http_core.h>
#include <util_filter.h>

#include "apache.h"
#include "httpd_wire.h"

static int count_of(const apr_table_t *table)
{
	return apr_table_elts(table)->nelts;
}

static int say_pair(void *w, const char *name, const char *value)
{
	wire_string(w, name);
	wire_string(w, value ? value : "");
	return 1;
}

static void say_table(struct wire *w, const apr_table_t *table)
{
	wire_number(w, count_of(table));
	apr_table_do(say_pair, w, table, NULL);
}

static void say_values(struct wire *w, const struct apache_directory *d)
{
	const struct engine_httpd_value *values = (const struct engine_httpd_value *)d->values->elts;
	int i;

	wire_number(w, d->values->nelts);
	for (i = 0; i < d->values->nelts; i++) {
		wire_text(w, values[i].name, values[i].name_len);
		wire_text(w, values[i].value, values[i].value_len);
		wire_number(w, values[i].admin);
		wire_number(w, values[i].htaccess);
	}
}

/* The names of the settings that some directory has for itself: opcache must not put their values into code that all share. */
static void say_varying(struct wire *w)
{
	int i;

	wire_number(w, apache_options.admin_values->nelts);
	for (i = 0; i < apache_options.admin_values->nelts; i++) {
		wire_string(w, APR_ARRAY_IDX(apache_options.admin_values, i, const char *));
	}
}

/* Reports whether reading the request's body may yield something, or have an effect. PHP reads on to the end of every body: a worker that asked
 * for one that is not there would wait for httpd twice in each request. */
static bool may_have_body(const request_rec *r)
{
	while (r->main) {
		r = r->main;
	}
	return r->proto_num >= HTTP_VERSION(2, 0) || r->input_filters != r->proto_input_filters ||
		apr_table_get(r->headers_in, "Content-Length") || apr_table_get(r->headers_in, "Transfer-Encoding");
}

void apache_say_request(struct wire *w, request_rec *r, enum apache_kind kind, bool within)
{
	struct engine_request request;

	apache_fill_request(&request, r);
	wire_begin(w, within ? WIRE_INCLUDE : WIRE_REQUEST);
	wire_number(w, WIRE_VERSION);
	wire_number(w, kind == APACHE_SOURCE ? WIRE_SOURCE : kind == APACHE_MAY_BE ? WIRE_MAY_BE : WIRE_SCRIPT);
	wire_number(w, may_have_body(r));
	wire_number(w, request.status);
	wire_number(w, request.protocol);
	wire_number(w, request.content_length);
	wire_number(w, r->request_time);
	wire_string(w, request.method);
	wire_string(w, request.query_string);
	wire_text(w, request.uri, request.uri_len);
	wire_text(w, request.script, request.script_len);
	wire_string(w, request.content_type);
	wire_string(w, request.cookie);
	wire_string(w, request.authorization);
	wire_string(w, r->the_request);
	wire_string(w, r->user);
	wire_string(w, ap_get_server_banner());
	if (!within) {
		say_varying(w);
		wire_string(w, r->hostname);
		wire_string(w, r->unparsed_uri);
		wire_string(w, r->useragent_ip);
	}
	say_values(w, apache_directory_of(r));
	say_table(w, r->subprocess_env);
	say_table(w, r->headers_in);
	wire_end(w);
}
