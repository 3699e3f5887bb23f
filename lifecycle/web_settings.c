/*
 * The extension cgi-fcgi: the settings of php-cgi and php-fpm, and php-cgi's functions.
 * Counterpart: sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c (PHP_INI_BEGIN, ext_functions).
 */
#include <string.h>

#include "header_functions.h"
#include "module.h"

static PHP_MINIT_FUNCTION(web)
{
	zend_ini_entry_def entries[] = {
		ZEND_INI_ENTRY("cgi.rfc2616_headers", "0", ZEND_INI_ALL, NULL)
		ZEND_INI_ENTRY("cgi.nph", "0", ZEND_INI_ALL, NULL)
		ZEND_INI_ENTRY("cgi.check_shebang_line", "1", ZEND_INI_SYSTEM, NULL)
		ZEND_INI_ENTRY("cgi.force_redirect", "1", ZEND_INI_SYSTEM, NULL)
		ZEND_INI_ENTRY("cgi.redirect_status_env", NULL, ZEND_INI_SYSTEM, NULL)
		ZEND_INI_ENTRY("cgi.fix_pathinfo", "1", ZEND_INI_SYSTEM, NULL)
		ZEND_INI_ENTRY("cgi.discard_path", "0", ZEND_INI_SYSTEM, NULL)
		ZEND_INI_ENTRY("fastcgi.logging", "1", ZEND_INI_SYSTEM, NULL)
		{0},
	};
	zend_ini_entry_def *entry;

	for (entry = entries; entry->name; entry++) {
		if (entry->value) { /* every one with a default is a switch */
			entry->displayer = zend_ini_boolean_displayer_cb;
		}
	}
	return zend_register_ini_entries(entries, module_number);
}

static PHP_MSHUTDOWN_FUNCTION(web)
{
	zend_unregister_ini_entries(module_number);
	user_settings_forget();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(web)
{
	display_ini_entries(zend_module);
}

/* Ends a FastCGI server after its request; a CGI program ends anyway. */
static PHP_FUNCTION(server_child_terminate)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
}

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_child_terminate, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()

static const zend_function_entry web_functions[] = {
	ZEND_NAMED_FE(apache_child_terminate, ZEND_FN(server_child_terminate), arginfo_child_terminate)
	HEADER_FUNCTIONS
	PHP_FE_END
};

zend_module_entry web_extension = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	web_functions,
	PHP_MINIT(web),
	PHP_MSHUTDOWN(web),
	NULL,
	NULL,
	PHP_MINFO(web),
	PHP_VERSION,
	STANDARD_MODULE_PROPERTIES,
};
