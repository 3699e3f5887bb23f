/*
 * The extension pcntl, left out. Debian builds its libphp with the options of its php, pcntl among them; stock php-fpm
 * does not have it.
 */
#include "php_module.h"

static int (*register_extensions)(void);

/* Between the registration of the extensions and their startup, an extension consists only of its entry and its functions:
 * no constant, handler or setting of it is left behind. One that php.ini loads comes later and stays. */
static int register_without_pcntl(void)
{
	int result = register_extensions();
	zval *found = zend_hash_str_find(&module_registry, "pcntl", strlen("pcntl"));

	php_register_internal_extensions_func = register_extensions; /* httpd starts PHP more than once */
	if (found) {
		zend_unregister_functions(((zend_module_entry *)Z_PTR_P(found))->functions, -1, NULL);
		zend_hash_str_del(&module_registry, "pcntl", strlen("pcntl"));
	}
	return result;
}

void leave_out_pcntl(void)
{
	register_extensions = php_register_internal_extensions_func;
	php_register_internal_extensions_func = register_without_pcntl;
}
