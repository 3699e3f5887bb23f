/* The extension cli_server: the settings of php's development server. */
#include "module.h"

static PHP_MINIT_FUNCTION(cli_server)
{
	zend_ini_entry_def entries[] = {
		ZEND_INI_ENTRY("cli_server.color", "0", ZEND_INI_ALL, NULL)
		{0},
	};

	entries[0].displayer = zend_ini_boolean_displayer_cb;
	return zend_register_ini_entries(entries, module_number);
}

static PHP_MSHUTDOWN_FUNCTION(cli_server)
{
	zend_unregister_ini_entries(module_number);
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(cli_server)
{
	display_ini_entries(zend_module);
}

zend_module_entry cli_server_extension = {
	STANDARD_MODULE_HEADER,
	"cli_server",
	NULL,
	PHP_MINIT(cli_server),
	PHP_MSHUTDOWN(cli_server),
	NULL,
	NULL,
	PHP_MINFO(cli_server),
	PHP_VERSION, /* of the headers: see ini_defaults */
	STANDARD_MODULE_PROPERTIES,
};
