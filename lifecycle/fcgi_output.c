/*
 * The response of a FastCGI request. Output is put straight into the room that Go's FastCGI writer has open: Go hears
 * of it when the room is full, on flush, and when the request has ended. Counterpart: sapi/fpm/fpm/fpm_main.c.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "fcgi.h"
#include "_cgo_export.h"

/* Puts text into the room, or has Go write it with all that is in it. 0: the client is gone. */
static int put(const char *text, size_t len)
{
	struct engine_fcgi_request *r = fcgi_request;

	if (len <= r->room_size - r->room_used) {
		memcpy(r->room + r->room_used, text, len);
		r->room_used += len;
		return 1;
	}
	if (is_forked()) {
		r->room_used = 0;
		return 1;
	}
	return engineFCGIWrite((char *)text, len) == 0;
}

size_t fcgi_ub_write(const char *text, size_t len)
{
	if (!fcgi_request) {
		return engine_is_worker() ? 0 : fwrite(text, 1, len, stdout); /* php-fpm -i and its like */
	}
	if (!put(text, len)) {
		php_handle_aborted_connection();
		return 0;
	}
	return len;
}

void fcgi_flush(void *context)
{
	if (fcgi_request && !is_forked() && engineFCGIFlush() != 0) {
		php_handle_aborted_connection();
	}
}

static int is_status(const sapi_header_struct *header)
{
	return header->header_len > 7 && strncasecmp(header->header, "Status:", 7) == 0;
}

/* Whether the head is nothing but its header lines: the status is 200 and nobody spoke of it. */
static int is_plain(sapi_headers_struct *headers)
{
	zend_llist_element *element;

	if (web_settings.nph || headers->http_response_code != 200) {
		return 0;
	}
	for (element = headers->headers.head; element; element = element->next) {
		if (is_status((sapi_header_struct *)element->data)) {
			return 0;
		}
	}
	return 1;
}

/* Has Go write the head: the rules of status lines are there. The lines are passed as one block of PHP's memory, each
 * ended by a newline. */
static int send_by_rules(sapi_headers_struct *headers)
{
	zend_llist_element *element;
	size_t size = 1, at = 0;
	char *block;
	int sent;

	for (element = headers->headers.head; element; element = element->next) {
		size += ((sapi_header_struct *)element->data)->header_len + 1;
	}
	block = emalloc(size);
	for (element = headers->headers.head; element; element = element->next) {
		sapi_header_struct *header = (sapi_header_struct *)element->data;
		if (header->header_len > 0) {
			memcpy(block + at, header->header, header->header_len);
			at += header->header_len;
			block[at++] = '\n';
		}
	}
	sent = engineFCGIHead(headers->http_response_code, headers->http_status_line,
		(web_settings.nph ? ENGINE_FCGI_NPH : 0) | (web_settings.rfc2616_headers ? ENGINE_FCGI_RFC2616 : 0), block, at) == 0;
	efree(block);
	return sent;
}

int fcgi_send_headers(sapi_headers_struct *headers)
{
	zend_llist_element *element;
	int sent = 1;

	if (!fcgi_request || SG(request_info).no_headers || is_forked()) {
		return SAPI_HEADER_SENT_SUCCESSFULLY;
	}
	if (!is_plain(headers)) {
		sent = send_by_rules(headers);
	} else {
		for (element = headers->headers.head; element && sent; element = element->next) {
			sapi_header_struct *header = (sapi_header_struct *)element->data;
			if (header->header_len > 0) {
				sent = put(header->header, header->header_len) && put("\r\n", 2);
			}
		}
		sent = sent && put("\r\n", 2);
	}
	if (!sent) {
		php_handle_aborted_connection();
	}
	return SAPI_HEADER_SENT_SUCCESSFULLY;
}

int fcgi_send_interim(int status)
{
	sapi_headers_struct interim = SG(sapi_headers);
	zend_llist_element *element;

	if (!fcgi_request || !fcgi_request->interim || SG(headers_sent) || SG(request_info).no_headers || is_forked()) {
		return 0;
	}
	for (element = interim.headers.head; element; element = element->next) {
		if (is_status((sapi_header_struct *)element->data)) {
			return 0; /* the head would have that status */
		}
	}
	interim.http_response_code = status;
	interim.http_status_line = NULL;
	if (!send_by_rules(&interim) || engineFCGIFlush() != 0) {
		php_handle_aborted_connection();
		return 0;
	}
	return 1;
}
