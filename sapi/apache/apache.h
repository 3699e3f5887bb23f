/*
 * mod_phpsapi: PHP as a module of Apache's httpd.
 *
 *   module.c       what httpd knows of the module: hooks, and the handler, which passes a request on
 *   directives.c   the directives, what a directory has of PHP's settings, and how directories are merged
 *   script.c       which requests are for PHP
 *   process.c      PHPSAPIMode process: PHP in httpd's own process, as mod_php has it
 *   host.c         what PHP asks of httpd there
 *   pool.c         PHPSAPIMode pool: a request that a worker of a phpsapi fpm answers
 *   say.c          what it is told of the request
 *   links.c        the connections to the workers
 *   service.c      that fpm: httpd starts, watches and stops it
 *   health.c       what httpd's children know of it
 *
 * The engine is that of lifecycle/engine, and is found and loaded by lifecycle's code. This directory includes httpd's headers and no
 * PHP's, and lifecycle the other way round.
 */
#ifndef PHPSAPI_APACHE_H
#define PHPSAPI_APACHE_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "engine.h"
#include "httpd_wire.h"

/* ---- directives.c ---- */

/* The module, by the name that LoadModule gave it: phpsapi_module or php_module. Lines of the error log are its own. */
extern module *apache_module;

#undef APLOG_MODULE_INDEX
#define APLOG_MODULE_INDEX (apache_module->module_index)

enum apache_mode { APACHE_PROCESS, APACHE_POOL };

/* What holds for the whole of httpd. */
struct apache_options {
	enum apache_mode mode; /* PHPSAPIMode */
	const char *engine;    /* PHPSAPIEngine: a version, or a file; NULL: the machine's PHP */
	const char *ini_dir;   /* PHPINIDir, absolute; NULL: that of the distribution */
	apr_array_header_t *admin_values; /* the names of all settings that a php_admin_value or php_admin_flag is for */
	const char *program;   /* PHPSAPIProgram, absolute; NULL: where phpsapi is installed */
	const apr_array_header_t *pool_settings; /* PHPSAPIPool: lines of php-fpm.conf for each pool; NULL: none */
};

extern struct apache_options apache_options;

/* Forgets the options of the configuration before. */
void apache_forget_options(apr_pool_t *p);

/* What the server or a virtual host says for itself. */
struct apache_server {
	const char *user, *group; /* PHPSAPIUser; NULL: httpd's own */
	struct apache_pool *pool; /* the pool that runs its scripts; NULL: there is none, or httpd has not started yet */
};

/* What a directory says of PHP's settings, in the order in which they were named first. */
struct apache_directory {
	apr_array_header_t *values; /* of struct engine_httpd_value */
};

void *apache_create_directory(apr_pool_t *p, char *path);
void *apache_merge_directories(apr_pool_t *p, void *above, void *below);
void *apache_create_server(apr_pool_t *p, server_rec *s);
void *apache_merge_servers(apr_pool_t *p, void *above, void *below);
extern const command_rec apache_directives[];

/* What the request's directory says. */
const struct apache_directory *apache_directory_of(const request_rec *r);

/* The value of a setting there; NULL: it does not say. */
const struct engine_httpd_value *apache_value_of(const struct apache_directory *d, const char *name);

/* Reports whether the value of a setting is true, as PHP reads it; NULL is not. */
bool apache_is_on(const char *value);

/* ---- script.c ---- */

/* What the handler's name says of a request. */
enum apache_kind {
	APACHE_NOT_PHP,
	APACHE_SCRIPT,
	APACHE_SOURCE,  /* application/x-httpd-php-source: the script is shown */
	APACHE_MAY_BE,  /* an executable page of HTML: it is a script if xbithack is on */
};

enum apache_kind apache_kind_of(const request_rec *r);

/* Reports whether PHP answers the request, by the settings engine and xbithack of its directory: OK, or what is answered in place of a
 * script. What is wrong with the file is logged. */
int apache_decide(request_rec *r, enum apache_kind kind, bool engine, bool xbithack);

/* ---- host.c ---- */

/* A request that PHP is answering in this process. */
struct apache_running {
	request_rec *r; /* within virtual(), that of the other file */
	struct engine_request request;
	apr_bucket_brigade *brigade;
	struct apache_running *outer; /* which has ended, and whose output a filter sends: it includes what this one answers */
	bool has_ended;               /* PHP is done with it */
	bool ends_child;              /* the process is to end after it */
};

extern _Thread_local struct apache_running *apache_running; /* NULL: none */

/* What process.c and pool.c do about a request alike. */
void apache_add_variables(request_rec *r);
void apache_fill_request(struct engine_request *request, request_rec *r);
void apache_forget_file(request_rec *r);
void apache_send_end(request_rec *r, apr_bucket_brigade *brigade);

/* ---- process.c and pool.c ---- */

/* After the configuration was read, in the parent: OK, or another status, and the reason is in the log. */
int apache_start_process(apr_pool_t *p, server_rec *s);
int apache_start_pool(apr_pool_t *p, server_rec *s);

/* In each child. */
void apache_child_of_process(apr_pool_t *p, server_rec *s);
void apache_child_of_pool(apr_pool_t *p, server_rec *s);

/* ---- say.c ---- */

/* Writes a request, or one within another by virtual(). */
void apache_say_request(struct wire *w, request_rec *r, enum apache_kind kind, bool within);

/* ---- service.c ---- */

/* The workers of one user, and the connections to them that this process keeps. */
struct apache_pool {
	const char *name, *user, *group, *socket; /* user and group: "" is httpd's own, and the user's */
	struct apache_pool *next;
	struct apache_link *idle; /* the one that was used last comes first */
	int idle_len, busy, waiting; /* connections that are idle, and in use; threads that wait for one */
	apr_thread_mutex_t *lock;        /* NULL: the MPM has no threads */
	apr_thread_cond_t *freed;
};

/* php.ini's settings, the number of connections that a process keeps to each pool, and that of the processors it may use. */
struct apache_service {
	bool engine, xbithack;
	int most_idle, processors;
};

extern struct apache_service apache_service;

/* In the parent, every few seconds: starts the service that could not be started again when it ended. */
void apache_watch_pool(apr_pool_t *p);

/* ---- health.c ---- */

/* In the parent: 0, or -1 and errno. */
int apache_open_health(apr_pool_t *lasting);
void apache_service_begins(void);
void apache_service_not_forked(int reason); /* an errno */
void apache_service_ended(int status);

/* How it ended, by the status that httpd tells. */
const char *apache_how_it_ended(apr_pool_t *p, int status);

/* In parent and children: the service has answered. */
void apache_service_answers(void);

/* In a child: whether it is known that the service cannot be started, and why; NULL: it runs, or is being started. */
bool apache_service_fails(void);
const char *apache_service_failure(apr_pool_t *p);

/* ---- links.c ---- */

/* A connection to a worker. */
struct apache_link {
	struct wire wire;
	struct apache_link *next;
	bool is_kept; /* it has had a request, and its other end may be gone since */
};

/* How long a request waits for a service that does not run, until it is started again, in seconds. */
enum { APACHE_PATIENCE = 5 };

/* A connection to a pool; NULL: it cannot be reached, and errno says why. */
struct apache_link *apache_take_link(struct apache_pool *pool);

/* The request on it has ended. */
void apache_give_back(struct apache_pool *pool, struct apache_link *link);

/* ---- */

/* Answers a request that is APACHE_SCRIPT, APACHE_SOURCE or APACHE_MAY_BE. */
int apache_in_process(request_rec *r, enum apache_kind kind);
int apache_in_pool(request_rec *r, enum apache_kind kind);

#endif
