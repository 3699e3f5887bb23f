/*
 * The directory of a process that answers one request after the other. A script runs in its own directory, and what PHP does before
 * and after it, in shutdown functions say, happens in the worker's own, as in php-fpm, which goes there and back with each request.
 *
 * Here the process stays in the script's directory if nothing is left that could tell, and the next request finds it there. It does
 * so for a moment only, as the path may lead elsewhere by then: a worker that is busy saves the way, and one that is not has the time.
 * What could tell is not guessed: a script that has made an object, whatever that is, is one after which the process goes back.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "php_script.h"
#include "web.h"

/* How long a path is taken to lead where it did, in nanoseconds. */
enum { WINDOW = 10000000 };

static int home = -1; /* the worker's directory; -1: PHP goes to and fro itself */

static char script_directory[MAXPATHLEN]; /* where the process was brought for the last script, */
static int64_t came_at;                   /* when, */
static unsigned changes;                  /* and how often it had changed its directory by then */
static int stays;                         /* it has stayed there since the end of that script */

void web_begin_at_home(void)
{
	home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home >= 0) {
		SG(options) |= SAPI_OPTION_NO_CHDIR;
	}
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int is_moved(void)
{
	return host->directory_changes() != changes;
}

static void go_home(void)
{
	stays = 0;
	if (fchdir(home) != 0) {
		/* it is gone */
	}
}

void web_enter_directory_of(const char *path)
{
	const char *slash = home >= 0 ? strrchr(path, '/') : NULL;
	size_t len = slash ? slash - path : 0;
	int64_t at;

	if (!slash || len >= sizeof(script_directory)) {
		return;
	}
	at = now();
	if (stays && !is_moved() && at - came_at < WINDOW && strncmp(script_directory, path, len) == 0 && script_directory[len] == '\0') {
		stays = 0;
		return;
	}
	stays = 0;
	memcpy(script_directory, path, len);
	script_directory[len] = '\0';
	if (chdir(len ? script_directory : "/") != 0) {
		/* it was opened all the same, and runs where it is */
	}
	came_at = at;
	changes = host->directory_changes();
}

void web_enter_directory_of_script(void)
{
	if (primary.file.filename) {
		web_enter_directory_of(ZSTR_VAL(primary.file.filename));
	}
}

/* ---- what could tell ---- */

static int is_relative(const char *path)
{
	return path && *path && *path != '/';
}

/* Those that look for files by the settings of php.ini, at any time. */
static int settings_can_tell(void)
{
	return (PG(open_basedir) && *PG(open_basedir)) || (PG(doc_root) && *PG(doc_root)) || (is_relative(PG(error_log)) && strcmp(PG(error_log), "syslog") != 0);
}

static int session_can_tell(void)
{
#ifdef PHP_SESSION_H
	zend_module_entry *session = find_extension("session");
	const php_ps_globals *s = session && session->globals_size >= sizeof(*s) ? session->globals_ptr : NULL;

	return s && (s->session_status == php_session_active || s->auto_start);
#else
	return 0;
#endif
}

/* Callbacks of output buffers. */
static int output_can_tell(void)
{
	const php_output_handler *handler = php_output_get_active_handler();

	return php_output_get_level() > 1 || (handler && (handler->flags & PHP_OUTPUT_HANDLER_USER));
}

/* Whether anything that happens after the script could notice in which directory it does. */
static int end_can_tell(void)
{
	return BG(user_shutdown_function_names) || EG(objects_store).top > 1 || zend_hash_num_elements(&EG(regular_list)) > 0 ||
		!Z_ISUNDEF(EG(user_error_handler)) || has_header_callback || SG(request_info).content_length != 0 || output_can_tell() ||
		session_can_tell() || settings_can_tell();
}

/* Whether anything that happens before the script could. */
static int begin_can_tell(const struct engine_request *r)
{
	return !r->script || *r->script != '/' || r->content_length != 0 || r->php_value || r->php_admin_value || php_ini_has_per_host_config() ||
		session_can_tell() || settings_can_tell();
}

void web_leave_directory(void)
{
	if (home < 0) {
		return;
	}
	if (is_moved() || end_can_tell()) {
		go_home();
	} else {
		stays = 1;
	}
}

void engine_web_go_home(void)
{
	if (stays) {
		go_home();
	}
}

void web_begin_in_directory(const struct engine_request *r)
{
	has_header_callback = 0;
	if (stays && begin_can_tell(r)) {
		go_home();
	}
}

void web_open_in_directory(void)
{
	if (stays && settings_can_tell()) { /* the request's own */
		go_home();
	}
}
