/* The module that was started, and its shutdown. */
#include "php_module.h"

const struct engine_module *started_module;

const char *started_ini_dir;

const char *engine_started_ini_dir(void)
{
	return started_ini_dir;
}

void engine_module_shutdown(void)
{
	php_module_shutdown();
	sapi_shutdown();
}
