/*
 * ini_get_all() shows how a setting may be changed as PHP defines it: without the bit of INI_SYSTEM_OF_SOME.
 */
#include <string.h>

#include "php_module.h"

static zif_handler original;

static PHP_FUNCTION(watched_ini_get_all)
{
	zval *setting, *access;

	original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
	if (Z_TYPE_P(return_value) != IS_ARRAY) {
		return;
	}
	ZEND_HASH_FOREACH_VAL(Z_ARRVAL_P(return_value), setting) {
		access = Z_TYPE_P(setting) == IS_ARRAY ? zend_hash_str_find(Z_ARRVAL_P(setting), "access", strlen("access")) : NULL;
		if (access && Z_TYPE_P(access) == IS_LONG) {
			Z_LVAL_P(access) &= ZEND_INI_ALL;
		}
	} ZEND_HASH_FOREACH_END();
}

void watch_ini_get_all(void)
{
	zval *found = zend_hash_str_find(CG(function_table), "ini_get_all", strlen("ini_get_all"));
	zend_internal_function *function = found ? Z_PTR_P(found) : NULL;

	if (function && function->handler != ZEND_FN(watched_ini_get_all)) {
		original = function->handler;
		function->handler = ZEND_FN(watched_ini_get_all);
	}
}
