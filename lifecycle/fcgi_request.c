/*
 * One FastCGI request, from its startup to its shutdown. Counterpart: sapi/fpm/fpm/fpm_main.c and sapi/cgi/cgi_main.c
 * (main).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fcgi.h"
#include "leftovers.h"
#include "module.h"
#include "script.h"

static zend_file_handle script;
static int home = -1; /* the worker's directory */

void fcgi_remember_directory(void)
{
	home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home >= 0) {
		SG(options) |= SAPI_OPTION_NO_CHDIR;
	}
}

/* A script runs in its own directory and its shutdown functions in the worker's. PHP would ask for the latter each
 * time. */
static void enter_directory_of_script(void)
{
	char directory[MAXPATHLEN];
	const char *path = ZSTR_VAL(script.filename), *slash = strrchr(path, '/');
	size_t len = slash ? slash - path : 0;

	if (home < 0 || !slash || len >= sizeof(directory)) {
		return;
	}
	memcpy(directory, path, len);
	directory[len] = '\0';
	if (chdir(len ? directory : "/") != 0) {
		/* it was opened all the same, and runs where it is */
	}
}

static void leave_directory(void)
{
	if (home >= 0 && fchdir(home) != 0) {
		/* it is gone */
	}
}

static void begin(struct engine_fcgi_request *r)
{
	fcgi_request = r;
	r->last = 0;
	fcgi_begin_body();
	SG(server_context) = r; /* PHP asks for nothing but that it is there */
	SG(request_info).request_method = r->method;
	SG(request_info).query_string = (char *)r->query_string;
	SG(request_info).content_type = r->content_type;
	SG(request_info).content_length = r->content_length;
	SG(request_info).request_uri = r->uri ? estrndup(r->uri, r->uri_len) : NULL;
	SG(request_info).path_translated = r->script ? estrndup(r->script, r->script_len) : NULL;
	SG(request_info).proto_num = 1000;
	SG(sapi_headers).http_response_code = r->not_found ? 404 : 200;
	if (r->is_http) {
		php_handle_auth_data(r->authorization);
	}
	fcgi_apply_request_values();
}

int engine_fcgi_request_startup(struct engine_fcgi_request *r)
{
	int result = FAILURE;

	zend_try {
		begin(r);
		result = php_request_startup();
	} zend_end_try();
	return result == SUCCESS ? 0 : -1;
}

int engine_fcgi_open_script(void)
{
	int error = ENOENT;

	zend_try {
		errno = 0;
		error = php_fopen_primary_script(&script) == SUCCESS ? 0 : errno ? errno : ENOENT;
	} zend_end_try();
	return error;
}

void engine_fcgi_execute(void)
{
	EG(exit_status) = 0;
	if (web_settings.check_shebang_line) {
		CG(skip_shebang) = 1;
	}
	enter_directory_of_script();
	zend_try {
		php_execute_script(&script);
	} zend_end_try();
	leave_directory();
	/* With opcache the engine's list of open files may not have it, and then nobody else closes it. */
	if (!script.in_list) {
		zend_destroy_file_handle(&script);
	}
	if (is_forked()) {
		end_if_forked();
	}
}

void engine_fcgi_highlight(void)
{
	script_highlight(&script);
	zend_destroy_file_handle(&script);
}

void engine_fcgi_answer(int status, const char *text, size_t len)
{
	zend_try {
		SG(sapi_headers).http_response_code = status;
		php_output_write(text, len);
	} zend_end_try();
}

void engine_fcgi_header(const char *line, size_t len)
{
	zend_try {
		sapi_header_line header = {.line = line, .line_len = len};
		sapi_header_op(SAPI_HEADER_REPLACE, &header);
	} zend_end_try();
}

const char *engine_fcgi_auth_user(void)
{
	return SG(request_info).auth_user;
}

void engine_fcgi_request_end(void)
{
	fcgi_close_body_file();
	if (EG(exit_status) == 255 && web_settings.error_header && *web_settings.error_header && !SG(headers_sent)) {
		engine_fcgi_header(web_settings.error_header, strlen(web_settings.error_header));
	}
	fcgi_request->status = SG(sapi_headers).http_response_code;
	fcgi_request->memory = zend_memory_peak_usage(1);
	fcgi_request->header = SG(sapi_headers).headers.head;
}

const char *engine_fcgi_next_header(void)
{
	zend_llist_element *element = fcgi_request->header;
	sapi_header_struct *header;

	if (!element) {
		return NULL;
	}
	fcgi_request->header = element->next;
	header = (sapi_header_struct *)element->data;
	fcgi_request->line_len = header->header_len;
	return header->header;
}

void engine_fcgi_request_shutdown(void)
{
	zend_try {
		if (SG(request_info).path_translated) {
			efree(SG(request_info).path_translated);
			SG(request_info).path_translated = NULL;
		}
		php_request_shutdown(NULL);
	} zend_end_try();
	end_if_forked_in_shutdown();
	fcgi_request->stale = !leftovers_clear(forks_seen());
	fcgi_restore_request_values();
	SG(request_info).request_uri = NULL; /* its memory went with the request's */
	SG(server_context) = NULL;
	fcgi_request = NULL;
}

void engine_fcgi_settings(struct engine_fcgi_settings *settings)
{
	settings->fix_pathinfo = web_settings.fix_pathinfo;
	settings->discard_path = web_settings.discard_path;
	settings->doc_root = PG(doc_root);
}

int engine_fcgi_logging(void)
{
	return web_settings.logging;
}
