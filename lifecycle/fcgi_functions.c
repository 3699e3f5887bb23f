/* The functions php-fpm adds to PHP's. Counterpart: sapi/fpm/fpm/fpm_main.c. */
#include <string.h>

#include "fcgi.h"
#include "header_functions.h"
#include "_cgo_export.h"

static PHP_FUNCTION(fcgi_finish_request)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	if (!fcgi_request || fcgi_request->closed) {
		RETURN_FALSE;
	}
	php_output_end_all();
	php_header();
	if (!is_forked()) {
		engineFCGIFinish();
	}
	RETURN_TRUE;
}

static PHP_FUNCTION(fcgi_get_status)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	RETVAL_ARR(_zend_new_array(0));
	if (is_forked() || engineFCGIStatus(return_value) != 0) {
		zval_ptr_dtor(return_value);
		RETURN_FALSE;
	}
}

/* FrankenPHP's function: sends the head now, or with a 1xx status the headers so far, before the response's own head.
 * Web servers that take no such heads are sent none. */
static PHP_FUNCTION(fcgi_headers_send)
{
	zend_long status = 200;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "|l", &status) == FAILURE) {
		return;
	}
	if (status < 100 || status > 599 || status == 101) {
		zend_error(E_WARNING, "headers_send(): Argument #1 ($status) must be a response's status, from 100 to 599 and not 101");
		RETURN_LONG(SAPI_HEADER_SEND_FAILED);
	}
	if (status < 200) {
		RETURN_LONG(fcgi_send_interim(status) ? SAPI_HEADER_SENT_SUCCESSFULLY : SAPI_HEADER_SEND_FAILED);
	}
	if (!SG(headers_sent)) {
		sapi_header_op(SAPI_HEADER_SET_STATUS, (void *)status);
	}
	RETURN_LONG(sapi_send_headers());
}

void engine_array_add_string(void *array, const char *name, size_t name_len, const char *value, size_t value_len)
{
	add_assoc_stringl_ex(array, name, name_len, value, value_len);
}

void engine_array_add_number(void *array, const char *name, size_t name_len, int64_t value)
{
	add_assoc_long_ex(array, name, name_len, value);
}

void engine_array_add_float(void *array, const char *name, size_t name_len, double value)
{
	add_assoc_double_ex(array, name, name_len, value);
}

void *engine_array_add_array(void *array, const char *name, size_t name_len)
{
	zval inner;

	ZVAL_ARR(&inner, _zend_new_array(0));
	return name ? zend_hash_str_update(Z_ARRVAL_P((zval *)array), name, name_len, &inner)
				: zend_hash_next_index_insert(Z_ARRVAL_P((zval *)array), &inner);
}

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_finish, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers_send, 0, 0, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_status, 0, 0, MAY_BE_ARRAY | MAY_BE_FALSE)
ZEND_END_ARG_INFO()

const zend_function_entry fpm_functions[] = {
	ZEND_NAMED_FE(fastcgi_finish_request, ZEND_FN(fcgi_finish_request), arginfo_finish)
	ZEND_NAMED_FE(apache_request_headers, ZEND_FN(web_request_headers), arginfo_headers)
	ZEND_NAMED_FE(getallheaders, ZEND_FN(web_request_headers), arginfo_headers)
	ZEND_NAMED_FE(headers_send, ZEND_FN(fcgi_headers_send), arginfo_headers_send)
	ZEND_NAMED_FE(fpm_get_status, ZEND_FN(fcgi_get_status), arginfo_status)
	PHP_FE_END
};
