/* The module that was started, and its shutdown. */
#include <string.h>

#include "php_module.h"

const struct engine_module *started_module;

const char *started_ini_dir;

const char *engine_started_ini_dir(void)
{
	return started_ini_dir;
}

#ifdef ENGINE_WITH_PHP
const char *phpsapi_ini_directory(void);

/* What phpinfo() has in its row "Configuration File (php.ini) Path" (packaging/engine/source.go). */
const char *phpsapi_ini_directory(void)
{
	return started_ini_dir ? started_ini_dir : PHP_CONFIG_FILE_PATH;
}
#endif

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
