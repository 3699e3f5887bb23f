/*
 * One request of a web server, from its startup to its shutdown. Counterpart: sapi/fpm/fpm/fpm_main.c,
 * sapi/cgi/cgi_main.c (main), sapi/cli/php_cli_server.c (php_cli_server_dispatch).
 */
#include <string.h>
#include <unistd.h>

#include "php_leftovers.h"
#include "php_module.h"
#include "php_script.h"
#include "web.h"

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
		script_run();
	} zend_end_try();
	web_leave_directory();
	end_if_forked();
	web_end_body();
	web_add_error_header();
	web_tell();
}

int engine_web_execute_router(const char *path)
{
	zend_file_handle script;
	char directory[MAXPATHLEN];
	volatile int declined = 0;

	if (!getcwd(directory, sizeof(directory))) {
		directory[0] = '\0';
	}
	zend_stream_init_filename(&script, path);
	script.primary_script = 1;
	zend_try {
		zval result;

		ZVAL_UNDEF(&result);
		CG(skip_shebang) = 1;
		if (compat_execute_router(&script, &result) && Z_TYPE(result) != IS_UNDEF) {
			declined = Z_TYPE(result) == IS_FALSE;
			zval_ptr_dtor(&result);
		}
	} zend_end_try();
	zend_destroy_file_handle(&script);
	end_if_forked();
	if (directory[0] && chdir(directory) != 0) {
		/* the directory is gone: the next script finds that out itself */
	}
	return declined;
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

void engine_web_header(const char *line, size_t len)
{
	zend_try {
		sapi_header_line header = {.line = line, .line_len = len};
		sapi_header_op(SAPI_HEADER_REPLACE, &header);
	} zend_end_try();
}

void engine_web_no_default_content_type(void)
{
	SG(sapi_headers).send_default_content_type = 0;
}

const char *engine_web_next_header(void)
{
	zend_llist_element *element = web_request ? web_request->header : NULL; /* none: the request could not begin */
	sapi_header_struct *header;

	if (!element) {
		return NULL;
	}
	web_request->header = element->next;
	header = (sapi_header_struct *)element->data;
	web_request->line_len = header->header_len;
	return header->header;
}

int engine_web_last_error(struct engine_error *error)
{
	if (!PG(last_error_message)) {
		return 0;
	}
	error->fatal = (PG(last_error_type) & E_FATAL_ERRORS) != 0 && !web_outlived_error;
	error->message = ZSTR_VAL(PG(last_error_message));
	error->file = PG(last_error_file) ? ZSTR_VAL(PG(last_error_file)) : "";
	error->line = PG(last_error_lineno);
	return 1;
}

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
