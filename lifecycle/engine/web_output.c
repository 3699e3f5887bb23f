/*
 * The response. Output is put into the room that Go has open, and Go hears of it when the room is full, on flush, and when
 * the request has ended; if there is no room, at once. A CGI program's goes to standard output.
 * Counterpart: sapi/fpm/fpm/fpm_main.c, sapi/cgi/cgi_main.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "web.h"

int engine_write_out(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(STDOUT_FILENO, text, len);
		if (wrote < 0 && errno == EINTR) {
			continue;
		}
		if (wrote <= 0) {
			return 0;
		}
		text += wrote;
		len -= wrote;
	}
	return 1;
}

/* 0: the client is gone. */
static int put(const char *text, size_t len)
{
	struct engine_request *r = web_request;

	if (r->direct) {
		return engine_write_out(text, len);
	}
	if (len <= r->room_size - r->room_used) {
		memcpy(r->room + r->room_used, text, len);
		r->room_used += len;
		return 1;
	}
	return host->write(text, len) == 0;
}

size_t web_ub_write(const char *text, size_t len)
{
	if (!web_request) {
		return host->is_worker() ? 0 : fwrite(text, 1, len, stdout); /* php-fpm -i and its like */
	}
	if (!put(text, len)) {
		php_handle_aborted_connection();
		return 0;
	}
	return len;
}

void web_flush(void *context)
{
	int sends_head = web_front_end == ENGINE_CLI_SERVER || ENGINE_FLUSH_SENDS_HEAD;

	if (!web_request || web_request->direct) { /* a CGI program writes everything at once, and flush() sends no head */
		return;
	}
	if (sends_head && !SG(headers_sent)) {
		sapi_send_headers();
		SG(headers_sent) = 1;
	}
	if (host->flush() != 0) {
		php_handle_aborted_connection();
	}
}

static int is_status(const sapi_header_struct *header)
{
	return header->header_len > 7 && header->header[6] == ':' && strncasecmp(header->header, "Status:", 7) == 0;
}

static int has_status(sapi_headers_struct *headers)
{
	zend_llist_element *element;

	for (element = headers->headers.head; element; element = element->next) {
		if (is_status((sapi_header_struct *)element->data)) {
			return 1;
		}
	}
	return 0;
}

/* How many bytes the header lines take, each with its line end. */
static size_t lines_size(sapi_headers_struct *headers)
{
	zend_llist_element *element;
	size_t size = 0;

	for (element = headers->headers.head; element; element = element->next) {
		size += ((sapi_header_struct *)element->data)->header_len + 2;
	}
	return size;
}

/* Writes the header lines and returns their end. */
static char *put_lines(char *at, sapi_headers_struct *headers)
{
	zend_llist_element *element;

	for (element = headers->headers.head; element; element = element->next) {
		sapi_header_struct *header = (sapi_header_struct *)element->data;
		if (header->header_len > 0) {
			memcpy(at, header->header, header->header_len);
			memcpy(at + header->header_len, "\r\n", 2);
			at += header->header_len + 2;
		}
	}
	return at;
}

/* Sends a response's head. By CGI's rules it is nothing but its header lines if the status is 200 and nobody spoke of it;
 * the rules of status lines are in Go. 0: the client is gone. */
static int send_head(sapi_headers_struct *headers)
{
	struct engine_request *r = web_request;
	int flags = (web_settings.nph ? ENGINE_HEAD_NPH : 0) | (web_settings.rfc2616_headers ? ENGINE_HEAD_RFC2616 : 0), sent;
	int plain = web_front_end != ENGINE_CLI_SERVER && !web_settings.nph && headers->http_response_code == 200 && !has_status(headers);
	size_t size = lines_size(headers) + 2;
	char *lines, *end;

	if (plain && !r->direct && size <= r->room_size - r->room_used) {
		end = put_lines(r->room + r->room_used, headers);
		memcpy(end, "\r\n", 2);
		r->room_used = end + 2 - r->room;
		return 1;
	}
	lines = emalloc(size);
	end = put_lines(lines, headers);
	if (plain) {
		memcpy(end, "\r\n", 2);
		sent = put(lines, end + 2 - lines);
	} else {
		sent = host->head(headers->http_response_code, headers->http_status_line, flags, lines, end - lines) == 0;
	}
	efree(lines);
	if (!sent) {
		php_handle_aborted_connection();
	}
	return sent;
}

int web_send_headers(sapi_headers_struct *headers)
{
	if (web_request && !SG(request_info).no_headers && !is_forked()) {
		send_head(headers);
	}
	return SAPI_HEADER_SENT_SUCCESSFULLY;
}

int web_send_interim(int status)
{
	sapi_headers_struct interim = SG(sapi_headers);

	if (!web_request || !web_request->interim || SG(headers_sent) || SG(request_info).no_headers || is_forked() ||
		has_status(&interim)) { /* the head would have that status */
		return 0;
	}
	interim.http_response_code = status;
	interim.http_status_line = NULL;
	if (!send_head(&interim)) {
		return 0;
	}
	if (host->flush() != 0) {
		php_handle_aborted_connection();
		return 0;
	}
	return 1;
}
