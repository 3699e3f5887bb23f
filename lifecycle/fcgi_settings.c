/* The extension cgi-fcgi: the settings of php-fpm. Counterpart: sapi/fpm/fpm/fpm_main.c. */
#include <stddef.h>

#include "fcgi.h"
#include "module.h"

struct fcgi_settings fcgi_settings;

/* A setting; the handlers are the engine's, and so known only at run time. */
#define BOOLEAN(name, value, access, field) \
	{name, NULL, (void *)offsetof(struct fcgi_settings, field), &fcgi_settings, NULL, value, NULL, sizeof(value) - 1, \
		sizeof(name) - 1, access},
#define STRING(name, access, field) \
	{name, NULL, (void *)offsetof(struct fcgi_settings, field), &fcgi_settings, NULL, NULL, NULL, 0, \
		sizeof(name) - 1, access},

static PHP_MINIT_FUNCTION(fcgi)
{
	zend_ini_entry_def entries[] = {
		BOOLEAN("cgi.rfc2616_headers", "0", PHP_INI_ALL, rfc2616_headers)
		BOOLEAN("cgi.nph", "0", PHP_INI_ALL, nph)
		BOOLEAN("cgi.force_redirect", "1", PHP_INI_SYSTEM, force_redirect)
		STRING("cgi.redirect_status_env", PHP_INI_SYSTEM, redirect_status_env)
		BOOLEAN("cgi.fix_pathinfo", "1", PHP_INI_SYSTEM, fix_pathinfo)
		BOOLEAN("cgi.discard_path", "0", PHP_INI_SYSTEM, discard_path)
		BOOLEAN("fastcgi.logging", "1", PHP_INI_SYSTEM, logging)
		STRING("fastcgi.error_header", PHP_INI_SYSTEM, error_header)
		STRING("fpm.config", PHP_INI_SYSTEM, fpm_config)
		{0},
	};
	zend_ini_entry_def *entry;

	for (entry = entries; entry->name; entry++) {
		entry->on_modify = entry->value ? OnUpdateBool : OnUpdateString;
		entry->displayer = entry->value ? zend_ini_boolean_displayer_cb : NULL;
	}
	return zend_register_ini_entries(entries, module_number);
}

static PHP_MSHUTDOWN_FUNCTION(fcgi)
{
	zend_unregister_ini_entries(module_number);
	user_settings_forget();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(fcgi)
{
	php_info_print_table_start();
	php_info_print_table_row(2, "php-fpm", "active");
	php_info_print_table_end();
	display_ini_entries(zend_module);
}

zend_module_entry fcgi_extension = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	fcgi_functions,
	PHP_MINIT(fcgi),
	PHP_MSHUTDOWN(fcgi),
	NULL,
	NULL,
	PHP_MINFO(fcgi),
	PHP_VERSION,
	STANDARD_MODULE_PROPERTIES,
};
