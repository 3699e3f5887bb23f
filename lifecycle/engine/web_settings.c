/*
 * The extension that comes with each web server's front end: cgi-fcgi of php-cgi and php-fpm, which have most of its
 * settings in common, cli_server of php's development server, and apache2handler (web_httpd_functions.c). Counterpart: sapi/cgi/cgi_main.c,
 * sapi/fpm/fpm/fpm_main.c and sapi/cli/php_cli_server.c (PHP_INI_BEGIN).
 */
#include <stddef.h>
#include <string.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "web.h"

struct engine_web_settings web_settings;

const struct engine_web_settings *engine_web_settings(void)
{
	return &web_settings;
}

/* A setting; the handlers are the engine's, and so known only at run time. */
#define BOOLEAN(name, value, access, field) \
	{name, NULL, (void *)offsetof(struct engine_web_settings, field), &web_settings, NULL, value, NULL, sizeof(value) - 1, \
		sizeof(name) - 1, access},
#define STRING(name, access, field) \
	{name, NULL, (void *)offsetof(struct engine_web_settings, field), &web_settings, NULL, NULL, NULL, 0, \
		sizeof(name) - 1, access},

static int register_entries(zend_ini_entry_def *entries, int module_number)
{
	zend_ini_entry_def *entry;

	for (entry = entries; entry->name; entry++) {
		entry->on_modify = entry->value ? OnUpdateBool : OnUpdateString;
		entry->displayer = entry->value ? zend_ini_boolean_displayer_cb : NULL;
	}
	return zend_register_ini_entries(entries, module_number);
}

/* As php-fpm is built: a worker could not leave the directory again. */
static void leave_out_chroot(void)
{
	zend_hash_str_del(CG(function_table), "chroot", strlen("chroot"));
}

static PHP_MINIT_FUNCTION(web)
{
	zend_ini_entry_def server[] = {
		BOOLEAN("cli_server.color", "0", PHP_INI_ALL, color)
		{0},
	};
	zend_ini_entry_def common[] = {
		BOOLEAN("cgi.rfc2616_headers", "0", PHP_INI_ALL, rfc2616_headers)
		BOOLEAN("cgi.nph", "0", PHP_INI_ALL, nph)
		BOOLEAN("cgi.force_redirect", "1", PHP_INI_SYSTEM, force_redirect)
		STRING("cgi.redirect_status_env", PHP_INI_SYSTEM, redirect_status_env)
		BOOLEAN("cgi.fix_pathinfo", "1", PHP_INI_SYSTEM, fix_pathinfo)
		BOOLEAN("cgi.discard_path", "0", PHP_INI_SYSTEM, discard_path)
		BOOLEAN("fastcgi.logging", "1", PHP_INI_SYSTEM, logging)
		{0},
	};
	zend_ini_entry_def cgi[] = {
		BOOLEAN("cgi.check_shebang_line", "1", PHP_INI_SYSTEM, check_shebang_line)
		{0},
	};
	zend_ini_entry_def fpm[] = {
		STRING("fastcgi.error_header", PHP_INI_SYSTEM, error_header)
		STRING("fpm.config", PHP_INI_SYSTEM, fpm_config)
		{0},
	};
	zend_ini_entry_def fpm_of_85[] = {
		BOOLEAN("fastcgi.script_path_encoded", "1", PHP_INI_SYSTEM, script_path_encoded)
		{0},
	};

	if (web_front_end == ENGINE_CLI_SERVER) {
		return register_entries(server, module_number);
	}
	if (web_front_end == ENGINE_APACHE) {
		watch_ini_get_all();
		if (host->httpd->is_apart) {
			leftovers_watch();
		}
		return httpd_register_settings(module_number);
	}
	if (web_front_end == ENGINE_FPM) {
		leave_out_chroot();
		register_log_levels(module_number);
		register_interrupts();
	}
	watch_ini_get_all();
	leftovers_watch(); /* before opcache.preload compiles anything */
	if (ENGINE_SCRIPT_PATH_ENCODED && web_front_end == ENGINE_FPM && register_entries(fpm_of_85, module_number) != SUCCESS) {
		return FAILURE;
	}
	return register_entries(common, module_number) == SUCCESS
		? register_entries(web_front_end == ENGINE_FPM ? fpm : cgi, module_number) : FAILURE;
}

static PHP_MSHUTDOWN_FUNCTION(web)
{
	zend_unregister_ini_entries(module_number);
	user_settings_forget();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(web)
{
	if (web_front_end == ENGINE_APACHE) {
		httpd_print_info(zend_module);
		return;
	}
	if (web_front_end == ENGINE_FPM) {
		php_info_print_table_start();
		php_info_print_table_row(2, "php-fpm", "active");
		php_info_print_table_end();
	}
	display_ini_entries(zend_module);
}

/* The name and the functions are the front end's (web_module.c). */
zend_module_entry web_extension = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	NULL,
	PHP_MINIT(web),
	PHP_MSHUTDOWN(web),
	NULL,
	NULL,
	PHP_MINFO(web),
	PHP_VERSION, /* of the headers: see ini_defaults */
	STANDARD_MODULE_PROPERTIES,
};
