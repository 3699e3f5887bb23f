/*
 * PHPSAPIMode process: PHP in httpd's own process. It is started in the parent, and its children, which the MPM prefork forks, answer
 * requests. A restart of httpd's, graceful or not, ends PHP in the parent and starts it again, with a php.ini that was read again.
 * Counterpart: sapi/apache2handler/sapi_apache2.c.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <mpm_common.h>
#include <util_filter.h>
#include <util_script.h>

#include "apache.h"
#include "engine_load.h"
#include "engine_timer.h"
#include "replace.h"
#include "start.h"

/* ---- PHP's start and end ---- */

/* Where the PHP is that is meant; NULL: nowhere. */
static const char *find_engine(void)
{
	char *argv[] = {"httpd", NULL};
	struct start_call call = {.argc = 1, .argv = argv};
	const char *found;

	if (apache_options.engine) {
		return start_named_engine(apache_options.engine);
	}
	found = start_find_engine(&call);
	return found ? found : start_newest_engine();
}

/* Says why a libphp cannot be used, and the way out. */
static void say_refusal(enum engine_load_result result, const char *path, const struct engine_refusal *refusal)
{
	const char *reason = refusal->detail;

	switch (result) {
	case ENGINE_LOADED:
	case ENGINE_NOT_OPENED:
		break;
	case ENGINE_NOT_PHP:
		reason = "it is neither a libphp nor an engine";
		break;
	case ENGINE_OTHER_BUILD:
		reason = "no engine inside is for that PHP: build the module with its headers installed, make apache";
		break;
	case ENGINE_OTHER_LAYOUT:
	case ENGINE_LACKS_SYMBOL:
		reason = "it is too old or too new for the engine inside: build the module with its headers installed, make apache";
		break;
	case ENGINE_OTHER_CONTRACT:
		reason = "the engine is of another phpsapi: build it again from the sources of this one";
		break;
	case ENGINE_NOT_A_FILE:
		reason = "it is not a file";
		break;
	case ENGINE_CUT_OFF:
	case ENGINE_LOST_END:
		reason = "the file is cut off: install it again";
		break;
	case ENGINE_HAS_PHP:
		reason = "the module has a PHP inside, and loads no other";
		break;
	}
	ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL, "mod_phpsapi: %s: %s (%s). PHPSAPIEngine names another PHP", path, reason,
		refusal->detail);
}

/*
 * The file of the PHP that is in the process already, if it is another one than that of path; else NULL. It is that of the configuration
 * before, which cannot always be unloaded, as some of its extensions hold it. A second one beside it would take its functions for its own.
 */
static const char *loaded_before(const char *path)
{
	void *there = dlsym(RTLD_DEFAULT, "php_module_startup");
	struct stat present, wanted;
	Dl_info where;

	if (!there || !dladdr(there, &where) || stat(where.dli_fname, &present) != 0 || stat(path, &wanted) != 0 ||
		(present.st_dev == wanted.st_dev && present.st_ino == wanted.st_ino)) {
		return NULL;
	}
	return where.dli_fname;
}

static int load(void)
{
	static struct engine_refusal refusal;
	const char *path = find_engine(), *other = path ? loaded_before(path) : NULL;
	enum engine_load_result result;

	if (!path && apache_options.engine) {
		ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
			"mod_phpsapi: PHPSAPIEngine %s: there is no libphp of that version, or the module was built without its headers (Debian: apt-get install "
			"libphp%s-embed php%s-dev, and make apache)", apache_options.engine, apache_options.engine, apache_options.engine);
		return 0;
	}
	if (!path) {
		ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
			"mod_phpsapi: there is no libphp of a version that the module was built for; Debian has it in libphp8.2-embed. PHPSAPIEngine names the file of one");
		return 0;
	}
	if (other) {
		ap_log_error(APLOG_MARK, APLOG_ERR | APLOG_STARTUP, 0, NULL,
			"mod_phpsapi: %s has to wait until httpd is stopped and started: %s is in the process since before the restart, and keeps serving", path, other);
		path = other;
	}
	result = engine_load(path, RTLD_NOW, &refusal);
	if (result != ENGINE_LOADED) {
		say_refusal(result, path, &refusal);
		return 0;
	}
	return 1;
}

static pid_t parent; /* in which PHP was started */

static apr_status_t end_php(void *unused)
{
	if (getpid() == parent) {
		engine_module_shutdown();
		engine_unload();
	}
	return APR_SUCCESS;
}

static void tell_admin_values(void)
{
	int i;

	for (i = 0; i < apache_options.admin_values->nelts; i++) {
		engine_httpd_varies(APR_ARRAY_IDX(apache_options.admin_values, i, const char *));
	}
}

int apache_start_process(apr_pool_t *p, server_rec *s)
{
	static struct engine_module php;
	struct start_options options = {.ini_override = apache_options.ini_dir};

	if (!load()) {
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	php = (struct engine_module){
		.front_end = ENGINE_APACHE,
		.name = "apache2handler",
		.pretty_name = engine_number(engine->php_version) >= 8004 ? "Apache 2 Handler" : "Apache 2.0 Handler",
		.binary = "",
		.ini_entries = "",
		.without_pcntl = 1,
	};
	start_locate_ini(&php, &options);
	if (engine_module_startup(&php) != 0) {
		ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL, "mod_phpsapi: PHP could not be started");
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	tell_admin_values();
	parent = getpid();
	apr_pool_cleanup_register(p, NULL, end_php, apr_pool_cleanup_null);
	if (apache_is_on(engine_setting_text("expose_php"))) {
		ap_add_version_component(p, apr_pstrcat(p, "PHP/", engine_version(), NULL));
	}
	return OK;
}

/* SIGTERM ends a child wherever it is: PHP is not to be shut down within a request. */
static apr_status_t end_child(void *unused)
{
	if (!apache_running) {
		engine_module_shutdown();
	}
	return APR_SUCCESS;
}

/* Has the timer of max_execution_time run on from request to request. Where httpd is one process alone (httpd -X) a restart may unload this
 * module and leave PHP in the process: nothing of PHP's may call it then. */
static void share_timer(void)
{
	static const struct replacement replacements[] = {
		{"setitimer", (void (*)(void))timer_setitimer},
		{"sigaction", (void (*)(void))timer_sigaction},
		{"sigprocmask", (void (*)(void))timer_sigprocmask},
	};

	if (getpid() != parent && apache_replace(replacements, sizeof(replacements) / sizeof(replacements[0]))) {
		timer_lasts();
	}
}

void apache_child_of_process(apr_pool_t *p, server_rec *s)
{
	engine_httpd_child();
	share_timer();
	apr_pool_cleanup_register(p, NULL, end_child, apr_pool_cleanup_null);
}

/* ---- a request ---- */

static const struct engine_httpd_value *values_of(const struct apache_directory *d)
{
	return (const struct engine_httpd_value *)d->values->elts;
}

/* The variables of CGI, unless the request has those of the one within which it was made. */
void apache_add_variables(request_rec *r)
{
	if (!r->main || r->subprocess_env != r->main->subprocess_env) {
		ap_add_common_vars(r);
		ap_add_cgi_vars(r);
	}
}

static void execute(request_rec *r, enum apache_kind kind, enum engine_httpd_script how, const struct engine_request *request)
{
	if (engine_httpd_settings()->last_modified) {
		ap_update_mtime(r, r->finfo.mtime);
		ap_set_last_modified(r);
	}
	if (kind == APACHE_SOURCE) {
		engine_httpd_execute(r->filename, ENGINE_HTTPD_HIGHLIGHTED);
	} else if (engine_httpd_execute(r->filename, how)) {
		apr_table_setn(r->notes, "mod_php_memory_usage", apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, request->memory));
	}
}

/*
 * httpd meets an error while PHP reads a request's body, and its ErrorDocument is a script: PHP, which is in the middle of the other
 * request, cannot answer a second one. mod_php dies of it, but for a body that is too long, where it executes the one script within the
 * other: that is so here, too. In all other cases httpd sends its own page.
 */
static bool is_error_within(const request_rec *r)
{
	int status = apache_running->r->status;

	return strcmp(r->protocol, "INCLUDED") != 0 && status != HTTP_OK && status != HTTP_REQUEST_ENTITY_TOO_LARGE;
}

void apache_fill_request(struct engine_request *request, request_rec *r)
{
	const char *length = apr_table_get(r->headers_in, "Content-Length");

	*request = (struct engine_request){
		.method = r->method,
		.query_string = r->args,
		.content_type = apr_table_get(r->headers_in, "Content-Type"),
		.cookie = apr_table_get(r->headers_in, "Cookie"),
		.authorization = apr_table_get(r->headers_in, "Authorization"),
		.uri = r->uri,
		.uri_len = strlen(r->uri),
		.script = r->filename,
		.script_len = strlen(r->filename),
		.content_length = length ? apr_atoi64(length) : 0,
		.protocol = r->proto_num,
		.status = r->status ? r->status : HTTP_OK,
	};
}

/* What httpd has set for a file is not the script's. */
void apache_forget_file(request_rec *r)
{
	r->no_local_copy = 1;
	apr_table_unset(r->headers_out, "Content-Length");
	apr_table_unset(r->headers_out, "Last-Modified");
	apr_table_unset(r->headers_out, "Expires");
	apr_table_unset(r->headers_out, "ETag");
}

void apache_send_end(request_rec *r, apr_bucket_brigade *brigade)
{
	apr_brigade_cleanup(brigade);
	APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(r->connection->bucket_alloc));
	ap_pass_brigade(r->output_filters, brigade);
	apr_brigade_cleanup(brigade);
}

static void answer_whole(struct apache_running *running, enum apache_kind kind)
{
	request_rec *r = running->r;

	apache_add_variables(r);
	running->brigade = apr_brigade_create(r->pool, r->connection->bucket_alloc);
	apache_fill_request(&running->request, r);
	apache_forget_file(r);
	if (engine_httpd_startup(&running->request) == 0) {
		r->user = apr_pstrdup(r->pool, running->request.auth_user);
		execute(r, kind, ENGINE_HTTPD_PRIMARY, &running->request);
	}
	engine_httpd_shutdown();
	running->has_ended = true;
	apache_send_end(r, running->brigade);
	if (running->ends_child) {
		kill(getpid(), AP_SIG_GRACEFUL);
	}
}

/* A request of its own, from the settings of its directory on. */
static int answer(request_rec *r, enum apache_kind kind)
{
	const struct apache_directory *d = apache_directory_of(r);
	struct apache_running running = {.r = r, .outer = apache_running};
	int status;

	apache_running = &running;
	engine_httpd_apply(values_of(d), d->values->nelts);
	status = apache_decide(r, kind, engine_httpd_settings()->engine, engine_httpd_settings()->xbithack);
	if (status == OK) {
		answer_whole(&running, kind);
	} else {
		engine_httpd_take_back();
	}
	apache_running = running.outer;
	return status;
}

/* virtual(), or what an output filter includes while a script is executed: the script's request continues in the other file. */
static int answer_within(request_rec *r, enum apache_kind kind)
{
	const struct apache_directory *d = apache_directory_of(r);
	request_rec *outer = apache_running->r;
	int status;

	apache_running->r = r;
	engine_httpd_apply(values_of(d), d->values->nelts);
	status = apache_decide(r, kind, engine_httpd_settings()->engine, engine_httpd_settings()->xbithack);
	if (status == OK) {
		apache_add_variables(r);
		execute(r, kind, ENGINE_HTTPD_INCLUDED, &apache_running->request);
	} else {
		engine_httpd_take_these_back(values_of(d), d->values->nelts);
	}
	apache_running->r = outer;
	return status;
}

int apache_in_process(request_rec *r, enum apache_kind kind)
{
	if (!apache_running || apache_running->has_ended) {
		return answer(r, kind);
	}
	if (is_error_within(r)) {
		ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "mod_phpsapi: ErrorDocument %s: PHP is still reading the request that failed, and cannot execute it", r->uri);
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	return answer_within(r, kind);
}
