/* The functions that give a request's and a response's headers (header_functions.c). */
#ifndef PHPSAPI_HEADER_FUNCTIONS_H
#define PHPSAPI_HEADER_FUNCTIONS_H

#include "libphp.h"

PHP_FUNCTION(web_request_headers);
PHP_FUNCTION(web_response_headers);

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

#define HEADER_FUNCTIONS \
	ZEND_NAMED_FE(apache_request_headers, ZEND_FN(web_request_headers), arginfo_headers) \
	ZEND_NAMED_FE(apache_response_headers, ZEND_FN(web_response_headers), arginfo_headers) \
	ZEND_NAMED_FE(getallheaders, ZEND_FN(web_request_headers), arginfo_headers)

#endif
