/* apache_request_headers(), apache_response_headers() and getallheaders(). */
#include <string.h>

#include "fcgi.h"
#include "header_functions.h"
#include "server.h"

PHP_FUNCTION(web_request_headers)
{
	size_t i;

	if (zend_parse_parameters(ZEND_NUM_ARGS(), "") == FAILURE) {
		return;
	}
	RETVAL_ARR(_zend_new_array(server_request ? server_request->headers_len : 0));
	fcgi_each_param(sapi_add_request_header, return_value);
	for (i = 0; server_request && i < server_request->headers_len; i++) {
		const struct engine_variable *header = &server_request->headers[i];
		add_assoc_stringl_ex(return_value, header->name, header->name_len, header->value, header->value_len);
	}
}

PHP_FUNCTION(web_response_headers)
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
