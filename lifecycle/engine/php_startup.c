/* Module startup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "php_inside.h"
#include "php_leftovers.h"
#include "php_opcache.h"
#include "php_pages.h"
#include "php_module.h"

static struct filled_module module;
static union passed_module passed;

static zend_string *permanent_string(const char *text)
{
	return zend_string_init_interned(text, strlen(text), 1);
}

static void set_constant(const char *name, const char *value)
{
	zval *constant = zend_hash_str_find(EG(zend_constants), name, strlen(name));

	if (constant && value) {
		ZVAL_INTERNED_STR(&((zend_constant *)Z_PTR_P(constant))->value, permanent_string(value));
	}
}

static const char *text_constant(const char *name)
{
	zval *constant = zend_hash_str_find(EG(zend_constants), name, strlen(name));

	return constant ? Z_STRVAL(((zend_constant *)Z_PTR_P(constant))->value) : "";
}

static const char *given_scan_dir; /* PHP_INI_SCAN_DIR as it was given; NULL: not */

static void give_scan_dir_back(void)
{
	if (given_scan_dir) {
		setenv("PHP_INI_SCAN_DIR", given_scan_dir, 1);
	} else {
		unsetenv("PHP_INI_SCAN_DIR");
	}
}

/* Whether libphp is the distribution's, whose front ends have php.ini in directories of their own. */
static int is_distributions;

/* Has another libphp look for php.ini and for further files where it was configured to. */
static void as_configured(void)
{
	const struct engine_module *m = started_module;
	const char *dir = text_constant("PHP_CONFIG_FILE_PATH");

	is_distributions = strcmp(dir, m->ini_embed) == 0;
	if (is_distributions) {
		return;
	}
	started_ini_dir = dir;
	give_scan_dir_back();
	if (m->ini_search) {
		size_t places = strlen(m->ini_path) - strlen(m->ini_dir);
		char *path = malloc(places + strlen(dir) + 1);

		if (path) {
			memcpy(path, m->ini_path, places);
			strcpy(path + places, dir);
			SAPI_MODULE(php_ini_path_override) = path;
		}
	}
}

/* PHP calls this when its constants exist and before it looks for php.ini. The constants that libphp was compiled
 * with speak of the embed SAPI: they are given this front end's values here. */
static void ini_defaults(HashTable *configuration)
{
	size_t i;

	pages_of_requests();
	set_constant("PHP_BINARY", started_module->binary);
	as_configured();
	if (is_distributions) {
		set_constant("PHP_CONFIG_FILE_PATH", started_module->ini_dir);
		set_constant("PHP_CONFIG_FILE_SCAN_DIR", started_module->ini_scan_default);
	}
	PG(php_binary) = strdup(started_module->binary);
	web_extension.version = engine_version();

	for (i = 0; i < started_module->ini_defaults_len; i++) {
		const struct engine_pair *pair = &started_module->ini_defaults[i];
		zval value;

		ZVAL_INTERNED_STR(&value, permanent_string(pair->value));
		zend_hash_str_update(configuration, pair->name, strlen(pair->name), &value);
	}
}

static int module_startup(sapi_module_struct *sapi)
{
	return php_module_startup(sapi, started_module->front_end == ENGINE_CLI ? NULL : &web_extension);
}

/* php_module_startup takes the directories to scan for .ini files from the environment alone: PHP_INI_SCAN_DIR is
 * set for its time and put back, so that the script finds the environment it was given. */
static int startup_with_scan_dir(void)
{
	int result;

	given_scan_dir = getenv("PHP_INI_SCAN_DIR");
	setenv("PHP_INI_SCAN_DIR", started_module->ini_scan_dir, 1);
	result = module.startup(&passed.module);
	give_scan_dir_back();
	/* What phpinfo() and --ini show as the directories to scan. */
	if (php_ini_scanned_path && is_distributions) {
		php_ini_scanned_path = (char *)(given_scan_dir ? given_scan_dir : started_module->ini_scan_default);
	}
	return result;
}

static void pass_module(void)
{
#define X(field) passed.module.field = module.field;
	SAPI_MODULE_FIELDS(X)
#undef X
}

/* The settings over all files: those of the front end. If PHP is a part of the program, and the machine has no directory of further
 * files to choose extensions, all of those inside are loaded. */
static const char *entries_of(const struct engine_module *m)
{
#ifdef ENGINE_INSIDE
	struct stat directory;

	if (!m->ini_ignore && stat(m->ini_scan_default, &directory) != 0) {
		return inside_with_extensions(m->ini_entries);
	}
#endif
	return m->ini_entries;
}

int engine_module_startup(const struct engine_module *m)
{
#ifdef ENGINE_INSIDE
	inside_begin();
#endif
	started_module = m;
	started_ini_dir = m->ini_dir;
	module = (struct filled_module){
		.name = (char *)m->name,
		.pretty_name = (char *)m->pretty_name,
		.startup = module_startup,
		.shutdown = php_module_shutdown_wrapper,
		.ini_defaults = ini_defaults,
		.php_ini_path_override = (char *)m->ini_path,
		.php_ini_ignore = m->ini_ignore,
		.php_ini_ignore_cwd = 1, /* ini_path names every place to search */
		.ini_entries = (char *)entries_of(m),
		.phpinfo_as_text = m->phpinfo_as_text,
	};
	if (m->front_end == ENGINE_CLI) {
		pages_of_one_script();
		cli_module_init(&module);
	} else {
		web_module_init(&module, m);
	}
	pages_of_heap();
	zend_signal_startup();
	pass_module();
	sapi_startup(&passed.module);
	pass_module(); /* sapi_startup takes ini_entries away */
	if (m->without_pcntl) {
		leave_out_pcntl();
	}
	if (startup_with_scan_dir() == FAILURE) {
		return -1;
	}
#ifdef ENGINE_INSIDE
	late_started();
#endif
	/* Functions were left out, and a request knows its own functions by where the table ends at its start. If the table closed the
	 * gaps in a request, by growing, some of that request's would stay in it. */
	zend_hash_rehash(CG(function_table));
	fflush(stdout); /* what PHP has displayed; else every fork would have it to print, too */
	leftovers_watch_more();
	if (m->worker_mode) {
		opcache_watch();
	}
	if (m->extended_info) {
		CG(compiler_options) |= ZEND_COMPILE_EXTENDED_INFO;
	}
	return 0;
}

void engine_children_follow(void)
{
#ifdef ENGINE_INSIDE
	late_open_promised();
#endif
}
