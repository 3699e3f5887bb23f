/*
 * One request of a web server, from its startup to its shutdown, and its response. Output is put into the room that Go has open, and Go
 * hears of it when the room is full, on flush, and when the request has ended; if there is no room, at once. A CGI program's goes to
 * standard output. Counterpart: sapi/fpm/fpm/fpm_main.c, sapi/cgi/cgi_main.c (main), sapi/cli/php_cli_server.c
 * (php_cli_server_dispatch).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "php_script.h"
#include "web.h"

/* ---- startup ---- */

static int answers_fastcgi; /* this process answers one request after the other */

void engine_fastcgi_worker(void)
{
	if (answers_fastcgi) { /* since before the fork */
		return;
	}
	answers_fastcgi = 1;
	web_take_environment();
	web_begin_at_home();
	/* Zend's deferring of signals is not needed: no handler of ours runs PHP. Without it each request saves seven
	 * system calls. */
	SIGG(reset) = 0;
}

void web_begin(struct engine_request *r)
{
	web_request = r;
	web_begin_in_directory(r);
	web_begin_body();
	SG(server_context) = r; /* PHP asks for nothing but that it is there */
	SG(request_info).request_method = r->method;
	SG(request_info).query_string = (char *)r->query_string;
	SG(request_info).content_type = r->content_type;
	SG(request_info).content_length = r->content_length;
	SG(request_info).request_uri = r->uri ? estrndup(r->uri, r->uri_len) : NULL;
	SG(request_info).path_translated = r->script ? estrndup(r->script, r->script_len) : NULL;
	SG(request_info).proto_num = r->protocol;
	SG(request_info).argc = r->argc;
	SG(request_info).argv = r->argv;
	SG(sapi_headers).http_response_code = r->status;
	php_handle_auth_data(r->authorization);
	if (!web_has_booted) {
		web_apply_request_values();
	}
}

/* Tells what is known of the request by now. */
void web_tell(void)
{
	web_request->status = SG(sapi_headers).http_response_code;
	web_request->memory = zend_memory_peak_usage(1);
	web_request->header = SG(sapi_headers).headers.head;
}

int engine_web_startup(struct engine_request *r)
{
	int result = FAILURE;

	zend_try {
		web_begin(r);
		web_takes_body = 1;
		result = php_request_startup();
	} zend_end_try();
	web_takes_body = 0;
	if (result == FAILURE) {
		web_tell();
		return -1;
	}
	host->timer_rests(0);
	web_keep_interrupt();
	web_open_in_directory();
	if (r->no_headers) {
		SG(headers_sent) = 1;
		SG(request_info).no_headers = 1;
	}
	r->auth_user = SG(request_info).auth_user;
	r->auth_user_len = r->auth_user ? strlen(r->auth_user) : 0;
	web_tell();
	return 0;
}

/* ---- the script ---- */

int engine_script_open_primary(void)
{
	int error = ENOENT;

	script_skip_shebang();
	zend_try {
		/* Of what is there and cannot be opened all the same, PHP says what is left here. */
		errno = web_request->direct ? ENOENT : 0;
		primary.is_open = php_fopen_primary_script(&primary.file) == SUCCESS;
		error = primary.is_open ? 0 : errno ? errno : ENOENT;
	} zend_end_try();
	return error;
}

void engine_web_header(const char *line, size_t len)
{
	zend_try {
		sapi_header_line header = {.line = line, .line_len = len};
		sapi_header_op(SAPI_HEADER_REPLACE, &header);
	} zend_end_try();
}

/* fastcgi.error_header, after an error that ended the script. */
void web_add_error_header(void)
{
	if (EG(exit_status) == 255 && web_settings.error_header && *web_settings.error_header && !SG(headers_sent)) {
		engine_web_header(web_settings.error_header, strlen(web_settings.error_header));
	}
}

void engine_web_execute(void)
{
	if (answers_fastcgi) {
		EG(exit_status) = 0;
	}
	web_enter_directory_of_script();
	zend_try {
		php_execute_script(&primary.file);
	} zend_end_try();
	web_leave_directory();
	end_if_forked();
	web_end_body();
	web_add_error_header();
	web_tell();
}

void engine_web_answer(int status, const char *text, size_t len)
{
	zend_try {
		SG(sapi_headers).http_response_code = status;
		php_output_write(text, len);
	} zend_end_try();
	web_end_body();
	web_tell();
}

int engine_web_run(struct engine_request *r)
{
	int error = engine_web_startup(r);

	if (error == 0) {
		error = engine_script_open_primary();
		if (error == 0) {
			engine_web_execute();
		}
	}
	return error;
}

/* ---- the response ---- */

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

/* ---- shutdown ---- */

void engine_web_shutdown(void)
{
	web_end_body();
	host->timer_rests(1);
	zend_try {
		engine_script_close();
		php_request_shutdown(NULL);
	} zend_end_try();
	end_if_forked_in_shutdown();
	if (answers_fastcgi && web_request) {
		web_request->stale = !leftovers_clear(host->has_forked());
	}
	web_restore_request_values();
	SG(request_info).request_uri = NULL; /* its memory went with the request's */
	SG(request_info).path_translated = NULL;
	SG(server_context) = NULL;
	SG(rfc1867_uploaded_files) = NULL;
	web_request = NULL;
}
