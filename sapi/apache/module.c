/* What httpd knows of the module. Counterpart: sapi/apache2handler/mod_php.c, sapi_apache2.c. */
#include <ap_mpm.h>
#include <http_core.h>
#include <mpm_common.h>

#include "apache.h"

static bool is_pool(void)
{
	return apache_options.mode == APACHE_POOL;
}

/* ---- the configuration ---- */

static int forget_options(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp)
{
	apache_forget_options(p);
	return OK;
}

/* The name of another module that is PHP, or this one by its other name; NULL: there is none. */
static const char *other_php(void)
{
	static const char *const names[] = {"mod_php.c", "mod_php7.c", "mod_php5.c", "mod_phpsapi.c"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const module *found = ap_find_linked_module(names[i]);

		if (found && found != apache_module) {
			return names[i];
		}
	}
	return NULL;
}

/* PHP has one request at a time in a process, and a process has one PHP. */
static int check_config(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
	int threads = AP_MPMQ_NOT_SUPPORTED;

	if (other_php()) {
		ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
			"mod_phpsapi: %s is loaded, too, and both are PHP. Take one of them out of the configuration (mod_php in Debian: a2dismod php8.2, or the like)", other_php());
		return HTTP_INTERNAL_SERVER_ERROR;
	}
	ap_mpm_query(AP_MPMQ_IS_THREADED, &threads);
	if (threads == AP_MPMQ_NOT_SUPPORTED || is_pool()) {
		return OK;
	}
	ap_log_error(APLOG_MARK, APLOG_CRIT | APLOG_STARTUP, 0, NULL,
		"mod_phpsapi: the MPM %s has threads, and PHP is built without. Either leave PHP its processes, by `PHPSAPIMode pool` in the "
		"configuration, or load the MPM prefork instead (Debian: a2dismod mpm_%s && a2enmod mpm_prefork)", ap_show_mpm(), ap_show_mpm());
	return HTTP_INTERNAL_SERVER_ERROR;
}

/* When httpd starts it reads its configuration twice, and loads its modules again. The first time is for nothing but to see whether it
 * is right. */
static int start(apr_pool_t *p, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
	if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
		return OK;
	}
	return is_pool() ? apache_start_pool(p, s) : apache_start_process(p, s);
}

static void start_child(apr_pool_t *p, server_rec *s)
{
	if (is_pool()) {
		apache_child_of_pool(p, s);
	} else {
		apache_child_of_process(p, s);
	}
}

static int watch(apr_pool_t *p, server_rec *s)
{
	if (is_pool()) {
		apache_watch_pool(p);
	}
	return DECLINED;
}

/* ---- a request ---- */

static int answer(request_rec *r)
{
	enum apache_kind kind = apache_kind_of(r);

	if (kind == APACHE_NOT_PHP) {
		return DECLINED;
	}
	return is_pool() ? apache_in_pool(r, kind) : apache_in_process(r, kind);
}

/* ---- the module ---- */

static void register_hooks(void)
{
	ap_hook_pre_config(forget_options, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_post_config(start, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_monitor(watch, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_child_init(start_child, NULL, NULL, APR_HOOK_MIDDLE);
	ap_hook_handler(answer, NULL, NULL, APR_HOOK_MIDDLE);
}

#define EXPORTED __attribute__((visibility("default")))

/*
 * The module has two names. LoadModule phpsapi_module is its own. LoadModule php_module makes it stand for mod_php in all that asks
 * for that by its name: <IfModule mod_php.c> and <IfModule php_module> in a configuration or an .htaccess file, LogLevel php:info,
 * lines of the error log that begin with [php:error].
 */
extern module phpsapi_module, php_module;

static void register_as_phpsapi(apr_pool_t *p)
{
	apache_module = &phpsapi_module;
	register_hooks();
}

static void register_as_php(apr_pool_t *p)
{
	apache_module = &php_module;
	register_hooks();
}

#define MODULE(file, register_it) \
	{ \
		MODULE_MAGIC_NUMBER_MAJOR, MODULE_MAGIC_NUMBER_MINOR, -1, file, NULL, NULL, MODULE_MAGIC_COOKIE, NULL, \
			apache_create_directory, apache_merge_directories, apache_create_server, apache_merge_servers, apache_directives, \
			register_it, 0 \
	}

EXPORTED module phpsapi_module = MODULE("mod_phpsapi.c", register_as_phpsapi);
EXPORTED module php_module = MODULE("mod_php.c", register_as_php);
