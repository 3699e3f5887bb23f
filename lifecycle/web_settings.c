/*
 * The extension cgi-fcgi: the settings of php-cgi and php-fpm, which have most of them in common, and the functions
 * each adds to PHP's. Counterpart: sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c (PHP_INI_BEGIN, ext_functions).
 */
#include <stddef.h>
#include <string.h>

#include "fcgi.h"
#include "header_functions.h"
#include "leftovers.h"
#include "module.h"

struct web_settings web_settings;

/* A setting; the handlers are the engine's, and so known only at run time. */
#define BOOLEAN(name, value, access, field) \
	{name, NULL, (void *)offsetof(struct web_settings, field), &web_settings, NULL, value, NULL, sizeof(value) - 1, \
		sizeof(name) - 1, access},
#define STRING(name, access, field) \
	{name, NULL, (void *)offsetof(struct web_settings, field), &web_settings, NULL, NULL, NULL, 0, \
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

static int register_common_entries(int module_number)
{
	zend_ini_entry_def entries[] = {
		BOOLEAN("cgi.rfc2616_headers", "0", PHP_INI_ALL, rfc2616_headers)
		BOOLEAN("cgi.nph", "0", PHP_INI_ALL, nph)
		BOOLEAN("cgi.force_redirect", "1", PHP_INI_SYSTEM, force_redirect)
		STRING("cgi.redirect_status_env", PHP_INI_SYSTEM, redirect_status_env)
		BOOLEAN("cgi.fix_pathinfo", "1", PHP_INI_SYSTEM, fix_pathinfo)
		BOOLEAN("cgi.discard_path", "0", PHP_INI_SYSTEM, discard_path)
		BOOLEAN("fastcgi.logging", "1", PHP_INI_SYSTEM, logging)
		{0},
	};

	return register_entries(entries, module_number);
}

static PHP_MINIT_FUNCTION(cgi)
{
	zend_ini_entry_def entries[] = {
		BOOLEAN("cgi.check_shebang_line", "1", PHP_INI_SYSTEM, check_shebang_line)
		{0},
	};

	watch_ini_get_all();
	leftovers_watch(); /* before opcache.preload compiles anything */
	return register_common_entries(module_number) == SUCCESS ? register_entries(entries, module_number) : FAILURE;
}

/* As php-fpm is built: a worker could not leave the directory again. */
static void leave_out_chroot(void)
{
	zend_hash_str_del(CG(function_table), "chroot", strlen("chroot"));
}

static PHP_MINIT_FUNCTION(fpm)
{
	zend_ini_entry_def entries[] = {
		STRING("fastcgi.error_header", PHP_INI_SYSTEM, error_header)
		STRING("fpm.config", PHP_INI_SYSTEM, fpm_config)
		{0},
	};

	leave_out_chroot();
	watch_ini_get_all();
	leftovers_watch();
	return register_common_entries(module_number) == SUCCESS ? register_entries(entries, module_number) : FAILURE;
}

static PHP_MSHUTDOWN_FUNCTION(web)
{
	zend_unregister_ini_entries(module_number);
	user_settings_forget();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(cgi)
{
	display_ini_entries(zend_module);
}

static PHP_MINFO_FUNCTION(fpm)
{
	php_info_print_table_start();
	php_info_print_table_row(2, "php-fpm", "active");
	php_info_print_table_end();
	display_ini_entries(zend_module);
}

/* Ends a FastCGI server after its request; a CGI program ends anyway. */
static PHP_FUNCTION(web_child_terminate)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	if (fcgi_request) {
		fcgi_request->last = 1;
	}
}

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_child_terminate, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

static const zend_function_entry cgi_functions[] = {
	ZEND_NAMED_FE(apache_child_terminate, ZEND_FN(web_child_terminate), arginfo_child_terminate)
	ZEND_NAMED_FE(apache_request_headers, ZEND_FN(web_request_headers), arginfo_headers)
	ZEND_NAMED_FE(getallheaders, ZEND_FN(web_request_headers), arginfo_headers)
	ZEND_NAMED_FE(apache_response_headers, ZEND_FN(web_response_headers), arginfo_headers)
	PHP_FE_END
};

zend_module_entry cgi_extension = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	cgi_functions,
	PHP_MINIT(cgi),
	PHP_MSHUTDOWN(web),
	NULL,
	NULL,
	PHP_MINFO(cgi),
	PHP_VERSION, /* of the headers: see ini_defaults */
	STANDARD_MODULE_PROPERTIES,
};

zend_module_entry fpm_extension = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	fpm_functions,
	PHP_MINIT(fpm),
	PHP_MSHUTDOWN(web),
	NULL,
	NULL,
	PHP_MINFO(fpm),
	PHP_VERSION, /* of the headers: see ini_defaults */
	STANDARD_MODULE_PROPERTIES,
};
