/* Module startup and shutdown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "forks.h"
#include "leftovers.h"
#include "module.h"
#include "process.h"

static const struct engine_module *started;
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

/* PHP calls this when its constants exist and before it looks for php.ini. The constants that libphp was compiled
 * with speak of the embed SAPI: they are given this front end's values here. */
static void ini_defaults(HashTable *configuration)
{
	size_t i;

	set_constant("PHP_BINARY", started->binary);
	set_constant("PHP_CONFIG_FILE_PATH", started->ini_dir);
	set_constant("PHP_CONFIG_FILE_SCAN_DIR", started->ini_scan_default);
	PG(php_binary) = strdup(started->binary);
	cli_server_extension.version = cgi_extension.version = fpm_extension.version = engine_version();

	for (i = 0; i < started->ini_defaults_len; i++) {
		const struct engine_pair *pair = &started->ini_defaults[i];
		zval value;

		ZVAL_INTERNED_STR(&value, permanent_string(pair->value));
		zend_hash_str_update(configuration, pair->name, strlen(pair->name), &value);
	}
}

const char *engine_ini_dir(void)
{
	return started ? started->ini_dir : NULL;
}

static int is_named(const char *name)
{
	return strcmp(started->name, name) == 0;
}

static int module_startup(sapi_module_struct *sapi)
{
	if (is_named("cli")) {
		return php_module_startup(sapi, NULL);
	}
	if (is_named("cli-server")) {
		return php_module_startup(sapi, &cli_server_extension);
	}
	return php_module_startup(sapi, is_named("fpm-fcgi") ? &fpm_extension : &cgi_extension);
}

/* php_module_startup takes the directories to scan for .ini files from the environment alone: PHP_INI_SCAN_DIR is
 * set for its time and put back, so that the script finds the environment it was given. */
static int startup_with_scan_dir(void)
{
	const char *given = getenv("PHP_INI_SCAN_DIR");
	int result;

	setenv("PHP_INI_SCAN_DIR", started->ini_scan_dir, 1);
	result = module.startup(&passed.module);
	if (given) {
		setenv("PHP_INI_SCAN_DIR", given, 1);
	} else {
		unsetenv("PHP_INI_SCAN_DIR");
	}
	/* What phpinfo() and --ini show as the directories to scan. */
	if (php_ini_scanned_path) {
		php_ini_scanned_path = (char *)(given ? given : started->ini_scan_default);
	}
	return result;
}

static void pass_module(void)
{
#define X(field) passed.module.field = module.field;
	SAPI_MODULE_FIELDS(X)
#undef X
}

int engine_module_startup(const struct engine_module *m)
{
	started = m;
	module = (struct filled_module){
		.name = (char *)m->name,
		.pretty_name = (char *)m->pretty_name,
		.startup = module_startup,
		.shutdown = php_module_shutdown_wrapper,
		.ini_defaults = ini_defaults,
		.php_ini_path_override = (char *)m->ini_path,
		.php_ini_ignore = m->ini_ignore,
		.php_ini_ignore_cwd = 1, /* ini_path names every place to search */
		.ini_entries = (char *)m->ini_entries,
		.phpinfo_as_text = m->phpinfo_as_text,
	};
	if (is_named("cli")) {
		cli_module_init(&module);
	} else if (m->fastcgi) {
		fcgi_module_init(&module);
	} else {
		server_module_init(&module, m->dl);
	}
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
	fflush(stdout); /* what PHP has displayed; else every fork would have it to print, too */
	if (m->fastcgi) {
		leftovers_watch(); /* of extensions that were started later than ours */
	}
	if (m->extended_info) {
		CG(compiler_options) |= ZEND_COMPILE_EXTENDED_INFO;
	}
	return 0;
}

void engine_module_shutdown(void)
{
	php_module_shutdown();
	sapi_shutdown();
}

static _Noreturn void end(void)
{
	engine_module_shutdown();
	exit(EG(exit_status));
}

void end_if_forked(void)
{
	if (getpid() != process_at_exec.pid) {
		engine_script_close();
		engine_request_shutdown();
		end();
	}
}

void end_if_forked_in_shutdown(void)
{
	if (is_forked()) {
		end();
	}
}
