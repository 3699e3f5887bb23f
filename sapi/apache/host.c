/* What PHP asks of httpd, in httpd's own process. Counterpart: sapi/apache2handler/sapi_apache2.c, php_functions.c. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>
#include <unixd.h>

#include "apache.h"
#include "engine_timer.h"
#include "engine_host.h"

_Thread_local struct apache_running *apache_running;

/* ---- the response ---- */

static int write_body(const char *text, size_t len)
{
	return ap_rwrite(text, len, apache_running->r) < 0 ? -1 : 0;
}

static int flush(void)
{
	request_rec *r = apache_running->r;

	return ap_rflush(r) < 0 || r->connection->aborted ? -1 : 0;
}

static void change_header(enum engine_httpd_change change, const char *name, const char *value)
{
	request_rec *r = apache_running->r;
	apr_off_t length;

	switch (change) {
	case ENGINE_HTTPD_REMOVE:
		apr_table_unset(r->headers_out, name);
		return;
	case ENGINE_HTTPD_REMOVE_ALL:
		apr_table_clear(r->headers_out);
		return;
	case ENGINE_HTTPD_ADD:
	case ENGINE_HTTPD_REPLACE:
		break;
	}
	if (strcasecmp(name, "content-length") == 0) {
		if (apr_strtoff(&length, value, NULL, 10) != APR_SUCCESS) {
			length = strtol(value, NULL, 10);
		}
		ap_set_content_length(r, length);
	} else if (change == ENGINE_HTTPD_REPLACE) {
		apr_table_set(r->headers_out, name, value);
	} else {
		apr_table_add(r->headers_out, name, value);
	}
}

static void set_status(int status)
{
	apache_running->r->status = status;
}

/* httpd wants a status line without its protocol, and the protocol by itself. */
static void set_head(int status, const char *line, const char *content_type)
{
	request_rec *r = apache_running->r;

	r->status = status;
	if (line && strlen(line) > 12 && strncmp(line, "HTTP/1.", 7) == 0 && line[8] == ' ') {
		r->status_line = apr_pstrdup(r->pool, line + 9);
		r->proto_num = 1000 + (line[7] - '0');
		if (line[7] == '0') {
			apr_table_set(r->subprocess_env, "force-response-1.0", "true");
		}
	}
	ap_set_content_type(r, apr_pstrdup(r->pool, content_type));
}

/* ---- the request ---- */

static size_t read_body(char *to, size_t size)
{
	request_rec *r = apache_running->r;
	apr_bucket_brigade *brigade = apache_running->brigade;
	size_t read = 0;

	while (read < size) {
		apr_size_t len = size - read;

		if (ap_get_brigade(r->input_filters, brigade, AP_MODE_READBYTES, APR_BLOCK_READ, len) != APR_SUCCESS) {
			return 0; /* what came is not the body */
		}
		apr_brigade_flatten(brigade, to + read, &len);
		apr_brigade_cleanup(brigade);
		if (len == 0) {
			break;
		}
		read += len;
	}
	return read;
}

static const char *path(void)
{
	return apache_running->r->uri;
}

static const char *the_request(void)
{
	return apache_running->r->the_request;
}

static const char *user(void)
{
	return apache_running->r->user;
}

static double began(void)
{
	return apache_running->r->request_time / 1000000.0;
}

/* ---- tables ---- */

static request_rec *request_of(bool top)
{
	request_rec *r = apache_running->r;

	while (top && r->prev) {
		r = r->prev;
	}
	return r;
}

static apr_table_t *table_of(enum engine_httpd_table table, bool top)
{
	request_rec *r = request_of(top);

	return table == ENGINE_HTTPD_NOTES ? r->notes : r->subprocess_env;
}

static const char *get(enum engine_httpd_table table, const char *name, bool top)
{
	return apr_table_get(table_of(table, top), name);
}

static void set(enum engine_httpd_table table, const char *name, const char *value, bool top)
{
	apr_table_set(table_of(table, top), name, value);
}

/* ---- lists ---- */

static void list_table(const apr_table_t *table, engine_httpd_use *use, void *to)
{
	const apr_array_header_t *entries = apr_table_elts(table);
	int i;

	for (i = 0; i < entries->nelts; i++) {
		const apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i, apr_table_entry_t);

		use(entry->key, entry->val ? entry->val : "", false, to);
	}
}

/* Their names are those of their files, without what follows the first dot. */
static void list_modules(engine_httpd_use *use, void *to)
{
	int i;

	for (i = 0; ap_loaded_modules[i]; i++) {
		const char *name = ap_loaded_modules[i]->name;

		use(apr_pstrndup(apache_running->r->pool, name, strcspn(name, ".")), "", false, to);
	}
}

static void push_name(const char *name, const char *value, bool is_number, void *names)
{
	APR_ARRAY_PUSH((apr_array_header_t *)names, const char *) = name;
}

static const char *modules(apr_pool_t *p)
{
	apr_array_header_t *names = apr_array_make(p, 64, sizeof(const char *));

	list_modules(push_name, names);
	return apr_array_pstrcat(p, names, ' ');
}

static void list_facts(engine_httpd_use *use, void *to)
{
	apr_pool_t *p = apache_running->r->pool;
	const server_rec *s = apache_running->r->server;
	const char *banner = ap_get_server_banner();
	int most = 0;

	ap_mpm_query(AP_MPMQ_MAX_REQUESTS_DAEMON, &most);
	if (banner && *banner) {
		use("Apache Version", banner, false, to);
	}
	use("Apache API Version", apr_itoa(p, MODULE_MAGIC_NUMBER_MAJOR), false, to);
	if (s->server_admin && *s->server_admin) {
		use("Server Administrator", s->server_admin, false, to);
	}
	use("Hostname:Port", apr_psprintf(p, "%s:%u", s->server_hostname, s->port), false, to);
	use("User/Group", apr_psprintf(p, "%s(%d)/%d", ap_unixd_config.user_name, (int)ap_unixd_config.user_id, (int)ap_unixd_config.group_id),
		false, to);
	use("Max Requests", apr_psprintf(p, "Per Child: %d - Keep Alive: %s - Max Per Connection: %d", most, s->keep_alive ? "on" : "off",
		s->keep_alive_max), false, to);
	use("Timeouts", apr_psprintf(p, "Connection: %" APR_TIME_T_FMT " - Keep-Alive: %" APR_TIME_T_FMT, apr_time_sec(s->timeout),
		apr_time_sec(s->keep_alive_timeout)), false, to);
	use("Virtual Server", s->is_virtual ? "Yes" : "No", false, to);
	use("Server Root", ap_server_root, false, to);
	use("Loaded Modules", modules(p), false, to);
}

static void list(enum engine_httpd_list which, engine_httpd_use *use, void *to)
{
	const request_rec *r = apache_running->r;

	switch (which) {
	case ENGINE_HTTPD_ENVIRONMENT:
		list_table(r->subprocess_env, use, to);
		break;
	case ENGINE_HTTPD_REQUEST_HEADERS:
		list_table(r->headers_in, use, to);
		break;
	case ENGINE_HTTPD_RESPONSE_HEADERS:
		list_table(r->headers_out, use, to);
		break;
	case ENGINE_HTTPD_MODULES:
		list_modules(use, to);
		break;
	case ENGINE_HTTPD_FACTS:
		list_facts(use, to);
		break;
	}
}

static const char *banner(void)
{
	return ap_get_server_banner();
}

/* ---- requests that a script makes to the server itself ---- */

static enum engine_httpd_lookup look_up(const char *path, request_rec **found)
{
	request_rec *r = apache_running->r;

	*found = ap_sub_req_lookup_uri(path, r, r->output_filters);
	if (!*found) {
		return ENGINE_HTTPD_NO_LOOKUP;
	}
	if ((*found)->status != HTTP_OK) {
		ap_destroy_sub_req(*found);
		return ENGINE_HTTPD_ERROR;
	}
	return ENGINE_HTTPD_FOUND;
}

static void tell_number(const char *name, apr_int64_t value, apr_pool_t *p, engine_httpd_use *use, void *to)
{
	use(name, apr_psprintf(p, "%" APR_INT64_T_FMT, value), true, to);
}

static void tell_text(const char *name, const char *value, engine_httpd_use *use, void *to)
{
	if (value) {
		use(name, value, false, to);
	}
}

static enum engine_httpd_lookup lookup(const char *path, engine_httpd_use *use, void *to)
{
	request_rec *found;
	enum engine_httpd_lookup result = look_up(path, &found);

	if (result != ENGINE_HTTPD_FOUND) {
		return result;
	}
#define NUMBER(name, value) tell_number(name, value, found->pool, use, to)
#define TEXT(field) tell_text(#field, found->field, use, to)
	NUMBER("status", found->status);
	TEXT(the_request);
	TEXT(status_line);
	TEXT(method);
	NUMBER("mtime", apr_time_sec(found->mtime));
	NUMBER("clength", found->clength);
	TEXT(range);
	NUMBER("chunked", found->chunked);
	TEXT(content_type);
	TEXT(handler);
	NUMBER("no_cache", found->no_cache);
	NUMBER("no_local_copy", found->no_local_copy);
	TEXT(unparsed_uri);
	TEXT(uri);
	TEXT(filename);
	TEXT(path_info);
	TEXT(args);
	NUMBER("allowed", found->allowed);
	NUMBER("sent_bodyct", found->sent_bodyct);
	NUMBER("bytes_sent", found->bytes_sent);
	NUMBER("mtime", found->mtime); /* mod_php has it twice: what counts is the latter, in microseconds */
	NUMBER("request_time", apr_time_sec(found->request_time));
#undef NUMBER
#undef TEXT
	ap_destroy_sub_req(found);
	return result;
}

static enum engine_httpd_lookup enter(const char *path, void **request)
{
	return look_up(path, (request_rec **)request);
}

/* What httpd has of the response is sent first: mod_include and others write past it. */
static int run(void *request)
{
	ap_rflush(((request_rec *)request)->main);
	return ap_run_sub_req(request);
}

static void leave(void *request)
{
	ap_destroy_sub_req(request);
}

/* ---- the log, and the process ---- */

static int level_of(int priority)
{
	switch (priority) {
	case LOG_EMERG:
		return APLOG_EMERG;
	case LOG_ALERT:
		return APLOG_ALERT;
	case LOG_CRIT:
		return APLOG_CRIT;
	case LOG_WARNING:
		return APLOG_WARNING;
	case LOG_NOTICE:
		return APLOG_NOTICE;
	case LOG_INFO:
		return APLOG_INFO;
	case LOG_DEBUG:
		return APLOG_DEBUG;
	default:
		return APLOG_ERR;
	}
}

static int log_message(int priority, const char *message)
{
	if (apache_running) {
		ap_log_rerror(APLOG_MARK, level_of(priority), 0, apache_running->r, "%s", message);
	} else {
		ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL, "%s", message);
	}
	return 1;
}

static void end_child(void)
{
	apache_running->r->connection->keepalive = AP_CONN_CLOSE;
	apache_running->ends_child = true;
}

static const struct engine_httpd httpd = {
	.list = list,
	.get = get,
	.set = set,
	.banner = banner,
	.path = path,
	.the_request = the_request,
	.user = user,
	.time = began,
	.header = change_header,
	.head = set_head,
	.status = set_status,
	.lookup = lookup,
	.enter = enter,
	.run = run,
	.leave = leave,
	.log = log_message,
	.end_child = end_child,
};

/* ---- what every front end's host has ---- */

static int no(void)
{
	return 0;
}

static int is_forked(int look)
{
	return 0;
}

struct engine_host host = {
	.write = write_body,
	.flush = flush,
	.read_body = read_body,
	.httpd = &httpd,
	.is_worker = no,
	.is_forked = is_forked,
	.has_forked = no,
	.timer_rests = timer_rests,
	.title_init = no,
};
