/* The module that was started, and its shutdown. */
#include <string.h>

#include "php_module.h"

const struct engine_module *started_module;

const char *started_ini_dir;

const char *engine_started_ini_dir(void)
{
	return started_ini_dir;
}

zend_module_entry *find_extension(const char *name)
{
	zval *found = zend_hash_str_find(&module_registry, name, strlen(name));

	return found ? Z_PTR_P(found) : NULL;
}

void engine_module_shutdown(void)
{
	php_module_shutdown();
	sapi_shutdown();
}
