/* The functions that the front ends of web servers add to PHP's. Counterpart: sapi/fpm/fpm/fpm_main.c,
 * sapi/cgi/cgi_main.c, sapi/cli/php_cli_server.c. */
#include <string.h>

#include "web.h"
#include "cli_title.h"

extern char **environ;

/* The process's environment, as a CGI program's request headers. */
static void add_environment(zval *array)
{
	char **entry;

	for (entry = environ; entry && *entry; entry++) {
		char *equals = strchr(*entry, '='), *name;
		size_t len = equals ? equals - *entry : 0;

		if (equals) {
			name = estrndup(*entry, len);
			sapi_add_request_header(name, len, equals + 1, strlen(equals + 1), array);
			efree(name);
		}
	}
}

static PHP_FUNCTION(web_request_headers)
{
	const struct engine_request *r = web_request;
	size_t i;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	RETVAL_ARR(_zend_new_array(r ? r->headers_len : 0));
	if (r && r->direct) {
		add_environment(return_value);
	} else if (web_front_end != ENGINE_CLI_SERVER) {
		web_each_variable(sapi_add_request_header, return_value);
	}
	for (i = 0; r && i < r->headers_len; i++) {
		const struct engine_variable *h = &r->headers[i];
		add_assoc_stringl_ex(return_value, r->text + h->name, h->name_len, r->text + h->value, h->value_len);
	}
}

static PHP_FUNCTION(web_response_headers)
{
	zend_llist_element *element;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	RETVAL_ARR(_zend_new_array(0));
	for (element = SG(sapi_headers).headers.head; element; element = element->next) {
		sapi_header_struct *header = (sapi_header_struct *)element->data;
		const char *line = header->header, *colon = memchr(line, ':', header->header_len), *value;
		size_t name_len = colon ? colon - line : 0;

		while (name_len > 0 && (line[name_len - 1] == ' ' || line[name_len - 1] == '\t')) {
			name_len--;
		}
		if (name_len == 0) {
			continue;
		}
		for (value = colon + 1; *value == ' ' || *value == '\t'; value++) {
		}
		add_assoc_stringl_ex(return_value, line, name_len, value, header->header_len - (value - line));
	}
}

/* Ends a FastCGI server after its request; a CGI program ends anyway. */
static PHP_FUNCTION(web_child_terminate)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	if (web_request) {
		web_request->last = 1;
	}
}

static PHP_FUNCTION(web_finish_request)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	if (!web_request || web_request->closed) {
		RETURN_FALSE;
	}
	php_output_end_all();
	php_header();
	host->finish();
	RETURN_TRUE;
}

static PHP_FUNCTION(web_get_status)
{
	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	RETVAL_ARR(_zend_new_array(0));
	if (!host->status(return_value)) {
		zval_ptr_dtor(return_value);
		RETURN_FALSE;
	}
}

/* FrankenPHP's function: sends the head now, or with a 1xx status the headers so far, before the response's own head.
 * Web servers that take no such heads are sent none. */
static PHP_FUNCTION(web_headers_send)
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
		RETURN_LONG(web_send_interim(status) ? SAPI_HEADER_SENT_SUCCESSFULLY : SAPI_HEADER_SEND_FAILED);
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

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_child_terminate, 0, 0, IS_VOID, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_finish, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers_send, 0, 0, IS_LONG, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, status, IS_LONG, 0, "200")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_log, 0, 1, IS_VOID, 0)
	ZEND_ARG_TYPE_INFO(0, message, IS_STRING, 0)
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, level, IS_LONG, 0, "0")
	ZEND_ARG_TYPE_INFO_WITH_DEFAULT_VALUE(0, context, IS_ARRAY, 0, "[]")
ZEND_END_ARG_INFO()
ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_status, 0, 0, MAY_BE_ARRAY | MAY_BE_FALSE)
ZEND_END_ARG_INFO()

#define REQUEST_HEADERS \
	ZEND_NAMED_FE(apache_request_headers, ZEND_FN(web_request_headers), arginfo_headers) \
	ZEND_NAMED_FE(getallheaders, ZEND_FN(web_request_headers), arginfo_headers)
#define RESPONSE_HEADERS ZEND_NAMED_FE(apache_response_headers, ZEND_FN(web_response_headers), arginfo_headers)

const zend_function_entry server_functions[] = {
	CLI_TITLE_FUNCTIONS
	REQUEST_HEADERS
	RESPONSE_HEADERS
	PHP_FE_END
};

const zend_function_entry cgi_functions[] = {
	ZEND_NAMED_FE(apache_child_terminate, ZEND_FN(web_child_terminate), arginfo_child_terminate)
	REQUEST_HEADERS
	RESPONSE_HEADERS
	PHP_FE_END
};

/* php-fpm's, and those by which applications written for FrankenPHP call them. */
const zend_function_entry fpm_functions[] = {
	ZEND_NAMED_FE(fastcgi_finish_request, ZEND_FN(web_finish_request), arginfo_finish)
	REQUEST_HEADERS
	RESPONSE_HEADERS
	ZEND_NAMED_FE(frankenphp_finish_request, ZEND_FN(web_finish_request), arginfo_finish)
	ZEND_NAMED_FE(frankenphp_request_headers, ZEND_FN(web_request_headers), arginfo_headers)
	ZEND_NAMED_FE(frankenphp_response_headers, ZEND_FN(web_response_headers), arginfo_headers)
	ZEND_NAMED_FE(frankenphp_log, ZEND_FN(frankenphp_log), arginfo_log)
	ZEND_NAMED_FE(headers_send, ZEND_FN(web_headers_send), arginfo_headers_send)
	ZEND_NAMED_FE(fpm_get_status, ZEND_FN(web_get_status), arginfo_status)
	PHP_FE_END
};
