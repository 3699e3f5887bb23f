/* The function dl() (php_dl_function.c). */
#ifndef PHPSAPI_DL_FUNCTION_H
#define PHPSAPI_DL_FUNCTION_H

#include "php.h"

PHP_FUNCTION(dl_of_engine);

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_of_dl, 0, 1, _IS_BOOL, 0)
	ZEND_ARG_TYPE_INFO(0, extension_filename, IS_STRING, 0)
ZEND_END_ARG_INFO()

#define DL_FUNCTION ZEND_NAMED_FE(dl, ZEND_FN(dl_of_engine), arginfo_of_dl)

#endif
